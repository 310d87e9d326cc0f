// What the four mains share: flags, log, clock, database, signals. A main takes one of these and wires the rest by
// hand.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/access/tokens.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/db/migrate.h"
#include "libs/rpc/server.h"

namespace section55::rpc {

// Flags read by every service (see libs/rpc/README.md): --listen, --metrics_listen, --certificates, --jwks,
// --token_issuer,
// --token_audience, --database, --database_password_file, --database_connections, --max_concurrent_calls,
// --calls_per_second_per_caller, --driven_clock, and absl's --flagfile.
class Process {
 public:
  // Parses the command line, blocks SIGINT and SIGTERM for WaitForSignal, opens the log, the metrics port and the
  // database. With the word `migrate` on the command line it migrates (or with `--dry_run` says what it would do),
  // prints the steps and returns a process for which finished() is true. On SQLite the schema is brought up to date
  // here; on MySQL an old schema is not an error but schema_status(). The error is the sentence to print before exiting
  // with 1; see Fail.
  static absl::StatusOr<std::unique_ptr<Process>> Create(std::string_view service_name, int argc, char** argv,
                                                         std::vector<db::Schema> schemas);
  ~Process();

  // True when there is nothing to serve: the command line asked for `migrate` only.
  bool finished() const;

  base::Clock& clock();
  db::Database& database();
  Server& server();
  const std::string& certificates() const;
  const std::vector<db::Schema>& schemas() const;
  // OK, or that the schema is not what this program needs: then calls are refused with this message until the operator
  // has migrated (WaitForSignal looks every two seconds), and loops and followers had better not start.
  const absl::Status& schema_status() const;
  // The driven clock, or null without --driven_clock.
  base::DrivenClock* driven_clock();

  // Starts the server and, when the schema allows, sets it serving: the last thing a main does before it waits.
  absl::Status Start();
  // Returns when SIGINT or SIGTERM arrives.
  void WaitForSignal();
  // Drains the server (10 s of grace); a main stops its followers and loops before the objects they use go. The log is
  // written out when the process object goes.
  void Drain();

 private:
  Process();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Prints the one sentence to standard error and returns 1, the exit code of an operator's mistake.
int Fail(std::string_view service_name, const absl::Status& status);

}  // namespace section55::rpc
