// What a body may rely on: all or nothing, a snapshot, callbacks, and that others' failures are not its own.
#include <atomic>
#include <set>
#include <stdexcept>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "fixture.h"

namespace section55::db {
namespace {

class TransactionTest : public DatabaseTest {
 protected:
  int64_t Items() { return Number(database(), "SELECT COUNT(*) FROM items"); }
};
SECTION55_ON_BOTH_ENGINES(TransactionTest);

constexpr char kInsert[] = "INSERT INTO items (id) VALUES (?)";

TEST_P(TransactionTest, AnErrorLeavesNothing) {
  const absl::Status status = database().Write([](Transaction& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Execute(kInsert, {"a"}).status());
    RETURN_IF_ERROR(tx.Execute(kInsert, {"b"}).status());
    return absl::NotFoundError("the body's own");
  });
  EXPECT_EQ(status, absl::NotFoundError("the body's own"));
  EXPECT_EQ(Items(), 0);
}

TEST_P(TransactionTest, ADuplicateLeavesTheTransactionUsable) {
  const absl::Status status = database().Write([](Transaction& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Execute(kInsert, {"a"}).status());
    const absl::Status again = tx.Execute(kInsert, {"a"}).status();
    EXPECT_TRUE(absl::IsAlreadyExists(again)) << again;
    return tx.Execute(kInsert, {"b"}).status();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Items(), 2);
}

TEST_P(TransactionTest, AnOverlookedErrorIsReturnedAndNothingIsCommitted) {
  const absl::Status status = database().Write([](Transaction& tx) -> absl::Status {
    tx.Execute(kInsert, {"a"}).IgnoreError();
    tx.Execute("INSERT INTO counters (id, value) VALUES (?, ?)", {"c", -1}).IgnoreError();
    EXPECT_EQ(ReasonOf(tx.Execute(kInsert, {"b"}).status()), "VALUE_REFUSED");
    return absl::OkStatus();
  });
  EXPECT_EQ(ReasonOf(status), "VALUE_REFUSED") << status;
  EXPECT_EQ(Items(), 0);
}

TEST_P(TransactionTest, ABodyThatThrowsIsUndone) {
  for (const bool standard : {true, false}) {
    const absl::Status status = database().Write([&](Transaction& tx) -> absl::Status {
      RETURN_IF_ERROR(tx.Execute(kInsert, {"a"}).status());
      if (standard) throw std::runtime_error("oh");
      throw 7;
    });
    EXPECT_TRUE(absl::IsInternal(status)) << status;
    EXPECT_TRUE(absl::IsInternal(database().Read([](Transaction& tx) -> absl::Status {
      return tx.Query("SELECT 1", {}, [](const Row&) { throw std::runtime_error("oh"); });
    })));
  }
  EXPECT_EQ(Items(), 0);
  EXPECT_TRUE(Execute(database(), kInsert, {"a"}).ok());
}

TEST_P(TransactionTest, CallsInsideABodyAreRefused) {
  absl::Status inner_write, inner_read;
  EXPECT_TRUE(database()
                  .Write([&](Transaction&) {
                    inner_write = database().Write([](Transaction&) { return absl::OkStatus(); });
                    inner_read = database().Read([](Transaction&) { return absl::OkStatus(); });
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_TRUE(absl::IsInternal(inner_write)) << inner_write;
  EXPECT_TRUE(absl::IsInternal(inner_read)) << inner_read;
  absl::Status in_query;
  EXPECT_TRUE(database()
                  .Read([&](Transaction& tx) {
                    return tx.Query("SELECT 1", {},
                                    [&](const Row&) { in_query = tx.Query("SELECT 2", {}, [](const Row&) {}); });
                  })
                  .ok());
  EXPECT_TRUE(absl::IsInternal(in_query)) << in_query;
}

TEST_P(TransactionTest, ABodyMayUseAnotherDatabase) {
  testing::TestDatabase other(GetParam(), {TestSchema()});
  EXPECT_TRUE(database().Write([&](Transaction&) { return Execute(*other, kInsert, {"a"}).status(); }).ok());
  EXPECT_EQ(Number(*other, "SELECT COUNT(*) FROM items"), 1);
}

TEST_P(TransactionTest, AfterCommitOnceOnTheCallersThreadAndNeverAfterRollback) {
  int ran = 0;
  std::thread::id thread;
  int64_t seen = 0;
  EXPECT_TRUE(database()
                  .Write([&](Transaction& tx) {
                    tx.AfterCommit([&] {
                      ++ran;
                      thread = std::this_thread::get_id();
                      // It is durable, and others see it.
                      seen = Items();
                    });
                    return tx.Execute(kInsert, {"a"}).status();
                  })
                  .ok());
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(thread, std::this_thread::get_id());

  EXPECT_FALSE(database()
                   .Write([&](Transaction& tx) {
                     tx.AfterCommit([&] { ++ran; });
                     return absl::NotFoundError("");
                   })
                   .ok());
  EXPECT_EQ(ran, 1);

  int runs = 0;
  EXPECT_TRUE(database()
                  .Write([&](Transaction& tx) -> absl::Status {
                    tx.AfterCommit([&] { ++ran; });
                    return ++runs < 3 ? tx.Conflict() : absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(ran, 2) << "registered by three runs, of which one was committed";
}

TEST_P(TransactionTest, AReadSeesOneSnapshot) {
  ASSERT_TRUE(Execute(database(), "INSERT INTO counters (id, value) VALUES ('c', 0)").ok());
  const absl::Status status = database().Read([&](Transaction& tx) {
    EXPECT_EQ(Number(tx, "SELECT value FROM counters"), 0);
    std::thread writer([&] {
      EXPECT_TRUE(Execute(database(), "UPDATE counters SET value = 1").ok());
      EXPECT_TRUE(Execute(database(), kInsert, {"a"}).ok());
    });
    writer.join();
    EXPECT_EQ(Number(tx, "SELECT value FROM counters"), 0);
    EXPECT_EQ(Number(tx, "SELECT COUNT(*) FROM items"), 0);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Number(database(), "SELECT value FROM counters"), 1);
}

TEST_P(TransactionTest, ALookupIsOneQuery) {
  ASSERT_TRUE(Execute(database(), kInsert, {"a"}).ok());
  const auto count = [](Transaction& tx, int64_t& items) {
    return tx.Query("SELECT COUNT(*) FROM items", {}, [&](const Row& row) { items = row.Int64(0); });
  };
  int64_t items = 0;
  const absl::Status once = database().Lookup([&](Transaction& tx) { return count(tx, items); });
  EXPECT_TRUE(once.ok()) << once;
  EXPECT_EQ(items, 1);

  // Each would see a snapshot of its own.
  EXPECT_TRUE(absl::IsInternal(database().Lookup([&](Transaction& tx) -> absl::Status {
    RETURN_IF_ERROR(count(tx, items));
    return count(tx, items);
  })));
  EXPECT_TRUE(
      absl::IsInternal(database().Lookup([](Transaction& tx) { return tx.Execute("DELETE FROM items").status(); })));
  EXPECT_EQ(database().Lookup([](Transaction&) { return absl::NotFoundError("the body's own"); }),
            absl::NotFoundError("the body's own"));
  EXPECT_EQ(Items(), 1);
}

// Each is inside its read until all are: with one fewer at a time none would ever leave.
TEST_P(TransactionTest, AsManyReadAtOnceAsThereAreConnections) {
  const int readers = test_database().options().connections;
  for (const bool lookup : {true, false}) {
    absl::Barrier* all_read = new absl::Barrier(readers);
    OnThreads(readers, [&](int) {
      const auto body = [&](Transaction& tx) {
        EXPECT_EQ(Number(tx, "SELECT COUNT(*) FROM items"), 0);
        if (all_read->Block()) {
          delete all_read;
        }
        return absl::OkStatus();
      };
      const absl::Status status = lookup ? database().Lookup(body) : database().Read(body);
      EXPECT_TRUE(status.ok()) << status;
    });
  }
}

TEST_P(TransactionTest, WhatIsAcknowledgedIsSeenAtOnce) {
  std::atomic<int> missed = 0;
  OnThreads(8, [&](int thread) {
    for (int i = 0; i < 50; ++i) {
      const std::string id = std::to_string(thread) + "-" + std::to_string(i);
      ASSERT_TRUE(Execute(database(), kInsert, {id}).ok());
      missed += Number(database(), "SELECT COUNT(*) FROM items WHERE id = ?", {id}) != 1;
    }
  });
  EXPECT_EQ(missed, 0);
  EXPECT_EQ(Items(), 400);
}

TEST_P(TransactionTest, NobodySeesAHalfDoneWrite) {
  ASSERT_TRUE(Execute(database(), "INSERT INTO counters (id, value) VALUES ('a', 100), ('b', 0)").ok());
  std::atomic<bool> done = false;
  std::atomic<int> torn = 0, reads = 0;
  std::thread reader([&] {
    while (!done || reads == 0) {
      torn += Number(database(), "SELECT SUM(value) FROM counters") != 100;
      ++reads;
    }
  });
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(database()
                    .Write([](Transaction& tx) -> absl::Status {
                      RETURN_IF_ERROR(tx.Execute("UPDATE counters SET value = value - 1 WHERE id = 'a'").status());
                      return tx.Execute("UPDATE counters SET value = value + 1 WHERE id = 'b'").status();
                    })
                    .ok());
  }
  done = true;
  reader.join();
  EXPECT_EQ(torn, 0);
}

// Many writers at once, of which some fail in every way: each gets its own answer, and exactly the good ones are there.
TEST_P(TransactionTest, AFailingBodyDoesNotTouchTheOthers) {
  constexpr int kThreads = 16, kRounds = 40;
  ASSERT_TRUE(Execute(database(), kInsert, {"taken"}).ok());
  std::atomic<int> wrong = 0, callbacks = 0;
  OnThreads(kThreads, [&](int thread) {
    for (int round = 0; round < kRounds; ++round) {
      const std::string id = std::to_string(thread) + "-" + std::to_string(round);
      const int kind = (thread + round) % 5;
      const absl::Status status = database().Write([&](Transaction& tx) -> absl::Status {
        tx.AfterCommit([&] { ++callbacks; });
        RETURN_IF_ERROR(tx.Execute(kInsert, {id}).status());
        switch (kind) {
          case 1:
            return absl::NotFoundError("own error");
          case 2:
            return tx.Execute(kInsert, {"taken"}).status();
          case 3:
            throw std::runtime_error("oh");
          case 4:
            return tx.Execute("INSERT INTO counters (id, value) VALUES ('c', -1)").status();
        }
        return absl::OkStatus();
      });
      constexpr absl::StatusCode kExpected[] = {absl::StatusCode::kOk, absl::StatusCode::kNotFound,
                                                absl::StatusCode::kAlreadyExists, absl::StatusCode::kInternal,
                                                absl::StatusCode::kInternal};
      if (status.code() != kExpected[kind]) {
        ++wrong;
        ADD_FAILURE() << status;
      }
    }
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(callbacks, kThreads * kRounds / 5);
  EXPECT_EQ(Items(), 1 + kThreads * kRounds / 5);
}

// A body that runs while others queue up: they are answered after it, and a member whose body ends the whole
// transaction (as SQLite does by itself when the disk is full) does not lose them.
TEST(SqliteGroupCommitTest, MembersOfALostTransactionAreRunAgain) {
  testing::TestDatabase database(Engine::kSqlite, {TestSchema()});
  absl::Notification first_runs, let_first_go;
  std::thread first([&] {
    EXPECT_TRUE(database
                    ->Write([&](Transaction& tx) {
                      first_runs.Notify();
                      let_first_go.WaitForNotification();
                      return tx.Execute(kInsert, {"first"}).status();
                    })
                    .ok());
  });
  first_runs.WaitForNotification();
  // These make the second batch. How many of them stand in the queue when the first ends does not matter for the
  // outcome, but the more the better: they announce themselves just before they join.
  constexpr int kOthers = 12;
  absl::BlockingCounter joining(kOthers);
  std::atomic<int> runs = 0;
  std::vector<std::thread> others;
  for (int i = 0; i < kOthers; ++i) {
    others.emplace_back([&, i] {
      const std::string id = "other-" + std::to_string(i);
      joining.DecrementCount();
      const absl::Status status = database->WriteSchema([&](SchemaTransaction& tx) -> absl::Status {
        ++runs;
        RETURN_IF_ERROR(tx.Execute(kInsert, {id}).status());
        if (i % 4 == 1) {
          EXPECT_TRUE(tx.ExecuteScript("ROLLBACK").ok());
          return absl::ResourceExhaustedError("the transaction is gone");
        }
        return absl::OkStatus();
      });
      EXPECT_EQ(status.code(), i % 4 == 1 ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kOk) << status;
    });
  }
  joining.Wait();
  let_first_go.Notify();
  first.join();
  for (std::thread& thread : others) {
    thread.join();
  }
  EXPECT_EQ(Number(*database, "SELECT COUNT(*) FROM items"), 1 + kOthers * 3 / 4);
}

}  // namespace
}  // namespace section55::db
