// Backups: made while the database is used, found out when they are damaged, put in place of another database and of none.
#include "libs/service/backup.h"

#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "db_schema.h"
#include "events_schema.h"
#include "jobs_schema.h"
#include "libs/events/event_log.h"
#include "libs/events/recovery.h"
#include "libs/testing/databases.h"
#include "libs/testing/mariadb.h"
#include "libs/testing/matchers.h"
#include "libs/testing/process.h"
#include "section55/registry/v1/events.pb.h"

namespace section55::service {
namespace {

using section55::testing::IsOk;
using section55::testing::MessageIs;
using section55::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kService[] = "inspection-registry";
const absl::Time kNow = absl::FromUnixSeconds(1'767'258'000);

db::Schema TestSchema() {
  return {"test",
          {{1, "things",
            "CREATE TABLE things (id TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, checksum INTEGER NOT NULL, "
            "content BLOB NOT NULL) STRICT"},
           {2, "a_view", "CREATE VIEW things_seen AS SELECT id, version, checksum, content FROM things"}},
          {{1, "things",
            "CREATE TABLE things (id VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY, version "
            "BIGINT NOT NULL, checksum BIGINT NOT NULL, content MEDIUMBLOB NOT NULL) ENGINE = InnoDB"},
           {2, "a_view", "CREATE VIEW things_seen AS SELECT id, version, checksum, content FROM things"}}};
}

std::vector<db::Schema> Schemas() {
  return {db::MigrationSchema(), jobs::MigrationSchema(), events::MigrationSchema(), TestSchema()};
}

const db::ProtoTable<registry::v1::Force>& Things() {
  static const db::ProtoTable<registry::v1::Force> table({.name = "things", .key = {"id"}, .columns = {}});
  return table;
}
const db::ProtoTable<registry::v1::Force>& Seen() {
  static const db::ProtoTable<registry::v1::Force> table({.name = "things_seen", .key = {"id"}, .columns = {}});
  return table;
}

class BackupTest : public section55::testing::OnBothEngines {
 protected:
  BackupTest() : OnBothEngines(Schemas()), log_(database()) {}

  bool sqlite() const { return GetParam() == db::Engine::kSqlite; }
  std::string File(const std::string& name) const { return folder_.path() / name; }
  std::string Path() { return test_database().options().url.substr(std::string_view("sqlite:").size()); }

  // With every kind of byte in it.
  void Put(db::Database& database, const std::string& id) {
    db::Versioned<registry::v1::Force> row;
    std::string bytes;
    for (int i = 0; i < 256; ++i) {
      bytes.push_back(static_cast<char>(i));
    }
    row.message.set_name(id);
    row.message.GetReflection()->MutableUnknownFields(&row.message)->AddLengthDelimited(100, bytes);
    EXPECT_THAT(database.Write([&](db::Transaction& tx) {
      auto added = row;
      return Things().Insert(tx, {id}, {}, added);
    }),
                IsOk());
  }
  std::vector<std::string> Ids(db::Database& database) {
    std::vector<std::string> ids;
    EXPECT_THAT(database.Read([&](db::Transaction& tx) -> absl::Status {
      ids.clear();
      ASSIGN_OR_RETURN(const auto rows, Things().Select(tx, "ORDER BY id", {}));
      for (const auto& row : rows) {
        ids.push_back(row.message.name());
      }
      return absl::OkStatus();
    }),
                IsOk());
    return ids;
  }
  events::Lineage LineageOf(db::Database& database) {
    events::Lineage lineage;
    EXPECT_THAT(database.Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(lineage, events::ReadLineage(tx));
      return absl::OkStatus();
    }),
                IsOk());
    return lineage;
  }
  std::string VersionOf(db::Database& database, const std::string& id) {
    std::string etag;
    EXPECT_THAT(database.Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const auto row, Things().Load(tx, {id}, id));
      etag = row.message.etag();
      return absl::OkStatus();
    }),
                IsOk());
    return etag;
  }

  // Where a restore is to go: the same SQLite file, or a new MySQL database.
  db::Options Target() {
    db::Options options = test_database().options();
    if (!sqlite()) {
      auto& mariadb = section55::testing::MariaDb::Get();
      options.url = mariadb.UrlOf(mariadb.NewDatabase());
    }
    return options;
  }
  absl::StatusOr<std::string> RestoreFrom(const std::string& file, const db::Options& to, RestoreOptions options = {}) {
    options.from = file;
    options.replace = sqlite();
    const std::vector<const db::MessageTable*> tables = {&Things(), &Seen()};
    return Restore(kService, to, Schemas(), tables, options, kNow);
  }

  section55::testing::TemporaryFolder folder_;
  events::EventLog log_;
};

TEST_P(BackupTest, SaysExactlyWhatItIsOfAndIsReadableByNobodyElse) {
  const std::string incarnation = log_.FindEnd()->incarnation;
  const auto made = Backup(kService, test_database().options(), File("one"), kNow);
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->service, kService);
  EXPECT_EQ(made->time, kNow);
  EXPECT_EQ(made->feed_position, 0);
  EXPECT_EQ(made->feed_incarnation, incarnation);
  EXPECT_THAT(made->migrations, ::testing::Contains("test/0001_things"));
  EXPECT_EQ(std::filesystem::status(File("one")).permissions() & std::filesystem::perms(0777),
            std::filesystem::perms(0600));
  const auto found = Verify(File("one"));
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(Describe(*found), Describe(*made));
  EXPECT_EQ(found->migrations, made->migrations);
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    left.push_back(entry.path().filename());
  }
  EXPECT_THAT(left, ElementsAre("one")) << "nothing unfinished is left";
}

TEST_P(BackupTest, OverwritesNothing) {
  std::ofstream(File("one")) << "precious";
  EXPECT_THAT(Backup(kService, test_database().options(), File("one"), kNow),
              StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(section55::testing::ReadFile(File("one")), "precious");
}

TEST_P(BackupTest, FindsEveryDamageAndEveryMistake) {
  ASSERT_THAT(Backup(kService, test_database().options(), File("one"), kNow), IsOk());
  std::string bytes = section55::testing::ReadFile(File("one"));
  std::string damaged = bytes;
  damaged[bytes.size() / 3] ^= 1;
  std::ofstream(File("damaged"), std::ios::binary) << damaged;
  EXPECT_THAT(Verify(File("damaged")), StatusIs(absl::StatusCode::kDataLoss));
  test_database().Close();
  EXPECT_THAT(RestoreFrom(File("damaged"), Target()), StatusIs(absl::StatusCode::kDataLoss));
  std::ofstream(File("short"), std::ios::binary) << bytes.substr(0, bytes.size() - 5);
  EXPECT_THAT(Verify(File("short")), StatusIs(absl::StatusCode::kInvalidArgument));
  std::ofstream(File("middle"), std::ios::binary) << bytes.substr(4096);
  EXPECT_THAT(Verify(File("middle")), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(Verify(File("nothing")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(
      Restore("publication", Target(), Schemas(), {}, {.from = File("one")}, kNow),
      AllOf(StatusIs(absl::StatusCode::kInvalidArgument), MessageIs(HasSubstr("a backup of inspection-registry"))));
}

TEST_P(BackupTest, ARestoredDatabaseHasWhatItHadThenAndAFeedThatGoesOnFromThere) {
  Put(database(), "early");
  ASSERT_THAT(log_.Register("response-authoring", 0), IsOk());
  ASSERT_THAT(log_.Register("deadline-scheduler", 0), IsOk());
  log_.Start();
  const auto tell = [&](const std::string& what) {
    registry::v1::BodyRegistered payload;
    payload.mutable_body()->set_name(what);
    ASSERT_THAT(database().Write([&](db::Transaction& tx) {
      return log_.Append(tx, {.tenant = "", .subject = what, .actor = "people/ann", .cause = "1", .time = kNow},
                         payload);
    }),
                IsOk());
  };
  tell("bodies/one");
  ASSERT_TRUE(log_.WaitBeyond(0, absl::Seconds(30)));
  // A feed gets its name when somebody first follows it.
  ASSERT_THAT(database().Write([](db::Transaction& tx) {
    return tx.Execute("UPDATE event_sequence SET incarnation = ? WHERE id = 1", {base::NewUuid()}).status();
  }),
              IsOk());
  ASSERT_THAT(Backup(kService, test_database().options(), File("one"), kNow), IsOk());
  tell("bodies/two");
  ASSERT_TRUE(log_.WaitBeyond(1, absl::Seconds(30)));
  log_.Stop();
  Put(database(), "later");
  const events::Lineage before = LineageOf(database());
  EXPECT_EQ(before.head, 2);

  db::Options to = Target();
  if (sqlite()) {
    EXPECT_THAT(RestoreFrom(File("one"), to), StatusIs(absl::StatusCode::kFailedPrecondition)) << "it is in use";
  }
  test_database().Close();
  const auto kept = RestoreFrom(File("one"), to, {.without = {"deadline-scheduler"}});
  ASSERT_THAT(kept, IsOk());
  if (!sqlite()) {
    EXPECT_THAT(RestoreFrom(File("one"), to), StatusIs(absl::StatusCode::kFailedPrecondition)) << "it is not empty";
  }

  const auto restored = db::Open(to);
  ASSERT_THAT(restored, IsOk());
  EXPECT_THAT(Ids(**restored), ElementsAre("early"));
  const events::Lineage here = LineageOf(**restored);
  EXPECT_NE(here.incarnation, before.incarnation);
  EXPECT_EQ(here.head, 1);
  EXPECT_EQ(events::InCommon(here, before.incarnation), 1);
  EXPECT_NE(VersionOf(**restored, "early"), "v1") << "an etag from before is good for nothing";
  EXPECT_THAT(db::CheckSchema(**restored, Schemas()), IsOk());
  std::vector<std::string> awaited;
  EXPECT_THAT((*restored)->Read([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const events::Awaited all, events::FindAwaited(tx));
    awaited = all.followers;
    return absl::OkStatus();
  }),
              IsOk());
  EXPECT_THAT(awaited, ElementsAre("response-authoring"));
  if (sqlite()) {
    EXPECT_THAT(*kept, HasSubstr(".replaced-"));
    const auto old = db::Open({.url = "sqlite:" + *kept, .password_file = ""});
    ASSERT_THAT(old, IsOk());
    EXPECT_THAT(Ids(**old), ElementsAre("early", "later"));
    EXPECT_EQ(std::filesystem::status(Path()).permissions() & std::filesystem::perms(0077),
              std::filesystem::perms::none);
  } else {
    EXPECT_THAT(*kept, IsEmpty());
  }
}

TEST(SqliteBackup, IsMadeWhileTheDatabaseIsWrittenAndNothingInItIsHalf) {
  section55::testing::TestDatabase source(db::Engine::kSqlite, Schemas());
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      EXPECT_THAT(source->Write([&](db::Transaction& tx) -> absl::Status {
        for (const char* half : {"a", "b"}) {
          RETURN_IF_ERROR(tx.Execute("INSERT INTO things (id, version, checksum, content) VALUES (?, 1, 0, ?)",
                                     {half + std::to_string(i), db::Bytes{"x"}})
                              .status());
        }
        return absl::OkStatus();
      }),
                  IsOk());
    }
  });
  const section55::testing::TemporaryFolder folder;
  for (int i = 0; i < 5; ++i) {
    const std::string file = folder.path() / std::to_string(i);
    ASSERT_THAT(Backup(kService, source.options(), file, kNow), IsOk());
    const db::Options to = {.url = "sqlite:" + file + ".restored", .password_file = ""};
    ASSERT_THAT(Restore(kService, to, Schemas(), {}, {.from = file}, kNow), IsOk());
    const auto restored = db::Open(to);
    ASSERT_THAT(restored, IsOk());
    int64_t as = 0, bs = -1;
    ASSERT_THAT((*restored)->Read([&](db::Transaction& tx) {
      return tx.Query("SELECT SUM(id LIKE 'a%'), SUM(id LIKE 'b%') FROM things", {}, [&](const db::Row& row) {
        as = row.Int64(0);
        bs = row.Int64(1);
      });
    }),
                IsOk());
    EXPECT_EQ(as, bs);
  }
  stop = true;
  writer.join();
}

SECTION55_ON_BOTH_ENGINES(BackupTest);

}  // namespace
}  // namespace section55::service
