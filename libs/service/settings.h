// The command line that every service understands (see README.md). Read once, by main's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/access/tokens.h"
#include "libs/db/database.h"
#include "libs/rpc/server.h"
#include "libs/service/backup.h"

namespace section55::service {

// What the flags of libs/service say. The errors of all functions here are one sentence that names the flag.
struct Settings {
  enum class Command { kServe, kMigrate, kMigrateNew, kMigrateDryRun, kBackup, kRestore, kVerify };
  Command command = Command::kServe;
  std::string to;  // of kBackup
  RestoreOptions restore;
  std::string deployment;
  rpc::ServerOptions server;
  db::Options database;
  std::optional<access::TokenVerifier::Options> tokens;  // none: only services call
  std::string metrics_listen;                            // empty: no metrics port
  std::string audit_file;
  std::string replica;
  std::optional<absl::Time> driven_clock;
  absl::Duration keep_events;
};

// Parses the command line, the flags of the service's own main included.
absl::StatusOr<Settings> ReadCommandLine(std::string_view service_name, int argc, char** argv);

// Says which flag an error is about.
absl::Status About(std::string_view flag, const absl::Status& status);

}  // namespace section55::service
