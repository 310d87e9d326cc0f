// Messages in rows: what is saved is what is read, nobody overwrites what they have not seen, and damage is always found.
#include "libs/db/proto_table.h"

#include <set>

#include "fixture.h"
#include "google/rpc/error_details.pb.h"
#include "section55/deadlines/v1/deadline.pb.h"

namespace section55::db {
namespace {

using deadlines::v1::Deadline;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Schema NotesSchema() {
  return {
      "notes",
      {{1, "notes",
        "CREATE TABLE notes (owner TEXT NOT NULL, number INTEGER NOT NULL, state TEXT NOT NULL, version INTEGER NOT "
        "NULL,"
        " checksum INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY (owner, number)) STRICT"},
       {2, "owners",
        "CREATE TABLE owners (id TEXT NOT NULL, version INTEGER NOT NULL, checksum INTEGER NOT NULL, content BLOB NOT "
        "NULL,"
        " PRIMARY KEY (id)) STRICT"}},
      {{1, "notes",
        "CREATE TABLE notes (owner VARBINARY(63) NOT NULL, number BIGINT NOT NULL, state VARBINARY(63) NOT NULL,"
        " version BIGINT NOT NULL, checksum BIGINT NOT NULL, content LONGBLOB NOT NULL, PRIMARY KEY (owner, number))"
        " ENGINE = InnoDB"},
       {2, "owners",
        "CREATE TABLE owners (id VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, version BIGINT NOT NULL,"
        " checksum BIGINT NOT NULL, content LONGBLOB NOT NULL, PRIMARY KEY (id)) ENGINE = InnoDB"}},
  };
}

using Row = Versioned<Deadline>;

const ProtoTable<Deadline> kNotes({.name = "notes", .key = {"owner", "number"}, .columns = {"state"}});
// Another kind of message: one without an etag, and with a map.
const ProtoTable<google::rpc::ErrorInfo> kOwners({.name = "owners", .key = {"id"}, .columns = {}});

Row Note(std::string_view title) {
  Row row;
  row.message.set_inspection_title(std::string(title));
  row.message.set_etag("what a client sent");
  return row;
}

class ProtoTableTest : public testing::OnBothEngines {
 protected:
  ProtoTableTest() : OnBothEngines({NotesSchema()}) {}

  absl::Status Insert(std::string_view owner, int64_t number, std::string_view title, std::string_view state = "open") {
    return database().Write([&](Transaction& tx) {
      Row row = Note(title);
      return kNotes.Insert(tx, {owner, number}, {state}, row);
    });
  }

  absl::StatusOr<Row> Load(std::string_view owner, int64_t number) {
    Row row;
    RETURN_IF_ERROR(database().Lookup([&](Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(row, kNotes.Load(tx, {owner, number}, "notes/x"));
      return absl::OkStatus();
    }));
    return row;
  }

  absl::StatusOr<std::vector<std::string>> Titles(std::string_view tail, const std::vector<Value>& values,
                                                  std::optional<size_t> max_bytes = std::nullopt) {
    std::vector<std::string> titles;
    RETURN_IF_ERROR(database().Read([&](Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const std::vector<Row> rows, max_bytes ? kNotes.SelectFitting(tx, tail, values, *max_bytes)
                                                              : kNotes.Select(tx, tail, values));
      for (const Row& row : rows) {
        EXPECT_EQ(row.message.etag(), base::EtagOf(row.version));
        titles.push_back(row.message.inspection_title());
      }
      return absl::OkStatus();
    }));
    return titles;
  }

  std::string StoredContent(std::string_view owner, int64_t number) {
    std::string content;
    EXPECT_TRUE(database()
                    .Read([&](Transaction& tx) {
                      return tx.Query("SELECT content FROM notes WHERE owner = ? AND number = ?", {owner, number},
                                      [&](const db::Row& row) { content = std::string(row.Text(0)); });
                    })
                    .ok());
    return content;
  }

  void Overwrite(std::string_view owner, int64_t number, std::string_view content) {
    ASSERT_EQ(*Execute(database(), "UPDATE notes SET content = ? WHERE owner = ? AND number = ?",
                       {Bytes{content}, owner, number}),
              1);
  }

  // As an operator's check does it: page by page.
  std::vector<Damage> Check(int limit, int& rows) {
    std::vector<Damage> damage;
    std::vector<std::string> after;
    rows = 0;
    for (int read = limit; read == limit;) {
      EXPECT_TRUE(database()
                      .Read([&](Transaction& tx) -> absl::Status {
                        ASSIGN_OR_RETURN(read, kNotes.Check(tx, after, limit, damage));
                        return absl::OkStatus();
                      })
                      .ok());
      rows += read;
    }
    return damage;
  }
};
SECTION55_ON_BOTH_ENGINES(ProtoTableTest);

TEST_P(ProtoTableTest, WhatIsInsertedIsRead) {
  Row row = Note("Ŵŷ");
  ASSERT_TRUE(database().Write([&](Transaction& tx) { return kNotes.Insert(tx, {"a", 1}, {"open"}, row); }).ok());
  EXPECT_EQ(row.version, 1);
  EXPECT_EQ(row.message.etag(), base::EtagOf(1));
  const absl::StatusOr<Row> read = Load("a", 1);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->version, 1);
  EXPECT_EQ(SerialiseDeterministically(read->message), SerialiseDeterministically(row.message));
  EXPECT_EQ(Number(database(), "SELECT COUNT(*) FROM notes WHERE state = 'open' AND version = 1"), 1);

  Deadline without_etag = row.message;
  without_etag.clear_etag();
  EXPECT_EQ(StoredContent("a", 1), SerialiseDeterministically(without_etag));
}

TEST_P(ProtoTableTest, AnEmptyMessageIsARow) {
  ASSERT_TRUE(Insert("a", 1, "").ok());
  EXPECT_EQ(StoredContent("a", 1), "");
  EXPECT_TRUE(Load("a", 1).ok()) << Load("a", 1).status();
}

TEST_P(ProtoTableTest, WhatIsMissingIsNotFound) {
  const absl::Status status = Load("a", 1).status();
  EXPECT_EQ(status, base::NotFound("notes/x"));
  EXPECT_TRUE(database()
                  .Lookup([](Transaction& tx) -> absl::Status {
                    ASSIGN_OR_RETURN(const std::optional<Row> row, kNotes.Find(tx, {"a", 1}));
                    EXPECT_EQ(row, std::nullopt);
                    return absl::OkStatus();
                  })
                  .ok());
}

TEST_P(ProtoTableTest, AKeyThatIsTaken) {
  ASSERT_TRUE(Insert("a", 1, "first").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(Insert("a", 1, "second")));
  EXPECT_EQ(Load("a", 1)->message.inspection_title(), "first");
}

TEST_P(ProtoTableTest, AnUpdateCountsVersionsAndChangesTheEtag) {
  ASSERT_TRUE(Insert("a", 1, "one").ok());
  ASSERT_TRUE(Insert("b", 1, "other").ok());
  for (int64_t version = 2; version <= 4; ++version) {
    Row row = *Load("a", 1);
    const std::string etag = row.message.etag();
    row.message.set_inspection_title(std::to_string(version));
    ASSERT_TRUE(database().Write([&](Transaction& tx) { return kNotes.Update(tx, {"a", 1}, {"shut"}, row); }).ok());
    EXPECT_EQ(row.version, version);
    EXPECT_NE(row.message.etag(), etag);
    EXPECT_EQ(SerialiseDeterministically(Load("a", 1)->message), SerialiseDeterministically(row.message));
  }
  EXPECT_EQ(Number(database(), "SELECT COUNT(*) FROM notes WHERE state = 'shut'"), 1);
  EXPECT_EQ(Load("b", 1)->message.inspection_title(), "other");
}

TEST_P(ProtoTableTest, WhoeverIsSlowerConflicts) {
  ASSERT_TRUE(Insert("a", 1, "one").ok());
  const Row stale = *Load("a", 1);
  Row fresh = stale;
  fresh.message.set_inspection_title("two");
  ASSERT_TRUE(database().Write([&](Transaction& tx) { return kNotes.Update(tx, {"a", 1}, {"open"}, fresh); }).ok());
  int runs = 0;
  const absl::Status update = database().Write([&](Transaction& tx) -> absl::Status {
    Row row = stale;
    return ++runs < 3 ? kNotes.Update(tx, {"a", 1}, {"open"}, row) : absl::CancelledError("enough");
  });
  EXPECT_TRUE(absl::IsCancelled(update)) << update;
  EXPECT_EQ(runs, 3) << "a conflict is tried again";
  const absl::Status removal = database().Write([&](Transaction& tx) { return kNotes.Delete(tx, {"a", 1}, stale); });
  EXPECT_EQ(ReasonOf(removal), "CONFLICT") << removal;
  EXPECT_EQ(Load("a", 1)->message.inspection_title(), "two");
  ASSERT_TRUE(database().Write([&](Transaction& tx) { return kNotes.Delete(tx, {"a", 1}, fresh); }).ok());
  EXPECT_TRUE(absl::IsNotFound(Load("a", 1).status()));
}

TEST_P(ProtoTableTest, SelectsByColumnsAndKeyset) {
  for (int64_t number : {3, 1, 2, 10}) {
    ASSERT_TRUE(Insert("a", number, "a" + std::to_string(number), number == 2 ? "shut" : "open").ok());
    ASSERT_TRUE(Insert("b", number, "b" + std::to_string(number)).ok());
  }
  EXPECT_THAT(*Titles("WHERE owner = ? ORDER BY number LIMIT ?", {"a", 3}), ElementsAre("a1", "a2", "a3"));
  EXPECT_THAT(*Titles("WHERE owner = ? AND number > ? ORDER BY number LIMIT ?", {"a", 2, 3}), ElementsAre("a3", "a10"));
  EXPECT_THAT(*Titles("WHERE owner = ? AND state = ? ORDER BY number", {"a", "shut"}), ElementsAre("a2"));
  EXPECT_THAT(*Titles("WHERE owner = ?", {"c"}), IsEmpty());
}

TEST_P(ProtoTableTest, SelectsAcrossAJoin) {
  ASSERT_TRUE(Insert("a", 1, "a1").ok());
  ASSERT_TRUE(Insert("b", 1, "b1").ok());
  ASSERT_TRUE(database()
                  .Write([](Transaction& tx) {
                    Versioned<google::rpc::ErrorInfo> owner;
                    return kOwners.Insert(tx, {"b"}, {}, owner);
                  })
                  .ok());
  EXPECT_THAT(*Titles("JOIN owners ON owners.id = notes.owner WHERE notes.number = ?", {1}), ElementsAre("b1"));
}

TEST_P(ProtoTableTest, SelectsAsManyAsFit) {
  for (int64_t number = 1; number <= 6; ++number) {
    ASSERT_TRUE(Insert("a", number, std::string(number == 3 ? 5000 : 1000, '0' + static_cast<char>(number))).ok());
  }
  const std::string tail = "WHERE owner = ? AND number >= ? ORDER BY number LIMIT ?";
  const auto fitting = [&](int64_t from, int limit, size_t bytes) {
    const auto titles = Titles(tail, {"a", from, limit}, bytes);
    EXPECT_TRUE(titles.ok()) << titles.status();
    std::string first_letters;
    for (const std::string& title : *titles) {
      first_letters += title.front();
    }
    return first_letters;
  };
  const size_t one = StoredContent("a", 1).size();
  EXPECT_EQ(fitting(1, 10, 2 * one), "12");
  EXPECT_EQ(fitting(1, 10, 2 * one - 1), "1");
  EXPECT_EQ(fitting(1, 10, 0), "1") << "one at least, so that paging goes on";
  EXPECT_EQ(fitting(2, 10, 2 * one), "2") << "a small row behind a large one is not taken before it";
  EXPECT_EQ(fitting(3, 10, 2 * one), "3");
  EXPECT_EQ(fitting(4, 10, 1'000'000), "456");
  EXPECT_EQ(fitting(4, 2, 1'000'000), "45");
  EXPECT_EQ(fitting(7, 2, 1'000'000), "");
}

TEST_P(ProtoTableTest, OneDamagedByteIsFoundByEveryRead) {
  ASSERT_TRUE(Insert("a", 1, "a title that is long enough to be cut").ok());
  ASSERT_TRUE(Insert("a", 2, "intact").ok());
  const std::string content = StoredContent("a", 1);
  const auto expect_damage = [&](const absl::Status& status) {
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_EQ(ReasonOf(status), "STORED_DATA_DAMAGED");
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("a/1"), HasSubstr("notes")));
  };
  const auto expect_all_damaged = [&] {
    expect_damage(Load("a", 1).status());
    expect_damage(Titles("ORDER BY number", {}).status());
    expect_damage(Titles("ORDER BY number LIMIT ?", {5}, 100'000).status());
    EXPECT_TRUE(Load("a", 2).ok());
  };
  // Every byte of it, the last one cut off, one more at its end. Most of these parse.
  std::vector<std::string> damaged = {content.substr(0, content.size() - 1), content + '\0', ""};
  for (size_t i = 0; i < content.size(); i += 7) {
    damaged.push_back(content);
    damaged.back()[i] = static_cast<char>(damaged.back()[i] ^ 1);
  }
  for (const std::string& bytes : damaged) {
    Overwrite("a", 1, bytes);
    expect_all_damaged();
  }
  Overwrite("a", 1, content);
  EXPECT_TRUE(Load("a", 1).ok());
  ASSERT_TRUE(Execute(database(), "UPDATE notes SET checksum = checksum - 1 WHERE number = 1").ok());
  expect_all_damaged();
}

TEST_P(ProtoTableTest, WhatCannotBeParsedIsDamageEvenWithARightChecksum) {
  ASSERT_TRUE(Insert("a", 1, "title").ok());
  const std::string cut = StoredContent("a", 1).substr(0, 4);
  Overwrite("a", 1, cut);
  ASSERT_TRUE(Execute(database(), "UPDATE notes SET checksum = ?", {ChecksumOf(cut)}).ok());
  EXPECT_TRUE(absl::IsDataLoss(Load("a", 1).status()));
  EXPECT_TRUE(absl::IsDataLoss(Titles("", {}).status()));
  int rows = 0;
  const std::vector<Damage> damage = Check(10, rows);
  ASSERT_EQ(damage.size(), 1u);
  EXPECT_EQ(damage[0].problem, "cannot be parsed");
}

TEST_P(ProtoTableTest, TheCheckFindsEveryDamagedRow) {
  constexpr int kEach = 12;
  for (int64_t number = 0; number < kEach; ++number) {
    for (const char* owner : {"a", "b", "b0", "c"}) {
      ASSERT_TRUE(Insert(owner, number, "title").ok());
    }
  }
  int rows = 0;
  EXPECT_THAT(Check(5, rows), IsEmpty());
  EXPECT_EQ(rows, 4 * kEach);
  std::set<std::string> expected;
  for (const auto& [owner, number] : {std::pair("a", 0), {"b", 9}, {"b", 10}, {"b0", 2}, {"c", kEach - 1}}) {
    Overwrite(owner, number, "x");
    expected.insert(std::string(owner) + "/" + std::to_string(number));
  }
  for (const int limit : {1, 5, 4 * kEach, 1000}) {
    std::set<std::string> found;
    const std::vector<Damage> damage = Check(limit, rows);
    for (const Damage& damaged : damage) {
      EXPECT_EQ(damaged.table, "notes");
      EXPECT_EQ(damaged.problem, "does not match its checksum");
      found.insert(damaged.key);
    }
    EXPECT_EQ(damage.size(), expected.size()) << "each once";
    EXPECT_EQ(found, expected);
    EXPECT_EQ(rows, 4 * kEach);
  }
}

TEST_P(ProtoTableTest, TheCheckReadsRowsLargerThanItHoldsAtATime) {
  for (int64_t number = 0; number < 5; ++number) {
    ASSERT_TRUE(Insert("a", number, std::string(number == 2 ? 9'000'000 : 3'000'000, 'x')).ok());
  }
  int rows = 0;
  EXPECT_THAT(Check(100, rows), IsEmpty());
  EXPECT_EQ(rows, 5);
}

TEST_P(ProtoTableTest, ContentIsHandedOnUnparsed) {
  ASSERT_TRUE(Insert("a", 1, "title").ok());
  const std::string stored = StoredContent("a", 1);
  std::string read;
  const auto look = [&] {
    read.clear();
    absl::Status damage;
    const absl::Status status = database().Lookup([&](Transaction& tx) {
      return tx.Query("SELECT content, checksum FROM notes WHERE owner = ? AND number = ?", {"a", 1},
                      [&](const db::Row& row) {
                        std::string_view content;
                        damage = kNotes.ReadContent(row, 1, 0, {"a", 1}, content);
                        read = std::string(content);
                      });
    });
    return status.ok() ? damage : status;
  };
  EXPECT_TRUE(look().ok()) << look();
  EXPECT_EQ(read, stored);
  Overwrite("a", 1, stored + "x");
  const absl::Status damage = look();
  EXPECT_TRUE(absl::IsDataLoss(damage)) << damage;
  EXPECT_THAT(std::string(damage.message()), AllOf(HasSubstr("a/1"), HasSubstr("notes")));
  EXPECT_EQ(read, "");
}

TEST(SerialiseDeterministicallyTest, TheOrderOfAMapDoesNotMatter) {
  google::rpc::ErrorInfo one, other;
  for (int i = 0; i < 50; ++i) {
    (*one.mutable_metadata())[std::to_string(i)] = "x";
    (*other.mutable_metadata())[std::to_string(49 - i)] = "x";
  }
  EXPECT_EQ(SerialiseDeterministically(one), SerialiseDeterministically(other));
  EXPECT_EQ(ChecksumOf(SerialiseDeterministically(one)), ChecksumOf(SerialiseDeterministically(other)));
}

// What is stored today must be readable by every later build.
TEST(ChecksumTest, IsXxh3) { EXPECT_EQ(static_cast<uint64_t>(ChecksumOf("")), 0x2d06800538d394c2u); }

}  // namespace
}  // namespace section55::db
