// Whether this process still answers who connects anew.
#pragma once

#include <sys/socket.h>

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace section55::rpc {

// One look: a new connection to `address`, TLS (whose certificate is not judged: an expired one is another matter), and a call of the health
// service, whatever it answers. `announce` is told the local port before the connection is made, and 0 when it is over.
absl::Status ProbeOnce(const sockaddr_storage& address, absl::Duration patience,
                       const std::function<void(int local_port)>& announce);

// Looks again and again, on a thread of its own, until it is destroyed.
class SelfProbe {
 public:
  struct Options {
    std::function<absl::Status()> look;
    absl::Duration every = absl::Seconds(10);
    // Looks in a row that must fail.
    int failures = 3;
    // Called once, with what the last look said; from the probe's thread.
    std::function<void(const absl::Status&)> deaf;
  };
  explicit SelfProbe(Options options);
  ~SelfProbe();
  SelfProbe(const SelfProbe&) = delete;
  SelfProbe& operator=(const SelfProbe&) = delete;

 private:
  void Run();

  const Options options_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace section55::rpc
