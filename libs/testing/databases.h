// A database per test, on the engine that the test's parameter names: every store has one contract on both engines.
//
//   class StoreTest : public section55::testing::OnBothEngines {
//    protected:
//     StoreTest() : OnBothEngines({db::MigrationSchema(), authoring::MigrationSchema()}) {}
//   };
//   TEST_P(StoreTest, Saves) { EXPECT_TRUE(database().Write(...).ok()); }
//   SECTION55_ON_BOTH_ENGINES(StoreTest);
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "libs/db/database.h"
#include "libs/db/migrate.h"

namespace section55::testing {

// A fresh database, empty but for `schemas`: a temporary file, or a new database in the private MariaDB. Removed at the
// end. What cannot be made ends the test program with a sentence.
class TestDatabase {
 public:
  explicit TestDatabase(db::Engine engine, const std::vector<db::Schema>& schemas = {}, int connections = 8);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;

  db::Database& operator*() const { return *database_; }
  db::Database* operator->() const { return database_.get(); }

  // What opens this database once more, as another process would.
  const db::Options& options() const { return options_; }

  // Closes it, until Reopen. (An SQLite database must be closed before a fork.)
  void Close() { database_.reset(); }

  // Closes it and opens it again, as a service that is restarted does.
  void Reopen();

 private:
  db::Options options_;
  std::filesystem::path folder_;  // SQLite only
  std::unique_ptr<db::Database> database_;
};

// Hands everything on to another database: the base of those that watch, hold up or fail what a test wants. Change arrives as Write.
class DatabaseFront : public db::Database {
 public:
  explicit DatabaseFront(db::Database& real) : real_(real) {}

  absl::Status Lookup(db::Body body, absl::Time until) override { return real_.Lookup(body, until); }
  absl::Status Read(db::Body body, absl::Time until) override { return real_.Read(body, until); }
  absl::Status Write(db::Body body, absl::Time until) override { return real_.Write(body, until); }
  absl::Status WriteSchema(db::SchemaBody body) override { return real_.WriteSchema(body); }
  db::Engine engine() const override { return real_.engine(); }
  std::optional<absl::Time> MachineTime(absl::Time until) override { return real_.MachineTime(until); }
  std::vector<PoolUse> Pools() const override { return real_.Pools(); }

 private:
  db::Database& real_;
};

// The base of a fixture.
class OnBothEngines : public ::testing::TestWithParam<db::Engine> {
 protected:
  explicit OnBothEngines(const std::vector<db::Schema>& schemas = {}) : database_(GetParam(), schemas) {}

  db::Database& database() { return *database_; }
  TestDatabase& test_database() { return database_; }

 private:
  TestDatabase database_;
};

// "Sqlite" or "Mysql", for the names of tests.
std::string NameOf(const ::testing::TestParamInfo<db::Engine>& engine);

}  // namespace section55::testing

#define SECTION55_ON_BOTH_ENGINES(Suite)                                                                         \
  INSTANTIATE_TEST_SUITE_P(Engines, Suite,                                                                       \
                           ::testing::Values(::section55::db::Engine::kSqlite, ::section55::db::Engine::kMysql), \
                           ::section55::testing::NameOf)
