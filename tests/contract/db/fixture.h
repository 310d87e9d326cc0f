// The tables and small helpers that the contract tests of libs/db share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "db_schema.h"
#include "libs/base/status.h"
#include "libs/testing/databases.h"

namespace section55::db {

inline Schema TestSchema() {
  return {
      "test",
      {{1, "items",
        "CREATE TABLE items (id TEXT PRIMARY KEY CHECK (length(CAST(id AS BLOB)) <= 63),"
        " name TEXT CHECK (length(name) <= 20), content BLOB, number INTEGER) STRICT"},
       {2, "counters", "CREATE TABLE counters (id TEXT PRIMARY KEY, value INTEGER NOT NULL CHECK (value >= 0)) STRICT"},
       {3, "children", "CREATE TABLE children (id TEXT PRIMARY KEY, item TEXT NOT NULL REFERENCES items (id)) STRICT"}},
      {{1, "items",
        "CREATE TABLE items (id VARBINARY(63) PRIMARY KEY, name VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,"
        " content LONGBLOB, number BIGINT) ENGINE = InnoDB"},
       {2, "counters",
        "CREATE TABLE counters (id VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, value BIGINT NOT NULL"
        " CHECK (value >= 0)) ENGINE = InnoDB"},
       {3, "children",
        "CREATE TABLE children (id VARBINARY(63) PRIMARY KEY, item VARBINARY(63) NOT NULL REFERENCES items (id))"
        " ENGINE = InnoDB"}},
  };
}

inline std::string ReasonOf(const absl::Status& status) { return base::ErrorInfoOf(status).reason(); }

// What a test does with one statement.
inline absl::StatusOr<int64_t> Execute(Database& database, std::string_view sql,
                                       const std::vector<Value>& values = {}) {
  int64_t matched = 0;
  RETURN_IF_ERROR(database.Write([&](Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(matched, tx.Execute(sql, values));
    return absl::OkStatus();
  }));
  return matched;
}

// The number in the first row; -1 when there is none.
inline int64_t Number(Transaction& tx, std::string_view sql, const std::vector<Value>& values = {}) {
  int64_t number = -1;
  const absl::Status status = tx.Query(sql, values, [&](const Row& row) { number = row.Int64(0); });
  EXPECT_TRUE(status.ok()) << status;
  return number;
}

inline int64_t Number(Database& database, std::string_view sql, const std::vector<Value>& values = {}) {
  int64_t number = -1;
  const absl::Status status = database.Read([&](Transaction& tx) {
    number = Number(tx, sql, values);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  return number;
}

// Runs `work(i)` on `count` threads and waits for all.
template <typename Work>
void OnThreads(int count, Work work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back(work, i);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

class DatabaseTest : public testing::OnBothEngines {
 protected:
  DatabaseTest() : OnBothEngines({TestSchema()}) {}
};

}  // namespace section55::db
