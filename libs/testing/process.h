// Programs as child processes of a test. They end when the test does, whatever happens to it.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace section55::testing {

// What to run, and how.
struct Command {
  // The program, by its path, and its arguments.
  std::vector<std::string> words;
  // Added to the test's own.
  std::map<std::string, std::string> environment = {};
  // Empty: the test's own.
  std::filesystem::path folder = {};
};

// A running program. The kernel kills it when the thread that started it ends (PR_SET_PDEATHSIG), so a program that is to outlive
// a thread is started by the main thread. Not thread-safe.
class Process {
 public:
  // Appends the program's standard output and standard error to files; one that cannot be run ends with exit code 127.
  Process(const Command& command, const std::filesystem::path& output, const std::filesystem::path& errors);
  // Kills it, if it still runs.
  ~Process();
  Process(const Process&) = delete;

  pid_t pid() const { return pid_; }
  // Readable once the program has ended: for poll.
  int pidfd() const { return pidfd_; }

  // Sends a signal; nothing happens when the program has ended.
  void Signal(int signal);

  // Waits until it has ended: its exit code, or as in a shell 128 + the signal that ended it. Nothing: it still runs.
  std::optional<int> Await(absl::Duration timeout);

  // kill -9, and waits.
  void Kill();

 private:
  pid_t pid_ = -1;
  int pidfd_ = -1;
  std::optional<int> exit_code_;
};

// How a program ended.
struct Outcome {
  int exit_code = -1;
  std::string output;
  std::string errors;
};

// Runs a program to its end; after `timeout` it is killed, which the exit code (137) shows.
Outcome Run(const Command& command, absl::Duration timeout = absl::Seconds(60));

// What a file holds; empty when there is none.
std::string ReadFile(const std::filesystem::path& file);

// A new folder, writable by nobody else, removed at the end with all that it holds unless Keep was called.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  void Keep() { keep_ = true; }

 private:
  std::filesystem::path path_;
  bool keep_ = false;
};

// A TCP port of 127.0.0.1 that is nobody else's as long as this lives. The socket that holds it is bound and does not listen, so a
// server that sets SO_REUSEADDR, as ours do, can listen on it, also again after it was killed.
class ReservedPort {
 public:
  // Any free one, or `port`; then ok() says whether it was free.
  explicit ReservedPort(int port = 0);
  ~ReservedPort();
  ReservedPort(const ReservedPort&) = delete;

  bool ok() const { return number_ > 0; }
  int number() const { return number_; }
  // "127.0.0.1:PORT".
  std::string address() const;

 private:
  int socket_ = -1;
  int number_ = 0;
};

}  // namespace section55::testing
