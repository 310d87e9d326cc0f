// A private, real MariaDB for tests: its own data folder and a unix socket, gone when the test program ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace section55::testing {

// Needs Debian's mariadb-server-core. Anything that goes wrong ends the test program with a sentence that says what: a
// missing MariaDB is a failure and never skips a test. Not thread-safe, except for socket().
class MariaDb {
 public:
  // The one of this test program, started when first asked for; to be called from the main thread, as the server is
  // killed by the kernel when the thread that started it ends.
  static MariaDb& Get();

  // One more, which listens on a free TCP port of the loopback addresses too. `certificates`: a folder with ca.pem, and with server.pem
  // and server.key for TLS, which everybody may read; empty for none.
  explicit MariaDb(const std::filesystem::path& certificates);

  ~MariaDb();
  MariaDb(const MariaDb&) = delete;

  // An empty database, and its name.
  std::string NewDatabase();

  // The URL of a database, with all rights.
  std::string UrlOf(const std::string& database) const;

  // Runs one statement as an administrator, such as "KILL 12".
  void Execute(const std::string& sql);

  // kill -9; returns when the process has ended.
  void Kill();

  // Starts it again after Kill; returns when it accepts connections.
  void Start();

  // Lets it hang, and go on.
  void Pause();
  void Resume();

  std::string socket() const { return folder_ / "socket"; }

  // 0 when it does not listen on one.
  int port() const { return port_; }

 private:
  MariaDb();

  // Makes the data folder and starts the server.
  void Install();

  // The option that keeps them to itself: a MariaDB that starts removes those of all others from the common folder.
  std::string TemporaryTables() const;

  std::filesystem::path folder_, certificates_;
  int port_ = 0;
  pid_t server_ = -1;
  int databases_ = 0;
};

}  // namespace section55::testing
