#include "libs/testing/mariadb.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/db/database.h"

namespace section55::testing {
namespace {

constexpr char kServer[] = "/usr/sbin/mariadbd";
constexpr char kInstaller[] = "/usr/bin/mariadb-install-db";
constexpr int kLongestStartMs = 60'000;

[[noreturn]] void Fail(std::string_view sentence) {
  fmt::print(stderr, "The private MariaDB of this test cannot be used: {}\n", sentence);
  // Not abort: a server that runs is to be ended in good order.
  std::exit(EXIT_FAILURE);
}

// The user that the server runs as: MariaDB refuses root. Nothing when we are not root.
const passwd* ServerUser() {
  if (geteuid() != 0) {
    return nullptr;
  }
  for (const char* name : {"mysql", "nobody"}) {
    if (const passwd* user = getpwnam(name)) {
      return user;
    }
  }
  Fail("there is neither a user mysql nor a user nobody to run it as");
}

// Starts a program as the server's user, with its output in `log`. It is killed when the calling thread ends.
pid_t Spawn(const std::vector<std::string>& command, const std::string& log, const std::string& notify) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  const passwd* user = ServerUser();
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child != 0) {
    return child;
  }
  const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  if (notify.empty()) {
    unsetenv("NOTIFY_SOCKET");
  } else {
    setenv("NOTIFY_SOCKET", notify.c_str(), 1);
  }
  // We change the user, not the server's --user: the kernel forgets the death signal when a process changes its user.
  if (user != nullptr && (setgroups(0, nullptr) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)) {
    _exit(126);
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == parent) {
    execv(arguments[0], arguments.data());
  }
  _exit(127);
}

int FreePort() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(probe, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    Fail(fmt::format("no port is free: {}", std::strerror(errno)));
  }
  close(probe);
  return ntohs(address.sin_port);
}

std::string Contents(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

MariaDb& MariaDb::Get() {
  static MariaDb mariadb;
  return mariadb;
}

MariaDb::MariaDb() { Install(); }

MariaDb::MariaDb(const std::filesystem::path& certificates) : certificates_(certificates), port_(FreePort()) {
  Install();
}

void MariaDb::Install() {
  for (const char* program : {kServer, kInstaller}) {
    if (access(program, X_OK) != 0) {
      Fail(fmt::format("{} is missing; install mariadb-server-core", program));
    }
  }
  std::string name = std::filesystem::temp_directory_path() / "section55-mariadb-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) {
    Fail(fmt::format("no folder can be made at {}: {}", name, std::strerror(errno)));
  }
  folder_ = name;
  if (const passwd* user = ServerUser(); user != nullptr && chown(name.c_str(), user->pw_uid, user->pw_gid) != 0) {
    Fail(fmt::format("{} cannot be given to the server's user: {}", name, std::strerror(errno)));
  }
  const std::string log = folder_ / "install.log";
  int outcome = 0;
  waitpid(Spawn({kInstaller, "--no-defaults", "--datadir=" + (folder_ / "data").string(), TemporaryTables(),
                 // The machine's own name may lead nowhere: --force.
                 "--force", "--skip-name-resolve", "--skip-test-db", "--auth-root-authentication-method=normal",
                 // A folder that is lost with the machine needs no sync while it is made.
                 "--debug-no-sync", "--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=0"},
                log, ""),
          &outcome, 0);
  if (outcome != 0) {
    Fail(fmt::format("mariadb-install-db failed: {}", Contents(log)));
  }
  Start();
}

std::string MariaDb::TemporaryTables() const { return "--tmpdir=" + (folder_ / "data").string(); }

MariaDb::~MariaDb() {
  if (server_ > 0) {
    Kill();
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void MariaDb::Start() {
  // The server says when it is ready, as it would to systemd; so nothing here polls or sleeps.
  const std::filesystem::path notify = folder_ / "notify";
  std::filesystem::remove(notify);
  const int ready = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  notify.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (bind(ready, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 || chmod(notify.c_str(), 0666) != 0) {
    Fail(fmt::format("the socket {} cannot be made: {}", notify.string(), std::strerror(errno)));
  }
  // As small and quick as it can be, except that a commit is flushed to the disk.
  std::vector<std::string> command = {kServer,
                                      "--no-defaults",
                                      "--datadir=" + (folder_ / "data").string(),
                                      "--socket=" + socket(),
                                      TemporaryTables(),
                                      "--pid-file=" + (folder_ / "pid").string(),
                                      "--skip-name-resolve",
                                      "--performance-schema=OFF",
                                      "--skip-log-bin",
                                      "--innodb-flush-log-at-trx-commit=1",
                                      "--innodb-buffer-pool-size=64M",
                                      "--innodb-log-file-size=64M",
                                      "--max-connections=300",
                                      "--innodb-file-per-table=OFF",
                                      "--character-set-server=utf8mb4",
                                      "--collation-server=utf8mb4_bin"};
  if (port_ == 0) {
    command.emplace_back("--skip-networking");
  } else {
    command.emplace_back("--bind-address=127.0.0.1,::1");
    command.emplace_back(fmt::format("--port={}", port_));
  }
  if (!certificates_.empty()) {
    command.emplace_back("--ssl-ca=" + (certificates_ / "ca.pem").string());
    command.emplace_back("--ssl-cert=" + (certificates_ / "server.pem").string());
    command.emplace_back("--ssl-key=" + (certificates_ / "server.key").string());
  }
  server_ = Spawn(command, folder_ / "server.log", notify);
  const int process = static_cast<int>(syscall(SYS_pidfd_open, server_, 0));
  pollfd wait[] = {{ready, POLLIN, 0}, {process, POLLIN, 0}};
  bool started = false;
  while (!started && poll(wait, 2, kLongestStartMs) > 0 && wait[1].revents == 0) {
    char message[4096];
    const ssize_t length = recv(ready, message, sizeof(message), 0);
    started = length > 0 && std::string_view(message, length).find("READY=1") != std::string_view::npos;
  }
  close(ready);
  close(process);
  if (!started) {
    Fail(fmt::format("mariadbd did not start: {}", Contents(folder_ / "server.log")));
  }
}

void MariaDb::Kill() {
  kill(server_, SIGKILL);
  waitpid(std::exchange(server_, -1), nullptr, 0);
}

void MariaDb::Pause() {
  kill(server_, SIGSTOP);
  // Its threads stop one after the other: until the last one has, a statement may still be answered.
  waitpid(server_, nullptr, WUNTRACED);
}

void MariaDb::Resume() { kill(server_, SIGCONT); }

std::string MariaDb::NewDatabase() {
  std::string name = fmt::format("test_{}", ++databases_);
  Execute(fmt::format("CREATE DATABASE {} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", name));
  return name;
}

std::string MariaDb::UrlOf(const std::string& database) const {
  return fmt::format("mysql://root@/{}?socket={}", database, socket());
}

void MariaDb::Execute(const std::string& sql) {
  auto administrator = db::Open({.url = UrlOf("mysql"), .password_file = "", .connections = 1});
  const absl::Status status =
      administrator.ok()
          ? (*administrator)->WriteSchema([&](db::SchemaTransaction& tx) { return tx.ExecuteScript(sql); })
          : administrator.status();
  if (!status.ok()) {
    Fail(fmt::format("{}: {}", sql, status.ToString()));
  }
}

}  // namespace section55::testing
