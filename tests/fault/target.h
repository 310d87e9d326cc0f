// One real service under attack, and those who go on using it meanwhile.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "libs/testing/process.h"

namespace section55::fault {

// How often an attack is repeated: SECTION55_ATTACK_ROUNDS, 1 without it.
int Rounds();

// inspection-registry or another service, with its own database, on free ports. Ends the test program with a sentence when it does not start.
class Target {
 public:
  // `limits` stand before the program, for example {"/usr/bin/prlimit", "--nofile=1024:1024"}; `flags` after it.
  explicit Target(std::string service, std::vector<std::string> flags = {}, std::vector<std::string> limits = {});
  // After a failed test the log is kept, and printed where it is short.
  ~Target();
  Target(const Target&) = delete;

  int port() const { return port_.number(); }
  int metrics_port() const { return metrics_port_.number(); }
  int web_port() const { return web_port_.number(); }
  testing::Process& process() { return *process_; }
  std::string Log() const;

  // A connection of its own, with a person's trust and no certificate.
  std::shared_ptr<grpc::Channel> NewChannel() const;
  // Whether health answers over a new connection, within that time.
  bool Answers(absl::Duration within = absl::Seconds(10)) const;

  // Memory of the process now, and the most it ever was, in MiB; descriptors that it has open.
  int64_t MemoryMib() const { return Status("VmRSS:"); }
  int64_t MostMemoryMib() const { return Status("VmHWM:"); }
  int64_t Descriptors() const;

  // Looks again and again until `holds`; false after a minute.
  static bool Until(const std::function<bool()>& holds);

 private:
  int64_t Status(const std::string& field) const;

  testing::TemporaryFolder folder_;
  testing::ReservedPort port_, metrics_port_, web_port_;
  std::unique_ptr<testing::Process> process_;
};

// People who use the service while it is attacked: one over a connection that it has, one who connects anew each time. Every call must be
// answered, each within half a minute.
class Bystanders {
 public:
  explicit Bystanders(const Target& target);
  ~Bystanders() { Stop(); }

  // Ends them; what went wrong meanwhile is a failure of the test.
  void Stop();
  int answered() const { return answered_; }

 private:
  const Target& target_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> answered_ = 0;
  std::atomic<int> refused_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace section55::fault
