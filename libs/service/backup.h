// The commands `backup`, `restore` and `verify` of a service.
//
// A backup is one file: the copy of the database (libs/db/backup.h), then a line that says of which service it is, when it was made, what
// schema it has, how far its feed and its cursors had come in exactly that state, and the SHA-256 of the copy. Errors of all functions are
// one sentence for an operator.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "libs/db/database.h"
#include "libs/db/migrate.h"
#include "libs/db/proto_table.h"

namespace section55::service {

// What a backup says of itself.
struct Manifest {
  std::string service = {};  // "response-authoring"
  std::string engine = {};   // "sqlite" or "mysql"
  std::string version = {};  // of the program that made it
  absl::Time time = {};      // of the state that was copied, or a moment before
  std::vector<std::string> migrations = {};
  int64_t feed_position = 0;
  std::string feed_incarnation = {};
  int64_t bytes = 0;  // of the copy
  std::string sha256 = {};
};

// Makes a backup while the service runs. `to` must not exist; it appears whole, readable by nobody else, or not at all.
absl::StatusOr<Manifest> Backup(std::string_view service, const db::Options& database, const std::string& to,
                                absl::Time now);

// Reads a backup's manifest and compares the copy with its checksum.
absl::StatusOr<Manifest> Verify(const std::string& from);

struct RestoreOptions {
  std::string from = {};
  bool replace = false;                   // on SQLite, a database that is there; it is kept beside the new one
  std::vector<std::string> without = {};  // followers that need not give back what they hold
};

// Puts a backup in place of the service's database: its feed gets a new incarnation, whoever follows it is awaited (see
// libs/events/recovery.h), and no etag from before is good any more. `schemas` as of Migrate: they are brought up to date. `tables`: those
// with versions. Returns where the old database is kept; empty when there was none.
absl::StatusOr<std::string> Restore(std::string_view service, const db::Options& database,
                                    absl::Span<const db::Schema> schemas,
                                    absl::Span<const db::MessageTable* const> tables, const RestoreOptions& options,
                                    absl::Time now);

// As a person reads it, in one line.
std::string Describe(const Manifest& manifest);

}  // namespace section55::service
