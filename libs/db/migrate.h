// Migrations: a service's schema, step by step, forward only.
//
// A folder `migrations/` of the component holds NNNN_name.sqlite.sql and NNNN_name.mysql.sql, numbered from 0001
// without a gap, the same numbers and names for both engines (a step that one engine does not need is a comment). A
// MySQL file holds one DDL statement, because MySQL commits each by itself; an SQLite file may hold several, and all
// steps run in one transaction. The files are compiled into the service by the CMake function section55_schema
// (schema.cmake), so that a binary and its schema cannot part.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "libs/db/database.h"

namespace section55::db {

struct Migration {
  int version = 0;   // from 1
  std::string name;  // "responses"
  std::string sql;
};

// Both engines' migrations of one component, in order. Each owner of tables is a component with its own numbers: the
// libraries "db" (answers to request ids) and "events" (outbox, feed, cursors), and the service itself ("authoring").
struct Schema {
  std::string component;
  std::vector<Migration> sqlite;
  std::vector<Migration> mysql;
};

struct AppliedMigration {
  std::string component;
  int version = 0;
  std::string name;
  std::string checksum;  // SHA-256 of the SQL, hexadecimal
  absl::Time finished;
};

// Brings the database up to the last migration, under a lock that lets one process migrate at a time, and writes each
// step with its checksum to the table schema_history. Returns what it applied; with `dry_run`, what it would apply,
// changing nothing. FAILED_PRECONDITION (one sentence for the operator): an applied file has since changed, the
// database is newer than this program, or an earlier run stopped half-way through a MySQL step (the sentence names the
// step).
absl::StatusOr<std::vector<Migration>> Migrate(Database& database, absl::Span<const Schema> schemas, absl::Time now,
                                               bool dry_run);

// OK when the schema is exactly what this program needs, or newer by additions (a rolling upgrade); otherwise
// FAILED_PRECONDITION with the sentence that names the command to run. `until` as in Database::Read.
absl::Status CheckSchema(Database& database, absl::Span<const Schema> schemas,
                         absl::Time until = absl::InfiniteFuture());

// What has been applied, oldest first.
absl::StatusOr<std::vector<AppliedMigration>> SchemaHistory(Database& database);

}  // namespace section55::db
