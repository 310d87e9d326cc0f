#include "libs/testing/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "absl/time/clock.h"

namespace section55::testing {
namespace {

constexpr int kCannotRun = 127;
constexpr int kSignalled = 128;

[[noreturn]] void Fail(const std::string& sentence) {
  fmt::print(stderr, "This test cannot run: {}: {}\n", sentence, std::strerror(errno));
  std::abort();
}

// The null-terminated list that exec takes. Points into `words`.
std::vector<char*> Pointers(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (const std::string& word : words) {
    pointers.push_back(const_cast<char*>(word.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!added.contains(text.substr(0, text.find('=')))) {
      result.push_back(text);
    }
  }
  for (const auto& [name, value] : added) {
    result.push_back(fmt::format("{}={}", name, value));
  }
  return result;
}

}  // namespace

Process::Process(const Command& command, const std::filesystem::path& output, const std::filesystem::path& errors) {
  // Everything that allocates is done before the fork: other threads may hold the heap's lock.
  const std::vector<char*> words = Pointers(command.words);
  const std::vector<std::string> environment = Environment(command.environment);
  const std::vector<char*> variables = Pointers(environment);
  const std::string folder = command.folder.empty() ? "." : command.folder.string();
  const std::string output_path = output.string();
  const std::string errors_path = errors.string();
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) {
    Fail("fork");
  }
  if (pid_ > 0) {
    pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    if (pidfd_ < 0) {
      Fail("pidfd_open");
    }
    return;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) {
    _exit(kCannotRun);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  const int input = open("/dev/null", O_RDONLY);
  const int to = open(output_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int error_to = open(errors_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (dup2(input, STDIN_FILENO) < 0 || dup2(to, STDOUT_FILENO) < 0 || dup2(error_to, STDERR_FILENO) < 0 ||
      chdir(folder.c_str()) != 0) {
    _exit(kCannotRun);
  }
  // The test's own connections and reserved ports stay its own.
  syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  execve(words[0], words.data(), variables.data());
  _exit(kCannotRun);
}

Process::~Process() {
  Kill();
  close(pidfd_);
}

void Process::Signal(int signal) { syscall(SYS_pidfd_send_signal, pidfd_, signal, nullptr, 0); }

std::optional<int> Process::Await(absl::Duration timeout) {
  if (exit_code_) {
    return exit_code_;
  }
  const absl::Time until = absl::Now() + timeout;
  pollfd ended = {pidfd_, POLLIN, 0};
  int ready = 0;
  do {
    ready = poll(&ended, 1, static_cast<int>(std::max<int64_t>(0, absl::ToInt64Milliseconds(until - absl::Now()))));
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) {
    return std::nullopt;
  }
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status);
  return exit_code_;
}

void Process::Kill() {
  if (!exit_code_) {
    Signal(SIGKILL);
    Await(absl::Hours(1));
  }
}

Outcome Run(const Command& command, absl::Duration timeout) {
  const TemporaryFolder folder;
  Process process(command, folder.path() / "output", folder.path() / "errors");
  if (!process.Await(timeout)) {
    process.Kill();
  }
  return {*process.Await(absl::ZeroDuration()), ReadFile(folder.path() / "output"), ReadFile(folder.path() / "errors")};
}

std::string ReadFile(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TemporaryFolder::TemporaryFolder() {
  std::string name = std::filesystem::temp_directory_path() / "section55-test-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) {
    Fail("mkdtemp " + name);
  }
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!keep_) {
    std::filesystem::remove_all(path_, ignored);
  }
}

ReservedPort::ReservedPort(int port) {
  socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  socklen_t size = sizeof(address);
  if (socket_ < 0) {
    Fail("socket");
  }
  if (bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
      getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    number_ = ntohs(address.sin_port);
  } else if (port == 0) {
    Fail("no free port");
  }
}

ReservedPort::~ReservedPort() { close(socket_); }

std::string ReservedPort::address() const { return fmt::format("127.0.0.1:{}", number_); }

}  // namespace section55::testing
