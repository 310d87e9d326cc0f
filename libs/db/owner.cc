#include "libs/db/owner.h"

#include <errno.h>
#include <fmt/format.h>

#include "libs/base/clock.h"
#include "libs/base/status.h"

namespace section55::db {
namespace {

constexpr char kSqliteTable[] =
    "CREATE TABLE IF NOT EXISTS owner ("
    "id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), service TEXT NOT NULL, deployment TEXT NOT NULL,"
    "created_us INTEGER NOT NULL) STRICT";
constexpr char kMysqlTable[] =
    "CREATE TABLE IF NOT EXISTS owner ("
    "id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),"
    "service VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,"
    "deployment VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,"
    "created_us BIGINT NOT NULL) ENGINE = InnoDB";

absl::Status Refuse(std::string_view reason, const std::string& message) {
  return base::Error(absl::StatusCode::kFailedPrecondition, reason, message);
}

struct Found {
  std::optional<Owner> owner;
  bool other_tables = false;
};

absl::StatusOr<Found> Look(Transaction& tx, Engine engine) {
  Found found;
  bool marked = false;
  RETURN_IF_ERROR(
      tx.Query(engine == Engine::kSqlite
                   ? "SELECT name = 'owner' FROM sqlite_master WHERE type = 'table'"
                   : "SELECT table_name = 'owner' FROM information_schema.tables WHERE table_schema = DATABASE()",
               {}, [&](const Row& row) { (row.Int64(0) != 0 ? marked : found.other_tables) = true; }));
  if (marked) {
    RETURN_IF_ERROR(tx.Query("SELECT service, deployment, created_us FROM owner WHERE id = 1", {}, [&](const Row& row) {
      found.owner = {std::string(row.Text(0)), std::string(row.Text(1)), base::FromMicros(row.Int64(2))};
    }));
  }
  return found;
}

absl::StatusOr<Found> Look(Database& database, absl::Time until) {
  Found found;
  RETURN_IF_ERROR(database.Read(
      [&](Transaction& tx) -> absl::Status {
        ASSIGN_OR_RETURN(found, Look(tx, database.engine()));
        return absl::OkStatus();
      },
      until));
  return found;
}

// What there is must be this service's, or empty.
absl::Status Compare(const Found& found, std::string_view service, std::string_view deployment) {
  if (found.owner && (found.owner->service != service || found.owner->deployment != deployment)) {
    return Refuse(
        "DATABASE_OF_ANOTHER",
        fmt::format("the database is that of {} in the deployment {}, and this is {} in the deployment {}: name "
                    "its own with --database, or its deployment with --deployment",
                    found.owner->service, found.owner->deployment, service, deployment));
  }
  if (!found.owner && found.other_tables) {
    return Refuse(
        "DATABASE_UNKNOWN",
        fmt::format("the database holds tables, but no mark of {}: name its own, or an empty one to begin with",
                    service));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::optional<Owner>> ReadOwner(Database& database, absl::Time until) {
  ASSIGN_OR_RETURN(Found found, Look(database, until));
  return std::move(found.owner);
}

absl::Status CheckOwner(Database& database, std::string_view service, std::string_view deployment, absl::Time until) {
  ASSIGN_OR_RETURN(const Found found, Look(database, until));
  RETURN_IF_ERROR(Compare(found, service, deployment));
  if (!found.owner) {
    return Refuse(
        "DATABASE_EMPTY",
        fmt::format("the database is empty: restore a backup, or, if it is meant to be new, run \"{} migrate --new\"",
                    program_invocation_short_name));
  }
  return absl::OkStatus();
}

absl::Status Begin(Database& database, std::string_view service, std::string_view deployment, absl::Time now) {
  return database.WriteSchema([&](SchemaTransaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const Found found, Look(tx, database.engine()));
    RETURN_IF_ERROR(Compare(found, service, deployment));
    if (found.owner) {
      return Refuse(
          "DATABASE_BEGUN",
          fmt::format("there is a database of {} already, begun {}: leave out --new to bring it up to date, or name "
                      "another one",
                      service, absl::FormatTime(absl::RFC3339_sec, found.owner->created, absl::UTCTimeZone())));
    }
    RETURN_IF_ERROR(tx.ExecuteScript(database.engine() == Engine::kSqlite ? kSqliteTable : kMysqlTable));
    return tx
        .Execute("INSERT INTO owner (id, service, deployment, created_us) VALUES (1, ?, ?, ?)",
                 {service, deployment, base::ToMicros(now)})
        .status();
  });
}

}  // namespace section55::db
