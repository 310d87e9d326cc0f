// Connections that die and a server that dies: done once, or reported, never silently lost.
#include <atomic>
#include <set>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "fixture.h"
#include "libs/testing/mariadb.h"

namespace section55::db {
namespace {

constexpr char kInsert[] = "INSERT INTO items (id) VALUES (?)";

class MysqlFaultTest : public ::testing::Test {
 protected:
  testing::TestDatabase database_{Engine::kMysql, {TestSchema()}, /*connections=*/4};

  static int64_t IdOf(Transaction& tx) { return Number(tx, "SELECT CONNECTION_ID()"); }

  // Returns when the connection is no more: killed, and gone from the list of the server.
  static void KillConnection(int64_t id) {
    auto administrator = *Open({.url = testing::MariaDb::Get().UrlOf("mysql"), .password_file = "", .connections = 1});
    ASSERT_TRUE(administrator
                    ->WriteSchema([&](SchemaTransaction& tx) {
                      return tx.ExecuteScript("KILL CONNECTION " + std::to_string(id));
                    })
                    .ok());
    while (Number(*administrator, "SELECT COUNT(*) FROM information_schema.processlist WHERE id = ?", {id}) > 0) {
    }
  }

  int64_t Items() { return Number(*database_, "SELECT COUNT(*) FROM items"); }
};

TEST_F(MysqlFaultTest, KilledInThePoolIsReplaced) {
  int64_t id = 0;
  ASSERT_TRUE(database_
                  ->Read([&](Transaction& tx) {
                    id = IdOf(tx);
                    return absl::OkStatus();
                  })
                  .ok());
  KillConnection(id);
  EXPECT_TRUE(Execute(*database_, kInsert, {"a"}).ok());
  KillConnection([&] {
    database_
        ->Read([&](Transaction& tx) {
          id = IdOf(tx);
          return absl::OkStatus();
        })
        .IgnoreError();
    return id;
  }());
  EXPECT_EQ(Items(), 1) << "a Read, too, finds a new connection";
}

TEST_F(MysqlFaultTest, ALookupOnAKilledConnectionIsRunAgain) {
  int64_t id = 0;
  const auto look = [&](Transaction& tx) {
    return tx.Query("SELECT CONNECTION_ID()", {}, [&](const Row& row) { id = row.Int64(0); });
  };
  ASSERT_TRUE(database_->Lookup(look).ok());
  const int64_t killed = id;
  KillConnection(killed);
  int runs = 0;
  const absl::Status status = database_->Lookup([&](Transaction& tx) {
    ++runs;
    return look(tx);
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(runs, 2);
  EXPECT_NE(id, killed);
}

TEST_F(MysqlFaultTest, KilledBeforeAStatementIsRunAgain) {
  int runs = 0;
  const absl::Status status = database_->Write([&](Transaction& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Execute(kInsert, {"a"}).status());
    if (++runs == 1) {
      KillConnection(IdOf(tx));
    }
    return tx.Execute(kInsert, {"b"}).status();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(Items(), 2);
}

TEST_F(MysqlFaultTest, KilledBetweenTheLastStatementAndCommitIsReported) {
  int runs = 0, callbacks = 0;
  const absl::Status status = database_->Write([&](Transaction& tx) -> absl::Status {
    ++runs;
    tx.AfterCommit([&] { ++callbacks; });
    RETURN_IF_ERROR(tx.Execute(kInsert, {"a"}).status());
    KillConnection(IdOf(tx));
    return absl::OkStatus();
  });
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(ReasonOf(status), "COMMIT_OUTCOME_UNKNOWN");
  EXPECT_EQ(runs, 1) << "it may have been committed, so it is not run again";
  EXPECT_EQ(callbacks, 0);
  EXPECT_EQ(Items(), 0) << "here we know that it was not";
}

TEST_F(MysqlFaultTest, KilledAgainAndAgainEnds) {
  int runs = 0;
  const absl::Status status = database_->Write([&](Transaction& tx) {
    ++runs;
    KillConnection(IdOf(tx));
    return tx.Execute(kInsert, {"a"}).status();
  });
  EXPECT_EQ(ReasonOf(status), "DATABASE_UNAVAILABLE") << status;
  EXPECT_LE(runs, 3);
  EXPECT_TRUE(Execute(*database_, kInsert, {"a"}).ok());
}

TEST_F(MysqlFaultTest, KilledInsideAReadIsReported) {
  const absl::Status status = database_->Read([&](Transaction& tx) {
    KillConnection(IdOf(tx));
    return tx.Query("SELECT 1", {}, [](const Row&) {});
  });
  EXPECT_EQ(ReasonOf(status), "DATABASE_UNAVAILABLE") << status;
  EXPECT_EQ(Items(), 0);
}

TEST_F(MysqlFaultTest, AServerThatHangsIsGivenUp) {
  Options options = database_.options();
  options.longest_silence = absl::Seconds(1);
  const auto impatient = *Open(options);
  ASSERT_TRUE(Execute(*impatient, kInsert, {"a"}).ok());
  testing::MariaDb::Get().Pause();
  const auto count = [](Transaction& tx) { return tx.Query("SELECT COUNT(*) FROM items", {}, [](const Row&) {}); };
  EXPECT_EQ(ReasonOf(impatient->Lookup(count)), "DATABASE_UNAVAILABLE");
  EXPECT_EQ(ReasonOf(Execute(*impatient, kInsert, {"b"}).status()), "DATABASE_UNAVAILABLE");
  testing::MariaDb::Get().Resume();
  EXPECT_TRUE(impatient->Lookup(count).ok());
  EXPECT_EQ(Items(), 1);
}

TEST_F(MysqlFaultTest, MoreCallersThanConnections) {
  std::atomic<int> failed = 0;
  OnThreads(24, [&](int thread) {
    for (int i = 0; i < 10; ++i) {
      failed += !Execute(*database_, kInsert, {std::to_string(thread) + "-" + std::to_string(i)}).ok();
    }
  });
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(Items(), 240);
}

// kill -9 of the server while 8 threads write: every acknowledged row is there afterwards, and a row of a failed write
// is there only if its outcome was said to be unknown.
TEST_F(MysqlFaultTest, AServerThatIsKilledLosesNothingAcknowledged) {
  testing::MariaDb& mariadb = testing::MariaDb::Get();
  absl::Mutex mutex;
  std::set<std::string> acknowledged, unknown;
  std::atomic<bool> stop = false;
  absl::BlockingCounter busy(8);
  std::thread writers([&] {
    OnThreads(8, [&](int thread) {
      for (int i = 0; !stop; ++i) {
        const std::string id = std::to_string(thread) + "-" + std::to_string(i);
        const absl::Status status = Execute(*database_, kInsert, {id}).status();
        if (i == 20) {
          busy.DecrementCount();
        }
        absl::MutexLock lock(&mutex);
        if (status.ok()) {
          acknowledged.insert(id);
        } else if (ReasonOf(status) == "COMMIT_OUTCOME_UNKNOWN") {
          unknown.insert(id);
        } else {
          EXPECT_EQ(ReasonOf(status), "DATABASE_UNAVAILABLE") << status;
        }
      }
    });
  });
  busy.Wait();
  mariadb.Kill();
  EXPECT_EQ(ReasonOf(database_->Read([](Transaction&) { return absl::OkStatus(); })), "DATABASE_UNAVAILABLE");
  EXPECT_EQ(ReasonOf(Execute(*database_, kInsert, {"down"}).status()), "DATABASE_UNAVAILABLE");
  EXPECT_EQ(ReasonOf(database_->Ping(absl::InfiniteFuture())), "DATABASE_UNAVAILABLE");
  stop = true;
  writers.join();
  mariadb.Start();

  EXPECT_TRUE(Execute(*database_, kInsert, {"after"}).ok()) << "the same Database works again";
  std::set<std::string> found;
  ASSERT_TRUE(database_
                  ->Read([&](Transaction& tx) {
                    return tx.Query("SELECT id FROM items", {}, [&](const Row& row) { found.emplace(row.Text(0)); });
                  })
                  .ok());
  EXPECT_GT(acknowledged.size(), 160u);
  for (const std::string& id : acknowledged) {
    EXPECT_TRUE(found.contains(id)) << id << " was acknowledged";
  }
  found.erase("after");
  for (const std::string& id : found) {
    EXPECT_TRUE(acknowledged.contains(id) || unknown.contains(id)) << id << " was said not to be written";
  }
}

}  // namespace
}  // namespace section55::db
