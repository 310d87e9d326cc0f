#include "libs/db/migrate.h"

#include <errno.h>
#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/status.h"

namespace section55::db {
namespace {

constexpr char kSqliteHistory[] =
    "CREATE TABLE IF NOT EXISTS schema_history ("
    "component TEXT NOT NULL, version INTEGER NOT NULL, name TEXT NOT NULL, checksum TEXT NOT NULL,"
    "started_us INTEGER NOT NULL, finished_us INTEGER, PRIMARY KEY (component, version)) STRICT";
constexpr char kMysqlHistory[] =
    "CREATE TABLE IF NOT EXISTS schema_history ("
    "component VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, version BIGINT NOT NULL,"
    "name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,"
    "checksum CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,"
    "started_us BIGINT NOT NULL, finished_us BIGINT, PRIMARY KEY (component, version)) ENGINE = InnoDB";

absl::Status Refuse(std::string_view reason, std::string_view message) {
  return base::Error(absl::StatusCode::kFailedPrecondition, reason, message);
}

struct Entry {
  AppliedMigration migration;
  bool finished = false;
};

// Every row of schema_history, by when it was finished; none if there is no such table yet.
absl::StatusOr<std::vector<Entry>> LoadHistory(Transaction& tx, Engine engine) {
  bool exists = false;
  RETURN_IF_ERROR(tx.Query(engine == Engine::kSqlite
                               ? "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_history'"
                               : "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND "
                                 "table_name = 'schema_history'",
                           {}, [&](const Row&) { exists = true; }));
  std::vector<Entry> history;
  if (exists) {
    RETURN_IF_ERROR(tx.Query(
        "SELECT component, version, name, checksum, finished_us FROM schema_history "
        "ORDER BY finished_us, component, version",
        {}, [&](const Row& row) {
          history.push_back({{std::string(row.Text(0)), static_cast<int>(row.Int64(1)), std::string(row.Text(2)),
                              std::string(row.Text(3)), base::FromMicros(row.Int64(4))},
                             !row.IsNull(4)});
        }));
  }
  return history;
}

struct Step {
  const Schema* schema;
  const Migration* migration;
};

struct Plan {
  std::vector<Step> steps;  // still to be applied, in order
  bool newer = false;       // the database has steps that this program does not know
};

const std::vector<Migration>& MigrationsOf(const Schema& schema, Engine engine) {
  return engine == Engine::kSqlite ? schema.sqlite : schema.mysql;
}

// What is missing; an error when what is there is not what this program knows.
absl::StatusOr<Plan> MakePlan(absl::Span<const Schema> schemas, Engine engine, const std::vector<Entry>& history) {
  Plan plan;
  for (const Schema& schema : schemas) {
    std::map<int, const Entry*> applied;
    for (const Entry& entry : history) {
      if (entry.migration.component == schema.component) {
        applied[entry.migration.version] = &entry;
      }
    }
    const std::vector<Migration>& known = MigrationsOf(schema, engine);
    for (const auto& [version, entry] : applied) {
      const std::string step = fmt::format("{} {:04}_{}", schema.component, version, entry->migration.name);
      if (!entry->finished) {
        return Refuse(
            "MIGRATION_UNFINISHED",
            fmt::format(
                "an earlier run stopped in the middle of the migration {}: look whether its change was made; if so run "
                "\"UPDATE schema_history SET finished_us = started_us WHERE component = '{}' AND version = {}\", "
                "otherwise delete that row, then migrate again",
                step, schema.component, version));
      }
      if (version > static_cast<int>(known.size())) {
        plan.newer = true;
      } else if (const Migration& migration = known[version - 1];
                 entry->migration.checksum != base::Sha256Hex(migration.sql)) {
        return Refuse(
            "MIGRATION_CHANGED",
            fmt::format("the migration {} was changed after it had been applied to this database: restore its file, "
                        "or use the program that applied it, and put the change into a new migration",
                        step));
      }
    }
    for (const Migration& migration : known) {
      if (!applied.contains(migration.version)) {
        plan.steps.push_back({&schema, &migration});
      }
    }
  }
  return plan;
}

absl::Status Apply(SchemaTransaction& tx, const Step& step, absl::Time now) {
  const auto& [schema, migration] = step;
  const int64_t now_us = base::ToMicros(now);
  // On MySQL each of these three is durable by itself, so that a crash in the middle leaves the row without its end.
  RETURN_IF_ERROR(
      tx.Execute("INSERT INTO schema_history (component, version, name, checksum, started_us) VALUES (?, ?, ?, ?, ?)",
                 {schema->component, migration->version, migration->name, base::Sha256Hex(migration->sql), now_us})
          .status());
  const absl::Status status = tx.ExecuteScript(migration->sql);
  if (!status.ok()) {
    if (!absl::IsUnavailable(status)) {
      // The server refused the statement, so nothing was changed. (If this fails too, the row stays and says so.)
      tx.Execute("DELETE FROM schema_history WHERE component = ? AND version = ?",
                 {schema->component, migration->version})
          .IgnoreError();
    }
    // Whoever migrates is an operator, who may read what the database said.
    return absl::Status(status.code(),
                        fmt::format("the migration {} {:04}_{} failed: {} ({})", schema->component, migration->version,
                                    migration->name, std::string(status.message()), base::DetailOf(status)));
  }
  return tx
      .Execute("UPDATE schema_history SET finished_us = ? WHERE component = ? AND version = ?",
               {now_us, schema->component, migration->version})
      .status();
}

}  // namespace

absl::StatusOr<std::vector<Migration>> Migrate(Database& database, absl::Span<const Schema> schemas, absl::Time now,
                                               bool dry_run) {
  const Engine engine = database.engine();
  Plan plan;
  const auto make_plan = [&](Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const std::vector<Entry> history, LoadHistory(tx, engine));
    ASSIGN_OR_RETURN(plan, MakePlan(schemas, engine, history));
    if (plan.newer) {
      return Refuse(
          "SCHEMA_NEWER",
          "the database was migrated by a newer version of this program: install that version, or a newer one");
    }
    return absl::OkStatus();
  };
  if (dry_run) {
    RETURN_IF_ERROR(database.Read(make_plan));
  } else {
    RETURN_IF_ERROR(database.WriteSchema([&](SchemaTransaction& tx) -> absl::Status {
      RETURN_IF_ERROR(tx.ExecuteScript(engine == Engine::kSqlite ? kSqliteHistory : kMysqlHistory));
      RETURN_IF_ERROR(make_plan(tx));
      for (const Step& step : plan.steps) {
        RETURN_IF_ERROR(Apply(tx, step, now));
      }
      return absl::OkStatus();
    }));
  }
  std::vector<Migration> applied;
  for (const Step& step : plan.steps) {
    applied.push_back(*step.migration);
  }
  return applied;
}

absl::Status CheckSchema(Database& database, absl::Span<const Schema> schemas, absl::Time until) {
  const auto check = [&](Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const std::vector<Entry> history, LoadHistory(tx, database.engine()));
    ASSIGN_OR_RETURN(const Plan plan, MakePlan(schemas, database.engine(), history));
    if (plan.steps.empty()) {
      return absl::OkStatus();
    }
    const auto& [schema, migration] = plan.steps.front();
    return Refuse("SCHEMA_BEHIND",
                  fmt::format("the database lacks {} migrations, the first of them {} {:04}_{}: run \"{} migrate\"",
                              plan.steps.size(), schema->component, migration->version, migration->name,
                              program_invocation_short_name));
  };
  return database.Read(check, until);
}

absl::StatusOr<std::vector<AppliedMigration>> SchemaHistory(Database& database) {
  std::vector<AppliedMigration> applied;
  RETURN_IF_ERROR(database.Read([&](Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(std::vector<Entry> history, LoadHistory(tx, database.engine()));
    for (Entry& entry : history) {
      if (entry.finished) {
        applied.push_back(std::move(entry.migration));
      }
    }
    return absl::OkStatus();
  }));
  return applied;
}

}  // namespace section55::db
