// An SQLite file that is not there, or is another one than it was.
#include <sys/stat.h>

#include <filesystem>

#include "fixture.h"

namespace section55::db {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kInsert[] = "INSERT INTO items (id) VALUES ('x')";
constexpr char kCount[] = "SELECT COUNT(*) FROM items";

class SqliteFileTest : public ::testing::Test {
 protected:
  absl::Status Write() { return Execute(*database_, kInsert).status(); }
  absl::Status Ping() { return database_->Ping(absl::InfiniteFuture()); }
  absl::Status Read() {
    return database_->Read([](Transaction& tx) { return tx.Query(kCount, {}, [](const Row&) {}); });
  }
  static void ExpectTaken(const absl::Status& status) {
    EXPECT_EQ(ReasonOf(status), "DATABASE_UNAVAILABLE") << status;
    EXPECT_THAT(base::DetailOf(status), HasSubstr("deleted or replaced"));
  }
  // A database of the same tables beside it, closed.
  fs::path AnotherFile() {
    const fs::path path = path_.string() + "-other";
    Options options{.url = "sqlite:" + path.string(), .password_file = ""};
    options.create = true;
    EXPECT_TRUE(Migrate(**Open(options), {TestSchema()}, absl::UnixEpoch(), false).ok());
    return path;
  }

  testing::TestDatabase database_{Engine::kSqlite, {TestSchema()}, 2};
  const fs::path path_ = database_.options().url.substr(std::string_view("sqlite:").size());
  const fs::path log_ = path_.string() + "-wal";
  const fs::path away_ = path_.string() + "-away";
};

TEST_F(SqliteFileTest, OneThatIsNotThereIsNotMade) {
  const fs::path path = path_.string() + "-new";
  Options options{.url = "sqlite:" + path.string(), .password_file = ""};
  const absl::Status missing = Open(options).status();
  EXPECT_TRUE(absl::IsNotFound(missing)) << missing;
  EXPECT_EQ(ReasonOf(missing), "DATABASE_MISSING");
  EXPECT_THAT(std::string(missing.message()), AllOf(HasSubstr("no database at " + options.url),
                                                    HasSubstr("restore a backup"), HasSubstr("migrate --new")));
  EXPECT_FALSE(fs::exists(path));
  options.create = true;
  EXPECT_TRUE(Open(options).ok());
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(SqliteFileTest, NothingIsWrittenIntoADeletedOneNorANewOneMade) {
  EXPECT_TRUE(Ping().ok());
  fs::remove(path_);
  for (int i = 0; i < 20; ++i) {
    ExpectTaken(Write());
  }
  ExpectTaken(Ping());
  database_.Close();
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(SqliteFileTest, AReaderThatIsOpenedLaterMakesNone) {
  fs::remove(path_);
  // The first reader: the pool opens none before it is needed.
  ExpectTaken(Read());
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(SqliteFileTest, AReplacedOneIsNeitherWrittenNorRead) {
  fs::rename(AnotherFile(), path_);
  ExpectTaken(Write());
  ExpectTaken(Ping());
  ExpectTaken(Read());
}

TEST_F(SqliteFileTest, OneThatIsPutBackIsUsedAgain) {
  ASSERT_TRUE(Write().ok());
  fs::rename(path_, away_);
  ExpectTaken(Write());
  fs::rename(away_, path_);
  EXPECT_TRUE(Ping().ok());
  EXPECT_TRUE(Execute(*database_, "INSERT INTO items (id) VALUES ('y')").ok());
  EXPECT_EQ(Number(*database_, kCount), 2);
}

TEST_F(SqliteFileTest, WithoutItsLogNothingIsWrittenEither) {
  ASSERT_TRUE(Write().ok());
  ASSERT_TRUE(fs::exists(log_));
  fs::remove(log_);
  ExpectTaken(Execute(*database_, "INSERT INTO items (id) VALUES ('y')").status());
  ExpectTaken(Ping());
}

// Taken away in the middle of a change: what was written is where nobody may find it.
TEST_F(SqliteFileTest, WhatWasBeingCommittedIsNotAcknowledged) {
  const absl::Status status = database_->Write([&](Transaction& tx) {
    fs::rename(path_, away_);
    return tx.Execute(kInsert).status();
  });
  EXPECT_EQ(ReasonOf(status), "COMMIT_OUTCOME_UNKNOWN") << status;
  fs::rename(away_, path_);
  EXPECT_EQ(Number(*database_, kCount), 1) << "here somebody put it back";
}

// As root may write to every file, this asks the mode of what SQLite makes instead.
TEST_F(SqliteFileTest, ItsLogIsAsSecretAsItself) {
  database_.Close();
  fs::permissions(path_, fs::perms::owner_read | fs::perms::owner_write);
  database_.Reopen();
  ASSERT_TRUE(Write().ok());
  struct stat log = {};
  ASSERT_EQ(stat(log_.c_str(), &log), 0);
  EXPECT_EQ(log.st_mode & 0777, 0600u);
}

}  // namespace
}  // namespace section55::db
