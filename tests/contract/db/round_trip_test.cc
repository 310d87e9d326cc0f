// What is written is what is read, and both engines refuse the same.
#include <cstdint>
#include <limits>
#include <optional>

#include "absl/time/time.h"
#include "fixture.h"
#include "libs/base/clock.h"

namespace section55::db {
namespace {

class RoundTripTest : public DatabaseTest {};
SECTION55_ON_BOTH_ENGINES(RoundTripTest);

struct Item {
  std::optional<std::string> name, content;
  std::optional<int64_t> number;
};

Item Load(Database& database, std::string_view id) {
  Item item;
  int rows = 0;
  const absl::Status status = database.Read([&](Transaction& tx) {
    return tx.Query("SELECT name, content, number FROM items WHERE id = ?", {id}, [&](const Row& row) {
      ++rows;
      if (!row.IsNull(0)) item.name = row.Text(0);
      if (!row.IsNull(1)) item.content = row.Text(1);
      if (!row.IsNull(2)) item.number = row.Int64(2);
    });
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(rows, 1) << id;
  return item;
}

constexpr char kInsert[] = "INSERT INTO items (id, name, content, number) VALUES (?, ?, ?, ?)";

TEST_P(RoundTripTest, BytesOfEveryValue) {
  std::string every;
  for (int i = 0; i < 256; ++i) {
    every.push_back(static_cast<char>(i));
  }
  ASSERT_TRUE(Execute(database(), kInsert, {"a", nullptr, Bytes{every}, nullptr}).ok());
  EXPECT_EQ(Load(database(), "a").content, every);
  EXPECT_EQ(Number(database(), "SELECT COUNT(*) FROM items WHERE content = ?", {Bytes{every}}), 1);
}

TEST_P(RoundTripTest, LargeBytesAndTheNextRowIsNotTouched) {
  std::string large(3'000'000, '\0');
  for (size_t i = 0; i < large.size(); ++i) {
    large[i] = static_cast<char>(i * 31 + i / 255);
  }
  ASSERT_TRUE(Execute(database(), kInsert, {"a", "x", Bytes{large}, 1}).ok());
  ASSERT_TRUE(Execute(database(), kInsert, {"b", "y", Bytes{"small"}, 2}).ok());
  EXPECT_EQ(Load(database(), "a").content, large);
  EXPECT_EQ(Load(database(), "b").content, "small");
}

TEST_P(RoundTripTest, TextWithNulByte) {
  const std::string text("a\0b", 3);
  ASSERT_TRUE(Execute(database(), kInsert, {"a", text, nullptr, nullptr}).ok());
  EXPECT_EQ(Load(database(), "a").name, text);
}

TEST_P(RoundTripTest, ExtremesOfInt64) {
  for (const int64_t number :
       {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), int64_t{-1}, int64_t{0}}) {
    ASSERT_TRUE(Execute(database(), kInsert, {std::to_string(number), nullptr, nullptr, number}).ok());
    EXPECT_EQ(Load(database(), std::to_string(number)).number, number);
  }
}

TEST_P(RoundTripTest, Microseconds) {
  const absl::Time time = absl::FromUnixMicros(1'795'341'600'123'456);
  ASSERT_TRUE(Execute(database(), kInsert, {"a", nullptr, nullptr, base::ToMicros(time)}).ok());
  EXPECT_EQ(base::FromMicros(*Load(database(), "a").number), time);
}

TEST_P(RoundTripTest, LettersOutsideAscii) {
  const std::string welsh = "Ŵŷ â Llŷn – “dŵr” 🐑";
  ASSERT_TRUE(Execute(database(), kInsert, {"a", welsh, Bytes{welsh}, nullptr}).ok());
  EXPECT_EQ(Load(database(), "a").name, welsh);
  // Accents count in comparisons.
  EXPECT_EQ(Number(database(), "SELECT COUNT(*) FROM items WHERE name = ?", {"Wy a Llyn – “dwr” 🐑"}), 0);
  EXPECT_EQ(Number(database(), "SELECT COUNT(*) FROM items WHERE name = ?", {welsh}), 1);
}

TEST_P(RoundTripTest, EmptyIsNotNull) {
  ASSERT_TRUE(Execute(database(), kInsert, {"empty", std::string_view(), Bytes{}, 0}).ok());
  ASSERT_TRUE(Execute(database(), kInsert, {"null", nullptr, nullptr, nullptr}).ok());
  const Item empty = Load(database(), "empty"), null = Load(database(), "null");
  EXPECT_EQ(empty.name, "");
  EXPECT_EQ(empty.content, "");
  EXPECT_EQ(empty.number, 0);
  EXPECT_EQ(null.name, std::nullopt);
  EXPECT_EQ(null.content, std::nullopt);
  EXPECT_EQ(null.number, std::nullopt);
  EXPECT_EQ(Number(database(), "SELECT COUNT(*) FROM items WHERE content IS NULL"), 1);
}

TEST_P(RoundTripTest, NullReadsAsNothing) {
  ASSERT_TRUE(Execute(database(), kInsert, {"null", nullptr, nullptr, nullptr}).ok());
  const absl::Status status = database().Read([](Transaction& tx) {
    return tx.Query("SELECT name, number FROM items", {}, [](const Row& row) {
      EXPECT_EQ(row.Text(0), "");
      EXPECT_EQ(row.Int64(1), 0);
    });
  });
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(RoundTripTest, IdsDifferByCaseAndTrailingBlanks) {
  for (const char* id : {"alice", "Alice", "alice ", "alice  "}) {
    EXPECT_TRUE(Execute(database(), kInsert, {id, id, nullptr, nullptr}).ok()) << id;
  }
  EXPECT_EQ(Load(database(), "alice").name, "alice");
  EXPECT_EQ(Load(database(), "alice ").name, "alice ");
  EXPECT_EQ(Load(database(), "Alice").name, "Alice");
}

TEST_P(RoundTripTest, TheSameSqlGivesTheSame) {
  for (int i = 1; i <= 4; ++i) {
    ASSERT_TRUE(Execute(database(), kInsert, {"id-" + std::to_string(i), i % 2 ? "odd" : "even", nullptr, i}).ok());
  }
  EXPECT_EQ(Number(database(), "SELECT SUM(number) FROM items"), 10);
  EXPECT_EQ(Number(database(), "SELECT COUNT(*) FROM items WHERE name || '\\' = ?", {"odd\\"}), 2);
  EXPECT_EQ(Number(database(), "SELECT \"number\" FROM items WHERE (name, id) > (?, ?) ORDER BY name, id LIMIT ?",
                   {"even", "id-4", 1}),
            1);
  EXPECT_EQ(Number(database(), "SELECT MAX(number) FROM items WHERE number > 99"), 0);
  EXPECT_EQ(Number(database(), "SELECT CASE WHEN number = 2 THEN 1 ELSE 0 END FROM items WHERE id = 'id-2'"), 1);
}

TEST_P(RoundTripTest, BothRefuseTheSame) {
  const auto refused = [&](const std::vector<Value>& values) { return Execute(database(), kInsert, values).status(); };
  const std::string name20(20, 'x'), name21(21, 'x'), welsh20 = "ŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵ", id64(64, 'i');
  EXPECT_TRUE(refused({"20", name20, nullptr, 1}).ok());
  EXPECT_TRUE(refused({"20 letters", welsh20, nullptr, 1}).ok());
  for (const absl::Status& status : {
           refused({"21", name21, nullptr, 1}),                      // too long
           refused({id64, nullptr, nullptr, 1}),                     // key too long
           refused({"text for number", nullptr, nullptr, "seven"}),  // wrong type
           Execute(database(), "INSERT INTO counters (id, value) VALUES (?, ?)", {"negative", -1}).status(),  // CHECK
           Execute(database(), "INSERT INTO counters (id, value) VALUES (?, ?)", {"null", nullptr}).status(),
           Execute(database(), "INSERT INTO counters (id) VALUES (?)", {"missing"}).status(),
       }) {
    EXPECT_TRUE(absl::IsInternal(status)) << status;
    EXPECT_EQ(ReasonOf(status), "VALUE_REFUSED") << status;
    // What the driver said, with the names of columns, is for the log.
    EXPECT_EQ(status.message(), "the database refused a value");
    EXPECT_NE(base::DetailOf(status), "");
  }
  const absl::Status orphan =
      Execute(database(), "INSERT INTO children (id, item) VALUES (?, ?)", {"c", "none"}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(orphan)) << orphan;
  EXPECT_EQ(ReasonOf(orphan), "REFERENCE_REFUSED");
  ASSERT_TRUE(Execute(database(), "INSERT INTO children (id, item) VALUES (?, ?)", {"c", "20"}).ok());
  const absl::Status parent = Execute(database(), "DELETE FROM items WHERE id = ?", {"20"}).status();
  EXPECT_EQ(ReasonOf(parent), "REFERENCE_REFUSED") << parent;
}

TEST_P(RoundTripTest, ReadingAColumnAsAnotherTypeAborts) {
  ASSERT_TRUE(Execute(database(), kInsert, {"a", "text", nullptr, 7}).ok());
  const auto read = [&](bool as_number) {
    database()
        .Read([&](Transaction& tx) {
          return tx.Query("SELECT name, number FROM items", {}, [&](const Row& row) {
            as_number ? static_cast<void>(row.Int64(0)) : static_cast<void>(row.Text(1));
          });
        })
        .IgnoreError();
  };
  // The forked child shares the connection, but dies before it uses it again.
  GTEST_FLAG_SET(death_test_style, "fast");
  EXPECT_DEATH(read(true), "column 0 of a result is not a whole number");
  EXPECT_DEATH(read(false), "column 1 of a result is not text or bytes");
}

TEST_P(RoundTripTest, CountsMatchedRowsNotChangedOnes) {
  for (const char* id : {"a", "b", "c"}) {
    ASSERT_TRUE(Execute(database(), kInsert, {id, "same", nullptr, 1}).ok());
  }
  EXPECT_EQ(*Execute(database(), "UPDATE items SET name = ?", {"same"}), 3);
  EXPECT_EQ(*Execute(database(), "UPDATE items SET name = ? WHERE id = ?", {"same", "a"}), 1);
  EXPECT_EQ(*Execute(database(), "UPDATE items SET name = ? WHERE id = ?", {"same", "none"}), 0);
  EXPECT_EQ(*Execute(database(), "DELETE FROM items WHERE id <> ?", {"a"}), 2);
  EXPECT_EQ(*Execute(database(), "INSERT INTO items (id) VALUES (?), (?)", {"x", "y"}), 2);
}

TEST_P(RoundTripTest, MistakesAreToldAndHarmNothing) {
  const auto status_of = [&](std::string_view sql, const std::vector<Value>& values) {
    return Execute(database(), sql, values).status();
  };
  EXPECT_TRUE(absl::IsInternal(status_of("INSERT INTO nonsense (id) VALUES (?)", {"a"})));
  EXPECT_TRUE(absl::IsInternal(status_of("INSERT INTO items (id) VALUES (?)", {})));
  EXPECT_TRUE(absl::IsInternal(status_of("INSERT INTO items (id) VALUES (?)", {"a", "b"})));
  if (GetParam() == Engine::kSqlite) {
    // MySQL's driver does not tell; that SQLite does is enough, as every statement is tested on both.
    EXPECT_TRUE(absl::IsInternal(status_of("SELECT id FROM items", {})));
  }
  EXPECT_TRUE(absl::IsInternal(status_of("DELETE FROM items; DELETE FROM items", {})));
  EXPECT_TRUE(
      absl::IsInternal(database().Read([](Transaction& tx) { return tx.Execute("DELETE FROM items").status(); })));
  EXPECT_EQ(*Execute(database(), "INSERT INTO items (id) VALUES (?)", {"a"}), 1);
}

TEST_P(RoundTripTest, MoreStatementsThanAreKept) {
  for (int i = 0; i < 600; ++i) {
    ASSERT_EQ(Number(database(), "SELECT " + std::to_string(i) + " + 0"), i);
  }
}

}  // namespace
}  // namespace section55::db
