// The caller's deadline reaches the pool, the statement and the queue of writers.
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "fixture.h"
#include "libs/testing/mariadb.h"

namespace section55::db {
namespace {

constexpr absl::Duration kSoon = absl::Milliseconds(50);

absl::Time Soon() { return absl::Now() + kSoon; }

void ExpectTooLate(const absl::Status& status) {
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_EQ(ReasonOf(status), "DEADLINE_EXCEEDED");
}

absl::Status Nothing(Transaction&) { return absl::OkStatus(); }

class DeadlineTest : public testing::OnBothEngines {
 protected:
  DeadlineTest() : OnBothEngines({TestSchema()}) {}

  void SetUp() override {
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(Execute(database(), "INSERT INTO counters (id, value) VALUES (?, ?)", {std::to_string(i), i}).ok());
    }
  }

  // Takes years.
  static absl::Status Endless(Transaction& tx) {
    return tx.Query(
        "SELECT SUM(a.value * b.value * c.value * d.value * e.value * f.value * g.value * h.value) FROM counters a, "
        "counters b, counters c, counters d, counters e, counters f, counters g, counters h",
        {}, [](const Row&) {});
  }
};
SECTION55_ON_BOTH_ENGINES(DeadlineTest);

TEST_P(DeadlineTest, OneThatHasPassedBeginsNothing) {
  const absl::Time past = absl::Now() - absl::Seconds(1);
  int runs = 0;
  const auto body = [&](Transaction&) {
    ++runs;
    return absl::OkStatus();
  };
  ExpectTooLate(database().Lookup(body, past));
  ExpectTooLate(database().Read(body, past));
  ExpectTooLate(database().Write(body, past));
  ExpectTooLate(database().Ping(past));
  ExpectTooLate(CheckSchema(database(), {TestSchema()}, past));
  ExpectTooLate(database().Change(
      [&](Transaction&, bool&) {
        ++runs;
        return absl::OkStatus();
      },
      body, past));
  EXPECT_EQ(runs, 0);
}

TEST_P(DeadlineTest, AStatementEnds) {
  ExpectTooLate(database().Lookup(Endless, Soon()));
  ExpectTooLate(database().Read(Endless, Soon()));
  ExpectTooLate(database().Change([](Transaction& tx, bool&) { return Endless(tx); }, Nothing, Soon()));
  // The connections are as good as before.
  EXPECT_EQ(Number(database(), "SELECT COUNT(*) FROM items"), 0);
  EXPECT_TRUE(database().Ping(absl::InfiniteFuture()).ok());
}

TEST_P(DeadlineTest, ABodyThatOverlooksItIsToldAll) {
  const absl::Status status = database().Read(
      [](Transaction& tx) {
        Endless(tx).IgnoreError();
        return absl::OkStatus();
      },
      Soon());
  ExpectTooLate(status);
}

TEST_P(DeadlineTest, WaitingForAConnectionEnds) {
  testing::TestDatabase one(GetParam(), {TestSchema()}, /*connections=*/1);
  EXPECT_TRUE(one->Read([&](Transaction&) {
                   std::thread other([&] {
                     ExpectTooLate(one->Lookup(Nothing, Soon()));
                     ExpectTooLate(one->Read(Nothing, Soon()));
                   });
                   other.join();
                   return absl::OkStatus();
                 })
                  .ok());
}

TEST_P(DeadlineTest, ConflictsAreNotTriedBeyondIt) {
  int runs = 0;
  const absl::Status status = database().Write(
      [&](Transaction& tx) {
        ++runs;
        return tx.Conflict();
      },
      absl::Now() + absl::Milliseconds(5));
  EXPECT_TRUE(absl::IsAborted(status) || absl::IsDeadlineExceeded(status)) << status;
  EXPECT_LT(runs, 20);
}

// Whoever waits while others are written cannot leave the queue, but what was asked for too long ago is not done.
TEST(SqliteDeadlineTest, ABodyWhoseTurnComesTooLateIsNotRun) {
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
  const absl::Time until = Soon();
  bool ran = false;
  std::thread late([&] {
    ExpectTooLate(database->Write(
        [&](Transaction&) {
          ran = true;
          return absl::OkStatus();
        },
        until));
  });
  while (absl::Now() < until) {
    std::this_thread::yield();
  }
  let_first_go.Notify();
  first.join();
  late.join();
  EXPECT_FALSE(ran);
}

TEST(MysqlDeadlineTest, WaitingForARowEnds) {
  testing::TestDatabase database(Engine::kMysql, {TestSchema()});
  ASSERT_TRUE(Execute(*database, "INSERT INTO counters (id, value) VALUES ('a', 0)").ok());
  constexpr char kAdd[] = "UPDATE counters SET value = value + 1 WHERE id = 'a'";
  EXPECT_TRUE(database
                  ->Write([&](Transaction& tx) -> absl::Status {
                    RETURN_IF_ERROR(tx.Execute(kAdd).status());
                    std::thread other([&] {
                      // Without its deadline it would wait for the server's 3 seconds, and conflict.
                      ExpectTooLate(
                          database->Write([&](Transaction& tx) { return tx.Execute(kAdd).status(); }, Soon()));
                    });
                    other.join();
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(Number(*database, "SELECT value FROM counters"), 1);
}

// A server that does not answer is given up after the longest silence; but whoever waits for the connections that hang
// at it waits no longer than its own deadline.
TEST(MysqlDeadlineTest, AHangingServerHoldsNobodyBeyondTheDeadline) {
  testing::TestDatabase database(Engine::kMysql, {TestSchema()});
  Options options = database.options();
  options.connections = 1;
  options.longest_silence = absl::Seconds(2);
  const auto impatient = *Open(options);
  ASSERT_TRUE(impatient->Ping(absl::InfiniteFuture()).ok());
  absl::Notification hangs, answered;
  std::thread holder([&] {
    EXPECT_EQ(ReasonOf(impatient->Lookup([&](Transaction& tx) {
                if (!hangs.HasBeenNotified()) {
                  testing::MariaDb::Get().Pause();
                  hangs.Notify();
                }
                const absl::Status status = tx.Query("SELECT 1", {}, [](const Row&) {});
                // However slow the machine is, the connection is held for as long as somebody waits for it.
                answered.WaitForNotification();
                return status;
              })),
              "DATABASE_UNAVAILABLE");
  });
  hangs.WaitForNotification();
  ExpectTooLate(impatient->Lookup(Nothing, Soon()));
  answered.Notify();
  holder.join();
  testing::MariaDb::Get().Resume();
  EXPECT_TRUE(impatient->Ping(absl::InfiniteFuture()).ok());
}

// The server is told only when there is something new to say.
TEST(MysqlDeadlineTest, CallsAlikeCostNoRoundTripMore) {
  testing::TestDatabase database(Engine::kMysql, {TestSchema()}, /*connections=*/1);
  const auto questions = [&](absl::Duration time) {
    int64_t count = 0;
    EXPECT_TRUE(database
                    ->Lookup(
                        [&](Transaction& tx) {
                          return tx.Query(
                              "SELECT CAST(variable_value AS SIGNED) FROM information_schema.session_status WHERE "
                              "variable_name = 'QUESTIONS'",
                              {}, [&](const Row& row) { count = row.Int64(0); });
                        },
                        absl::Now() + time)
                    .ok());
    return count;
  };
  questions(absl::Seconds(30));
  const int64_t before = questions(absl::Seconds(29));
  EXPECT_EQ(questions(absl::Seconds(20)), before + 1) << "the question itself";
  EXPECT_EQ(questions(absl::Hours(1)), before + 2);
  EXPECT_EQ(questions(absl::Seconds(7)), before + 4) << "now it is told";
}

}  // namespace
}  // namespace section55::db
