// A change is decided outside the writer, and decided again when somebody was faster.
#include <atomic>
#include <set>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "fixture.h"
#include "libs/testing/mariadb.h"

namespace section55::db {
namespace {

class ChangeTest : public DatabaseTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Execute(database(), "INSERT INTO counters (id, value) VALUES ('a', 0), ('b', 0)").ok());
  }

  int64_t Value(std::string_view id = "a") {
    return Number(database(), "SELECT value FROM counters WHERE id = ?", {id});
  }

  // What somebody else does meanwhile: a thread inside a body must not begin another.
  void Elsewhere(std::string_view sql) {
    std::thread another([&] {
      const absl::Status status = Execute(database(), sql).status();
      EXPECT_TRUE(status.ok()) << status;
    });
    another.join();
  }

  // Adds one by compare-and-set. `between` runs after it was decided and before it is written.
  absl::Status Increment(absl::FunctionRef<void()> between = [] {}) {
    int64_t value = -1;
    return database().Change(
        [&](Transaction& tx, bool&) {
          value = Number(tx, "SELECT value FROM counters WHERE id = 'a'");
          between();
          return absl::OkStatus();
        },
        [&](Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(
              const int64_t matched,
              tx.Execute("UPDATE counters SET value = ? WHERE id = 'a' AND value = ?", {value + 1, value}));
          return matched == 1 ? absl::OkStatus() : tx.Conflict();
        });
  }
};
SECTION55_ON_BOTH_ENGINES(ChangeTest);

TEST_P(ChangeTest, ALostRaceDecidesAgain) {
  int decisions = 0;
  const absl::Status status = Increment([&] {
    if (++decisions <= 3) {
      // Another writer, at the worst moment.
      Elsewhere("UPDATE counters SET value = value + 10 WHERE id = 'a'");
    }
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(decisions, 4);
  EXPECT_EQ(Value(), 31) << "nothing of the others was overwritten";
}

TEST_P(ChangeTest, TwoThatDecideAtTheSameMomentAreBothDone) {
  absl::Barrier* both_decided = new absl::Barrier(2);
  OnThreads(2, [&](int) {
    bool first = true;
    const absl::Status status = Increment([&] {
      if (std::exchange(first, false) && both_decided->Block()) {
        delete both_decided;
      }
    });
    EXPECT_TRUE(status.ok()) << status;
  });
  EXPECT_EQ(Value(), 2);
}

TEST_P(ChangeTest, ManyLoseNothing) {
  constexpr int kThreads = 8, kEach = 10;
  std::atomic<int> done = 0;
  OnThreads(kThreads, [&](int) {
    for (int i = 0; i < kEach;) {
      const absl::Status status = Increment();
      if (status.ok()) {
        ++done;
        ++i;
      } else {
        ASSERT_EQ(ReasonOf(status), "CONFLICT") << status;
      }
    }
  });
  EXPECT_EQ(done, kThreads * kEach);
  EXPECT_EQ(Value(), kThreads * kEach);
}

TEST_P(ChangeTest, ConflictsForEverEndInAborted) {
  int decisions = 0, writes = 0;
  const absl::Status status = database().Change(
      [&](Transaction&, bool&) {
        ++decisions;
        return absl::OkStatus();
      },
      [&](Transaction& tx) {
        ++writes;
        return tx.Conflict();
      });
  EXPECT_EQ(ReasonOf(status), "CONFLICT") << status;
  EXPECT_EQ(decisions, writes);
  EXPECT_GT(decisions, 5);
  EXPECT_LE(decisions, 20);
}

TEST_P(ChangeTest, ADecisionThatDoesNotFitTogetherIsMadeAgain) {
  int decisions = 0;
  const absl::Status status = database().Change(
      [&](Transaction& tx, bool&) { return ++decisions < 3 ? tx.Conflict() : absl::OkStatus(); },
      [&](Transaction& tx) { return tx.Execute("UPDATE counters SET value = 7 WHERE id = 'a'").status(); });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(decisions, 3);
  EXPECT_EQ(Value(), 7);
}

TEST_P(ChangeTest, AnErrorOfTheDecisionWritesNothing) {
  int writes = 0;
  const absl::Status status = database().Change([&](Transaction&, bool&) { return absl::NotFoundError("its own"); },
                                                [&](Transaction&) {
                                                  ++writes;
                                                  return absl::OkStatus();
                                                });
  EXPECT_EQ(status, absl::NotFoundError("its own"));
  EXPECT_EQ(writes, 0);
}

TEST_P(ChangeTest, AnErrorOfTheWritingWritesNothing) {
  int decisions = 0, callbacks = 0;
  const absl::Status status = database().Change(
      [&](Transaction&, bool&) {
        ++decisions;
        return absl::OkStatus();
      },
      [&](Transaction& tx) -> absl::Status {
        tx.AfterCommit([&] { ++callbacks; });
        RETURN_IF_ERROR(tx.Execute("UPDATE counters SET value = 7 WHERE id = 'a'").status());
        return absl::FailedPreconditionError("its own");
      });
  EXPECT_EQ(status, absl::FailedPreconditionError("its own"));
  EXPECT_EQ(decisions, 1) << "only a conflict is tried again";
  EXPECT_EQ(callbacks, 0);
  EXPECT_EQ(Value(), 0);
}

TEST_P(ChangeTest, WhatIsDoneAlreadyIsNotWritten) {
  int writes = 0;
  const absl::Status status = database().Change(
      [&](Transaction&, bool& done) {
        done = true;
        return absl::OkStatus();
      },
      [&](Transaction&) {
        ++writes;
        return absl::OkStatus();
      });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(writes, 0);
}

TEST_P(ChangeTest, ADecisionCannotChangeAnything) {
  for (const bool locks : {true, false}) {
    const absl::Status status = database().Change(
        [&](Transaction& tx, bool&) {
          return locks ? tx.QueryAndLock("SELECT value FROM counters", {}, [](const Row&) {})
                       : tx.Execute("UPDATE counters SET value = 7").status();
        },
        [](Transaction&) { return absl::OkStatus(); });
    EXPECT_TRUE(absl::IsInternal(status)) << status;
  }
  EXPECT_EQ(Value(), 0);
}

TEST_P(ChangeTest, ADecisionThatThrowsIsAnError) {
  const absl::Status status = database().Change([](Transaction&, bool&) -> absl::Status { throw 7; },
                                                [](Transaction&) { return absl::OkStatus(); });
  EXPECT_TRUE(absl::IsInternal(status)) << status;
  EXPECT_TRUE(Increment().ok());
}

TEST_P(ChangeTest, CallbacksRunOnceHoweverOftenItWasDecided) {
  int decisions = 0, callbacks = 0, wrong_callbacks = 0;
  const absl::Status status = database().Change(
      [&](Transaction& tx, bool&) {
        tx.AfterCommit([&] { ++wrong_callbacks; });
        ++decisions;
        return absl::OkStatus();
      },
      [&](Transaction& tx) -> absl::Status {
        tx.AfterCommit([&] { ++callbacks; });
        RETURN_IF_ERROR(tx.Execute("UPDATE counters SET value = value + 1 WHERE id = 'a'").status());
        return decisions < 3 ? tx.Conflict() : absl::OkStatus();
      });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(callbacks, 1);
  EXPECT_EQ(wrong_callbacks, 0);
  EXPECT_EQ(Value(), 1);
}

// The point of it: while one is deciding, others read and write.
TEST_P(ChangeTest, NobodyWaitsForADecision) {
  const absl::Status status = Increment([&] {
    Elsewhere("UPDATE counters SET value = 6 WHERE id = 'b'");
    std::thread another([&] { EXPECT_EQ(Value("b"), 6); });
    another.join();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Value(), 1);
}

TEST_P(ChangeTest, EachQueryOfADecisionSeesWhatIsThereThen) {
  int64_t before = -1, after = -1;
  const absl::Status status = database().Change(
      [&](Transaction& tx, bool& done) {
        before = Number(tx, "SELECT value FROM counters WHERE id = 'a'");
        Elsewhere("UPDATE counters SET value = 9");
        after = Number(tx, "SELECT value FROM counters WHERE id = 'a'");
        done = true;
        return absl::OkStatus();
      },
      [](Transaction&) { return absl::OkStatus(); });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(before, 0);
  EXPECT_EQ(after, 9);
}

// Whoever puts a Database around another sees a change as a Write, and may even put something around its body.
class Around : public testing::DatabaseFront {
 public:
  using DatabaseFront::DatabaseFront;

  absl::Status Write(Body body, absl::Time until) override {
    ++writes;
    return wrap ? DatabaseFront::Write([&](Transaction& tx) { return body(tx); }, until)
                : DatabaseFront::Write(body, until);
  }

  int writes = 0;
  bool wrap = false;
};

TEST_P(ChangeTest, WorksThroughAnotherDatabase) {
  Around around(database());
  for (const bool wrap : {false, true}) {
    around.wrap = wrap;
    int64_t value = -1;
    const auto change = [&](bool skip) {
      return around.Change(
          [&](Transaction& tx, bool& done) {
            value = Number(tx, "SELECT value FROM counters WHERE id = 'a'");
            done = skip;
            return absl::OkStatus();
          },
          [&](Transaction& tx) {
            return tx.Execute("UPDATE counters SET value = ? WHERE id = 'a'", {value + 1}).status();
          });
    };
    EXPECT_TRUE(change(false).ok());
    EXPECT_TRUE(change(true).ok());
  }
  EXPECT_EQ(around.writes, 4);
  EXPECT_EQ(Value(), 2);
}

// Those who wait while one commits share the next commit.
TEST(SqliteChangeTest, ChangesShareACommit) {
  testing::TestDatabase database(Engine::kSqlite, {TestSchema()});
  absl::Notification first_runs, let_first_go;
  std::thread first([&] {
    EXPECT_TRUE(database
                    ->Write([&](Transaction& tx) {
                      first_runs.Notify();
                      let_first_go.WaitForNotification();
                      return tx.Execute("INSERT INTO items (id) VALUES ('first')").status();
                    })
                    .ok());
  });
  first_runs.WaitForNotification();
  constexpr int kOthers = 8;
  absl::BlockingCounter decided(kOthers);
  absl::Mutex mutex;
  std::set<std::thread::id> leaders;
  std::vector<std::thread> others;
  for (int i = 0; i < kOthers; ++i) {
    others.emplace_back([&, i] {
      const std::string id = std::to_string(i);
      const absl::Status status = database->Change(
          [&](Transaction& tx, bool&) {
            EXPECT_EQ(Number(tx, "SELECT COUNT(*) FROM items"), 0) << "decided while the first still writes";
            decided.DecrementCount();
            return absl::OkStatus();
          },
          [&](Transaction& tx) {
            absl::MutexLock lock(&mutex);
            leaders.insert(std::this_thread::get_id());
            return tx.Execute("INSERT INTO items (id) VALUES (?)", {id}).status();
          });
      EXPECT_TRUE(status.ok()) << status;
    });
  }
  decided.Wait();
  let_first_go.Notify();
  first.join();
  for (std::thread& thread : others) {
    thread.join();
  }
  EXPECT_EQ(Number(*database, "SELECT COUNT(*) FROM items"), 1 + kOthers);
  // Each has decided and is on its way to the queue; nearly all of them stand in it. Without sharing there were eight.
  EXPECT_LT(leaders.size(), size_t{kOthers}) << "somebody wrote for another";
}

TEST(MysqlChangeTest, AConnectionLostWhileDecidingOrWritingDecidesAgain) {
  testing::TestDatabase database(Engine::kMysql, {TestSchema()});
  const auto kill = [](Transaction& tx) {
    testing::MariaDb::Get().Execute("KILL " + std::to_string(Number(tx, "SELECT CONNECTION_ID()")));
  };
  int decisions = 0, writes = 0;
  const absl::Status status = database->Change(
      [&](Transaction& tx, bool&) {
        if (++decisions == 1) {
          kill(tx);
        }
        return tx.Query("SELECT 1", {}, [](const Row&) {});
      },
      [&](Transaction& tx) {
        if (++writes == 1) {
          kill(tx);
        }
        return tx.Execute("INSERT INTO items (id) VALUES ('a')").status();
      });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(decisions, 3);
  EXPECT_EQ(writes, 2);
  EXPECT_EQ(Number(*database, "SELECT COUNT(*) FROM items"), 1);
}

}  // namespace
}  // namespace section55::db
