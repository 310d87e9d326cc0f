// Migrations: in order, once, checked, alone, and honest about what is half done.
#include <atomic>

#include "absl/time/time.h"
#include "fixture.h"
#include "libs/testing/mariadb.h"

namespace section55::db {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class MigrateTest : public testing::OnBothEngines {
 protected:
  absl::StatusOr<std::vector<std::string>> Run(const std::vector<Schema>& schemas, bool dry_run = false) {
    ASSIGN_OR_RETURN(const std::vector<Migration> applied, Migrate(database(), schemas, kNow, dry_run));
    std::vector<std::string> names;
    for (const Migration& migration : applied) {
      names.push_back(migration.name);
    }
    return names;
  }

  // The first `count` steps of a component, the same for both engines.
  static Schema Steps(size_t count, const std::string& component = "steps") {
    std::vector<Migration> steps = {
        {1, "first", "CREATE TABLE first_" + component + " (id BIGINT PRIMARY KEY)"},
        {2, "second", "-- Nothing to do on this engine.\n"},
        {3, "third",
         "-- A comment, then the statement.\nCREATE TABLE third_" + component + " (id BIGINT PRIMARY KEY);\n"},
    };
    steps.resize(count);
    return {component, steps, steps};
  }
};
SECTION55_ON_BOTH_ENGINES(MigrateTest);

TEST_P(MigrateTest, AppliesInOrderAndOnlyWhatIsMissing) {
  EXPECT_THAT(*Run({Steps(2)}), ElementsAre("first", "second"));
  EXPECT_THAT(*Run({Steps(3), Steps(1, "other")}), ElementsAre("third", "first"));
  EXPECT_THAT(*Run({Steps(3), Steps(1, "other")}), IsEmpty());
  EXPECT_EQ(Number(database(), "SELECT COUNT(*) FROM first_steps"), 0);
  EXPECT_EQ(Number(database(), "SELECT COUNT(*) FROM third_steps"), 0);
  EXPECT_EQ(Number(database(), "SELECT COUNT(*) FROM first_other"), 0);

  const auto history = SchemaHistory(database());
  ASSERT_TRUE(history.ok()) << history.status();
  ASSERT_EQ(history->size(), 4u);
  for (const AppliedMigration& applied : *history) {
    EXPECT_EQ(applied.checksum.size(), 64u);
    EXPECT_EQ(applied.finished, kNow);
  }
}

TEST_P(MigrateTest, ADryRunChangesNothing) {
  EXPECT_THAT(*Run({Steps(3)}, /*dry_run=*/true), ElementsAre("first", "second", "third"));
  EXPECT_THAT(*SchemaHistory(database()), IsEmpty());
  EXPECT_THAT(*Run({Steps(3)}), ElementsAre("first", "second", "third"));
}

TEST_P(MigrateTest, AChangedFileIsRefused) {
  ASSERT_TRUE(Run({Steps(2)}).ok());
  Schema changed = Steps(3);
  changed.sqlite[0].sql += " ";
  changed.mysql[0].sql += " ";
  for (const absl::Status& status :
       {Run({changed}).status(), Run({changed}, true).status(), CheckSchema(database(), {changed})}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_EQ(ReasonOf(status), "MIGRATION_CHANGED");
    EXPECT_THAT(std::string(status.message()), HasSubstr("steps 0001_first"));
  }
  EXPECT_EQ(SchemaHistory(database())->size(), 2u);
}

TEST_P(MigrateTest, ANewerDatabaseIsNotMigratedButServes) {
  ASSERT_TRUE(Run({Steps(3)}).ok());
  EXPECT_EQ(ReasonOf(Run({Steps(2)}).status()), "SCHEMA_NEWER");
  EXPECT_TRUE(CheckSchema(database(), {Steps(2)}).ok()) << CheckSchema(database(), {Steps(2)});
}

TEST_P(MigrateTest, ASchemaBehindNamesTheCommand) {
  for (int i = 0; i < 2; ++i) {
    const absl::Status status = CheckSchema(database(), {Steps(i + 1)});
    EXPECT_EQ(ReasonOf(status), "SCHEMA_BEHIND") << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("run \"db_contract_test migrate\""));
    ASSERT_TRUE(Run({Steps(i + 1)}).ok());
    EXPECT_TRUE(CheckSchema(database(), {Steps(i + 1)}).ok());
  }
}

TEST_P(MigrateTest, ARefusedStatementLeavesNothingBehind) {
  Schema broken = Steps(2);
  broken.sqlite[1].sql = broken.mysql[1].sql = "CREATE TABLE first_steps (id BIGINT)";  // exists
  const absl::Status status = Run({broken}).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("steps 0002_second failed"));
  // On MySQL the first step is done; on SQLite the run is undone as a whole. Either way a corrected program goes on.
  EXPECT_TRUE(Run({Steps(2)}).ok());
  EXPECT_EQ(SchemaHistory(database())->size(), 2u);
}

TEST_P(MigrateTest, AHalfDoneStepIsRefusedAndCanBeSettled) {
  ASSERT_TRUE(Run({Steps(1)}).ok());
  // What a crash in the middle of a step leaves.
  ASSERT_TRUE(Execute(database(),
                      "INSERT INTO schema_history (component, version, name, checksum, started_us) "
                      "VALUES ('steps', 2, 'second', 'x', 1)")
                  .ok());
  for (const absl::Status& status : {Run({Steps(3)}).status(), CheckSchema(database(), {Steps(3)})}) {
    EXPECT_EQ(ReasonOf(status), "MIGRATION_UNFINISHED") << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("steps 0002_second"));
  }
  ASSERT_TRUE(Execute(database(), "DELETE FROM schema_history WHERE component = 'steps' AND version = 2").ok());
  EXPECT_THAT(*Run({Steps(3)}), ElementsAre("second", "third"));
}

TEST_P(MigrateTest, TwoAtOnceApplyEachStepOnce) {
  std::vector<std::unique_ptr<Database>> processes(4);
  for (auto& process : processes) {
    process = *Open(test_database().options());
  }
  std::atomic<int> applied = 0;
  OnThreads(4, [&](int i) {
    const auto result = Migrate(*processes[i], {Steps(3), Steps(3, "other")}, kNow, false);
    ASSERT_TRUE(result.ok()) << result.status();
    applied += static_cast<int>(result->size());
  });
  EXPECT_EQ(applied, 6);
}

TEST_P(MigrateTest, OwnTablesOfTheLibrary) {
  EXPECT_THAT(*Run({MigrationSchema()}), ElementsAre("requests"));
  EXPECT_TRUE(CheckSchema(database(), {MigrationSchema()}).ok());
}

// MySQL commits a step by itself, so a server that dies in the middle leaves a row that says so.
TEST(MysqlMigrateTest, TheServerDiesInTheMiddleOfAStep) {
  testing::TestDatabase database(Engine::kMysql);
  Schema schema{"slow", {}, {{1, "slow", "CREATE TABLE slow AS SELECT SLEEP(60) AS s"}}};
  std::thread killer([&] {
    // Waits for the step to run, then ends its connection.
    auto administrator = *Open({.url = testing::MariaDb::Get().UrlOf("mysql"), .password_file = "", .connections = 1});
    int64_t id = 0;
    while (id == 0) {
      ASSERT_TRUE(
          administrator
              ->Read([&](Transaction& tx) {
                return tx.Query(
                    "SELECT id FROM information_schema.processlist WHERE info LIKE 'CREATE TABLE slow%' AND state = "
                    "'User sleep'",
                    {}, [&](const Row& row) { id = row.Int64(0); });
              })
              .ok());
    }
    administrator->WriteSchema([&](SchemaTransaction& tx) { return tx.ExecuteScript("KILL " + std::to_string(id)); })
        .IgnoreError();
  });
  const absl::Status status = Migrate(*database, {schema}, kNow, false).status();
  killer.join();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(ReasonOf(Migrate(*database, {schema}, kNow, false).status()), "MIGRATION_UNFINISHED");
}

}  // namespace
}  // namespace section55::db
