// The log on both engines. The heart: with writers at once no reader ever misses an event, however late a transaction
// commits.
#include "libs/events/event_log.h"

#include <atomic>
#include <barrier>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/limits.h"
#include "libs/testing/mariadb.h"
#include "tests/contract/events/fixture.h"

namespace section55::events {
namespace {

using ::testing::ElementsAre;
using testing::IsOk;

constexpr int kWriters = 16;

class EventLogTest : public ::testing::TestWithParam<db::Engine> {
 protected:
  // A connection for every writer that holds its transaction open, and some more.
  EventLogTest() : database_(GetParam(), Schemas(), kWriters + 4), log_(*database_) {}
  ~EventLogTest() override { log_.Stop(); }

  // SQLite has one writer: a transaction that waited for another would wait for ever.
  bool writers_overlap() const { return GetParam() == db::Engine::kMysql; }

  std::vector<Event> ReadAll() {
    absl::StatusOr<EventLog::Page> page = log_.Read(0, 100'000);
    EXPECT_THAT(page, IsOk());
    return page.ok() ? page->events : std::vector<Event>();
  }

  testing::TestDatabase database_;
  EventLog log_;
};

// Follows a log from a thread of its own until it has `wanted` events.
class Reader {
 public:
  Reader(EventLog& log, int64_t wanted) : thread_([this, &log, wanted] { Run(log, wanted); }) {}

  const std::vector<Event>& Join() {
    thread_.join();
    return events_;
  }

  // Waits until an event with this text was read.
  bool HasRead(const std::string& text) {
    absl::MutexLock lock(&mutex_);
    const auto read = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return texts_.contains(text); };
    return mutex_.AwaitWithTimeout(absl::Condition(&read), absl::Seconds(30));
  }

 private:
  void Run(EventLog& log, int64_t wanted) {
    int64_t after = 0;
    while (after < wanted && log.WaitBeyond(after, absl::Seconds(30))) {
      const absl::StatusOr<EventLog::Page> page = log.Read(after, 7);  // a small odd number, to page a lot
      ASSERT_THAT(page, IsOk());
      ASSERT_FALSE(page->events.empty());
      for (const Event& event : page->events) {
        ASSERT_EQ(event.position(), ++after);
        events_.push_back(event);
        absl::MutexLock lock(&mutex_);
        texts_.insert(TextOf(event));
      }
      ASSERT_GE(page->head, after);
    }
  }

  std::vector<Event> events_;
  absl::Mutex mutex_;
  std::set<std::string> texts_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

TEST_P(EventLogTest, KeepsTheWholeEnvelope) {
  log_.Start();
  const Origin origin{.tenant = "forces/norfolk",
                      .subject = "forces/norfolk/things/one",
                      .actor = "people/zoë",
                      .cause = "request-17",
                      .time = absl::FromUnixMicros(1'767'258'000'123'456),
                      .schema_version = 3};
  const std::string text("two\0parts", 9);
  ASSERT_THAT(database_->Write([&](db::Transaction& tx) { return log_.Append(tx, origin, Payload(text)); }), IsOk());
  ASSERT_TRUE(log_.WaitBeyond(0, absl::Seconds(30)));
  const std::vector<Event> events = ReadAll();
  ASSERT_EQ(events.size(), 1u);
  const Event& event = events[0];
  EXPECT_EQ(event.position(), 1);
  EXPECT_EQ(event.event_id().size(), 36u);
  EXPECT_EQ(event.payload().type_url(), "type.googleapis.com/google.protobuf.StringValue");
  EXPECT_EQ(TextOf(event), text);
  EXPECT_EQ(event.schema_version(), 3);
  EXPECT_EQ(event.tenant(), origin.tenant);
  EXPECT_EQ(event.subject(), origin.subject);
  EXPECT_EQ(event.actor(), origin.actor);
  EXPECT_EQ(event.cause(), origin.cause);
  EXPECT_EQ(google::protobuf::util::TimeUtil::TimestampToMicroseconds(event.time()), 1'767'258'000'123'456);
}

// The trap itself, made certain: all ids are given before any transaction commits, and the highest commits, is numbered
// and read before the next lower one commits.
TEST_P(EventLogTest, LateCommitOfALowerIdIsNotMissed) {
  if (!writers_overlap()) GTEST_SKIP() << "transactions cannot overlap on SQLite";
  log_.Start();
  Reader reader(log_, kWriters);
  std::vector<std::thread> writers;
  std::vector<absl::Notification> appended(kWriters);
  std::vector<absl::Notification> may_commit(kWriters);
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&, i] {
      bool ran = false;
      const absl::Status written = database_->Write([&](db::Transaction& tx) -> absl::Status {
        if (std::exchange(ran, true)) return absl::InternalError("nothing here conflicts");
        RETURN_IF_ERROR(log_.Append(tx, About("subjects/" + std::to_string(i)), Payload(std::to_string(i))));
        appended[i].Notify();
        may_commit[i].WaitForNotification();
        return absl::OkStatus();
      });
      EXPECT_THAT(written, IsOk());
    });
    appended[i].WaitForNotification();  // so that the ids rise with i
  }
  bool read = true;
  for (int i = kWriters - 1; i >= 0; --i) {
    may_commit[i].Notify();
    writers[i].join();
    read = read && reader.HasRead(std::to_string(i));  // the first that is missed tells enough
    EXPECT_TRUE(read) << i;
  }
  const std::vector<Event>& events = reader.Join();
  ASSERT_EQ(events.size(), static_cast<size_t>(kWriters));
  for (int i = 0; i < kWriters; ++i) EXPECT_EQ(TextOf(events[i]), std::to_string(kWriters - 1 - i));
}

// 16 writers change 16 subjects, another one in each round; all transactions of a round are open at once where the
// engine allows. `logs` are the replicas: writers and sequencers are spread over them, one reader follows the first.
void WriteAndFollow(std::vector<std::pair<db::Database*, EventLog*>> logs, bool overlap) {
  constexpr int kRounds = 20;
  for (int i = 0; i < kWriters; ++i) {
    ASSERT_THAT(logs[0].first->Write([&](db::Transaction& tx) {
      return tx.Execute("INSERT INTO subjects (id, version) VALUES (?, 0)", {"subjects/" + std::to_string(i)}).status();
    }),
                IsOk());
  }
  for (auto& [database, log] : logs) log->Start();
  Reader reader(*logs[0].second, kWriters * kRounds);
  std::barrier all_open(kWriters);
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      db::Database& database = *logs[writer % logs.size()].first;
      EventLog& log = *logs[writer % logs.size()].second;
      for (int round = 0; round < kRounds; ++round) {
        const std::string subject = "subjects/" + std::to_string((writer + round) % kWriters);
        bool held = false;
        const absl::Status written = database.Write([&](db::Transaction& tx) -> absl::Status {
          RETURN_IF_ERROR(tx.Execute("UPDATE subjects SET version = version + 1 WHERE id = ?", {subject}).status());
          int64_t version = 0;
          RETURN_IF_ERROR(tx.Query("SELECT version FROM subjects WHERE id = ?", {subject},
                                   [&](const db::Row& row) { version = row.Int64(0); }));
          RETURN_IF_ERROR(log.Append(tx, About(subject), Payload(std::to_string(version))));
          if (overlap && !std::exchange(held, true)) all_open.arrive_and_wait();
          return absl::OkStatus();
        });
        EXPECT_THAT(written, IsOk());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const std::vector<Event>& events = reader.Join();

  // The reader has checked that positions rise by one.
  ASSERT_EQ(events.size(), static_cast<size_t>(kWriters * kRounds));
  std::set<std::string> ids;
  std::map<std::string, int> versions;
  for (const Event& event : events) {
    EXPECT_TRUE(ids.insert(event.event_id()).second) << "twice: " << event.DebugString();
    EXPECT_EQ(TextOf(event), std::to_string(++versions[event.subject()])) << event.subject();
  }
  EXPECT_EQ(logs[0].second->FindEnd()->head, kWriters * kRounds);
}

TEST_P(EventLogTest, ManyWritersAndAReader) { WriteAndFollow({{&*database_, &log_}}, writers_overlap()); }

TEST_P(EventLogTest, TwoReplicasNumberAtOnce) {
  absl::StatusOr<std::unique_ptr<db::Database>> other_database = db::Open(database_.options());
  ASSERT_THAT(other_database, IsOk());
  EventLog other_log(**other_database);
  WriteAndFollow({{&*database_, &log_}, {other_database->get(), &other_log}}, writers_overlap());
}

// One replica has read what there is to number; before it can, another has numbered all that and more.
TEST_P(EventLogTest, AReplicaThatComesLateNumbersNothingAgain) {
  absl::Notification late_has_read, others_are_done;
  std::atomic<bool> first_write = true;
  FlakyDatabase late_database(*database_, [&] {
    if (!first_write.exchange(false)) return;
    late_has_read.Notify();
    others_are_done.WaitForNotification();
  });
  EventLog late(late_database);
  ASSERT_THAT(AppendOne(log_, *database_, "subjects/a", "1"), IsOk());
  late.Start();
  late_has_read.WaitForNotification();
  ASSERT_THAT(AppendOne(log_, *database_, "subjects/a", "2"), IsOk());
  log_.Start();
  EXPECT_TRUE(log_.WaitBeyond(1, absl::Seconds(30)));
  others_are_done.Notify();
  EXPECT_TRUE(late.WaitBeyond(1, absl::Seconds(30)));  // it has looked again
  ASSERT_THAT(AppendOne(log_, *database_, "subjects/a", "3"), IsOk());
  EXPECT_TRUE(log_.WaitBeyond(2, absl::Seconds(30)));
  std::vector<std::string> texts;
  for (const Event& event : ReadAll()) texts.push_back(std::to_string(event.position()) + "=" + TextOf(event));
  EXPECT_THAT(texts, ElementsAre("1=1", "2=2", "3=3"));
  EXPECT_EQ(log_.FindEnd()->head, 3);
}

TEST_P(EventLogTest, RollbackLeavesNothing) {
  log_.Start();
  const absl::Status refused = database_->Write([&](db::Transaction& tx) -> absl::Status {
    RETURN_IF_ERROR(log_.Append(tx, About("subjects/a"), Payload("refused")));
    return absl::FailedPreconditionError("no");
  });
  EXPECT_TRUE(absl::IsFailedPrecondition(refused));
  ASSERT_THAT(AppendOne(log_, *database_, "subjects/a", "kept"), IsOk());
  ASSERT_TRUE(log_.WaitBeyond(0, absl::Seconds(30)));
  const std::vector<Event> events = ReadAll();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].position(), 1);
  EXPECT_EQ(TextOf(events[0]), "kept");
}

TEST_P(EventLogTest, WhatADeadProcessLeftIsNumberedByTheNext) {
  {
    EventLog dead(*database_);  // never came to number anything
    ASSERT_THAT(AppendOne(dead, *database_, "subjects/a", "first"), IsOk());
    ASSERT_THAT(AppendOne(dead, *database_, "subjects/a", "second"), IsOk());
  }
  EXPECT_EQ(log_.FindEnd()->head, 0);
  log_.Start();
  ASSERT_TRUE(log_.WaitBeyond(1, absl::Seconds(30)));
  const std::vector<Event> events = ReadAll();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(TextOf(events[0]), "first");
  EXPECT_EQ(TextOf(events[1]), "second");
}

TEST_P(EventLogTest, WhatAnotherReplicaDidIsNoticedWithoutANotification) {
  log_.Start();
  ASSERT_THAT(AppendOne(log_, *database_, "subjects/a", "mine"), IsOk());
  ASSERT_TRUE(log_.WaitBeyond(0, absl::Seconds(30)));  // from here on the sequencer is idle
  EventLog other(*database_);
  ASSERT_THAT(AppendOne(other, *database_, "subjects/a", "left behind"), IsOk());
  EXPECT_TRUE(log_.WaitBeyond(1, absl::Seconds(30)));
  other.Start();
  ASSERT_THAT(AppendOne(other, *database_, "subjects/a", "numbered there"), IsOk());
  EXPECT_TRUE(log_.WaitBeyond(2, absl::Seconds(30)));
}

TEST_P(EventLogTest, PagesByNumberAndBySize) {
  log_.Start();
  const std::string big(900'000, 'x');
  for (const std::string& text : {std::string("a"), std::string("b"), big, big, big}) {
    ASSERT_THAT(AppendOne(log_, *database_, "subjects/a", text), IsOk());
  }
  ASSERT_TRUE(log_.WaitBeyond(4, absl::Seconds(30)));
  const auto positions = [&](int64_t after, int limit) {
    const absl::StatusOr<EventLog::Page> page = log_.Read(after, limit);
    EXPECT_THAT(page, IsOk());
    EXPECT_EQ(page->head, 5);
    std::vector<int64_t> result;
    for (const Event& event : page->events) result.push_back(event.position());
    return result;
  };
  EXPECT_THAT(positions(0, 2), ElementsAre(1, 2));
  EXPECT_THAT(positions(0, 100), ElementsAre(1, 2, 3, 4));  // the third big one would be too much
  EXPECT_THAT(positions(4, 100), ElementsAre(5));
  EXPECT_THAT(positions(5, 100), ElementsAre());
  EXPECT_THAT(positions(99, 100), ElementsAre());
}

TEST_P(EventLogTest, AnEventLargerThanAPageComesAloneAndOneTooLargeIsRefused) {
  log_.Start();
  ASSERT_THAT(AppendOne(log_, *database_, "subjects/a", std::string(base::kLargestEvent - 10, 'x')), IsOk());
  EXPECT_THAT(AppendOne(log_, *database_, "subjects/a", std::string(base::kLargestEvent, 'x')),
              testing::HasReason("EVENT_TOO_LARGE"));
  EXPECT_FALSE(AppendOne(log_, *database_, "", "about nothing").ok());
  ASSERT_TRUE(log_.WaitBeyond(0, absl::Seconds(30)));
  EXPECT_EQ(ReadAll().size(), 1u);
}

// Of many that ask first, on two replicas, all are told the same; and so is whoever asks later.
TEST_P(EventLogTest, AFeedHasOneIncarnation) {
  absl::StatusOr<std::unique_ptr<db::Database>> other_database = db::Open(database_.options());
  ASSERT_THAT(other_database, IsOk());
  EventLog other(**other_database);
  std::barrier together(8);
  std::vector<std::string> told(8);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      together.arrive_and_wait();
      const absl::StatusOr<EventLog::End> end = (i % 2 == 0 ? log_ : other).FindEnd();
      EXPECT_THAT(end, IsOk());
      told[i] = end->incarnation;
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(told[0].size(), 36u);
  EXPECT_THAT(told, ::testing::Each(told[0]));
  EXPECT_EQ(EventLog(*database_).FindEnd()->incarnation, told[0]);
}

TEST_P(EventLogTest, ADamagedEventIsNotHandedOut) {
  log_.Start();
  for (const char* text : {"1", "2", "3"}) {
    ASSERT_THAT(AppendOne(log_, *database_, "subjects/a", text), IsOk());
  }
  ASSERT_TRUE(log_.WaitBeyond(2, absl::Seconds(30)));
  ASSERT_THAT(database_->Write([](db::Transaction& tx) {
    return tx.Execute("UPDATE events SET payload = ? WHERE position = 2", {db::Bytes{"\x0a\x01\x39"}}).status();
  }),
              IsOk());
  EXPECT_EQ(log_.Read(0, 1)->events.size(), 1u);
  EXPECT_THAT(log_.Read(1, 10), testing::StatusIs(absl::StatusCode::kDataLoss));
  int64_t after = 0;
  std::vector<db::Damage> damage;
  EXPECT_EQ(*log_.CheckStorage(after, 10, damage), 3);
  ASSERT_EQ(damage.size(), 1u);
  EXPECT_EQ(damage[0].key, "2");
}

TEST_P(EventLogTest, ReadsTheEventsOfOneTenant) {
  log_.Start();
  for (int i = 1; i <= 9; ++i) {
    ASSERT_THAT(AppendOne(log_, *database_, "subjects/a", std::to_string(i), i % 3 == 0 ? "bodies/a" : "bodies/b"),
                IsOk());
  }
  ASSERT_TRUE(log_.WaitBeyond(8, absl::Seconds(30)));
  const absl::StatusOr<EventLog::Page> first = log_.Read(0, 2, "bodies/a");
  ASSERT_THAT(first, IsOk());
  ASSERT_EQ(first->events.size(), 2u);
  EXPECT_EQ(first->events[1].position(), 6);
  EXPECT_EQ(first->next, 6);
  const absl::StatusOr<EventLog::Page> rest = log_.Read(first->next, 2, "bodies/a");
  ASSERT_EQ(rest->events.size(), 1u);
  EXPECT_EQ(rest->next, 9);
  EXPECT_EQ(log_.Read(0, 2, "bodies/c")->next, 9) << "nothing between: the next look begins at the end";
}

TEST_P(EventLogTest, WaitsOnlyWhileItRuns) {
  log_.Start();
  EXPECT_FALSE(log_.WaitBeyond(0, absl::Milliseconds(1)));
  EXPECT_FALSE(log_.stopped());
  std::thread waiter([&] { EXPECT_FALSE(log_.WaitBeyond(0, absl::InfiniteDuration())); });
  log_.Stop();
  waiter.join();
  EXPECT_TRUE(log_.stopped());
  EXPECT_FALSE(log_.WaitBeyond(0, absl::InfiniteDuration()));
  ASSERT_THAT(AppendOne(log_, *database_, "subjects/a", "meanwhile"), IsOk());
  log_.Start();
  EXPECT_TRUE(log_.WaitBeyond(0, absl::Seconds(30)));
}

// A database that counts what fails.
class WatchedDatabase : public testing::DatabaseFront {
 public:
  using DatabaseFront::DatabaseFront;

  absl::Status Lookup(db::Body body, absl::Time until) override { return Count(DatabaseFront::Lookup(body, until)); }
  absl::Status Read(db::Body body, absl::Time until) override { return Count(DatabaseFront::Read(body, until)); }
  absl::Status Write(db::Body body, absl::Time until) override { return Count(DatabaseFront::Write(body, until)); }

  std::atomic<int> failures = 0;

 private:
  absl::Status Count(absl::Status status) {
    failures += status.ok() ? 0 : 1;
    return status;
  }
};

TEST_P(EventLogTest, OutlivesTheDatabaseServer) {
  if (GetParam() == db::Engine::kSqlite) GTEST_SKIP() << "there is no server";
  WatchedDatabase watched(*database_);
  EventLog log(watched);
  log.Start();
  ASSERT_THAT(AppendOne(log, *database_, "subjects/a", "before"), IsOk());
  ASSERT_TRUE(log.WaitBeyond(0, absl::Seconds(30)));
  testing::MariaDb::Get().Kill();
  EXPECT_FALSE(log.FindEnd().ok());
  // The sequencer has tried and failed.
  EXPECT_TRUE(Eventually([&, before = watched.failures.load()] { return watched.failures > before; }));
  testing::MariaDb::Get().Start();
  EXPECT_TRUE(Eventually([&] { return AppendOne(log, *database_, "subjects/a", "after").ok(); }));
  EXPECT_TRUE(log.WaitBeyond(1, absl::Seconds(30)));
}

SECTION55_ON_BOTH_ENGINES(EventLogTest);

}  // namespace
}  // namespace section55::events
