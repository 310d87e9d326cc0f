// Several queues on one database, and queues that die: every job has its effect once.
#include <map>
#include <set>

#include "tests/contract/jobs/fixture.h"

namespace section55::jobs {
namespace {

class QueueReplicasTest : public JobsFixture {
 protected:
  QueueReplicasTest() : other_clock_(kStart) {
    absl::StatusOr<std::unique_ptr<db::Database>> opened = db::Open(test_database().options());
    EXPECT_THAT(opened, IsOk());
    other_database_ = *std::move(opened);
  }

  static Worker WithLease(Worker worker, absl::Duration lease) {
    worker.lease = lease;
    return worker;
  }

  // Does the job with the key "a" up to its effect, and dies before that.
  void DieDoing(const std::string& holder, absl::Duration lease) {
    WatchedDatabase watched(database());
    Queue queue(watched, clock_, holder, 1);
    absl::Notification ran;
    queue.Handle("note", WithLease(Noting([&](const Job&) {
                                     watched.away = true;
                                     if (!ran.HasBeenNotified()) {
                                       ran.Notify();
                                     }
                                     return absl::OkStatus();
                                   }),
                                   lease));
    ASSERT_THAT(Schedule(queue, MakeJob("a")), IsOk());
    queue.Start();
    ran.WaitForNotification();
    queue.Stop();
    ASSERT_EQ(Jobs(queue).size(), 1u);
    EXPECT_EQ(Jobs(queue)[0].holder(), holder);
    EXPECT_THAT(Effects(), ::testing::IsEmpty());
  }

  base::DrivenClock other_clock_;  // one queue waits on a clock
  std::unique_ptr<db::Database> other_database_;
};

TEST_P(QueueReplicasTest, AThousandJobsAreDoneOnceEach) {
  constexpr int kJobs = 1000;
  Queue one(database(), clock_, "one:1", 3);
  Queue two(*other_database_, other_clock_, "two:1", 3);
  std::atomic<int> runs = 0;
  for (Queue* queue : {&one, &two}) {
    queue->Handle("note", Noting([&](const Job&) {
                    ++runs;
                    return absl::OkStatus();
                  }));
  }
  one.Start();
  two.Start();
  for (int i = 0; i < kJobs; i += 20) {
    ASSERT_THAT(database().Write([&](db::Transaction& tx) -> absl::Status {
      for (int j = i; j < i + 20; ++j) {
        RETURN_IF_ERROR((i % 40 == 0 ? one : two).Schedule(tx, MakeJob(std::to_string(j))));
      }
      return absl::OkStatus();
    }),
                IsOk());
  }
  ASSERT_TRUE(Eventually([&] { return one.Count()->waiting == 0; }));
  one.Stop();
  two.Stop();
  const std::vector<std::string> effects = Effects();
  EXPECT_EQ(effects.size(), static_cast<size_t>(kJobs));
  EXPECT_EQ(std::set<std::string>(effects.begin(), effects.end()).size(), static_cast<size_t>(kJobs));
  EXPECT_EQ(runs, kJobs) << "none was begun twice";
}

TEST_P(QueueReplicasTest, AnotherTakesOverWhenTheLeaseRanOut) {
  DieDoing("dead:1", absl::Milliseconds(300));
  Queue other(*other_database_, other_clock_, "other:1", 1);
  std::atomic<int> attempts = -1;
  other.Handle("note", Noting([&](const Job& job) {
                 attempts = job.attempts;
                 return absl::OkStatus();
               }));
  other.Start();
  EXPECT_TRUE(WaitForEffects({"a"}));
  EXPECT_EQ(attempts, 1) << "a run that was cut off counts";
}

TEST_P(QueueReplicasTest, ALeaseThatRunsKeepsOthersAway) {
  DieDoing("dead:1", absl::Hours(1));
  Queue other(*other_database_, other_clock_, "other:1", 1);
  other.Handle("note", Noting());
  other.Start();
  ASSERT_THAT(Schedule(other, MakeJob("b")), IsOk());
  EXPECT_TRUE(WaitForEffects({"b"}));
  // The same replica, started again, knows that its former self does not run any more.
  Queue again(database(), clock_, "dead:1", 1);
  again.Handle("note", Noting());
  again.Start();
  EXPECT_TRUE(WaitForEffects({"b", "a"}));
}

TEST_P(QueueReplicasTest, AJobThatEndsItsProcessEachTimeIsGivenUp) {
  DieDoing("dead:1", absl::Milliseconds(1));
  Queue other(*other_database_, other_clock_, "other:1", 1);
  Worker worker = Noting();
  worker.most_attempts = 1;
  other.Handle("note", worker);
  other.Start();
  ASSERT_TRUE(Eventually([&] { return Jobs(other).size() == 1 && Jobs(other)[0].parked(); }));
  EXPECT_EQ(Jobs(other)[0].attempts(), 1);
  EXPECT_THAT(Effects(), ::testing::IsEmpty());
}

TEST_P(QueueReplicasTest, ALeaseIsRenewedWhileTheJobRuns) {
  const auto lease_end = [&] {
    int64_t end = 0;
    EXPECT_THAT(database().Read([&](db::Transaction& tx) {
      return tx.Query("SELECT MAX(lease_end) FROM jobs", {}, [&](const db::Row& row) { end = row.Int64(0); });
    }),
                IsOk());
    return end;
  };
  absl::Notification began, open;
  Queue one(database(), clock_, "one:1", 1);
  Queue two(*other_database_, other_clock_, "two:1", 1);
  std::atomic<int> runs = 0;
  for (Queue* queue : {&one, &two}) {
    queue->Handle("note", WithLease(Noting([&](const Job&) {
                                      if (++runs == 1) {
                                        began.Notify();
                                        open.WaitForNotification();
                                      }
                                      return absl::OkStatus();
                                    }),
                                    absl::Seconds(2)));
  }
  ASSERT_THAT(Schedule(one, MakeJob("a")), IsOk());
  one.Start();
  began.WaitForNotification();
  const int64_t first_end = lease_end();
  two.Start();
  EXPECT_TRUE(Eventually([&] { return lease_end() > first_end; }));
  // The other takes what is free, and leaves alone what is held.
  ASSERT_THAT(Schedule(two, MakeJob("b")), IsOk());
  EXPECT_TRUE(WaitForEffects({"b"}));
  open.Notify();
  EXPECT_TRUE(WaitForEffects({"b", "a"}));
  EXPECT_EQ(runs, 2);
}

// The first is held up for so long that another takes its job over; what it does then comes too late.
TEST_P(QueueReplicasTest, ARunThatLostItsLeaseHasNoEffect) {
  WatchedDatabase watched(database());
  absl::Notification began, open;
  Queue one(watched, clock_, "one:1", 1);
  one.Handle("note", WithLease(Noting([&](const Job& job) {
                                 watched.away = true;  // it cannot renew
                                 began.Notify();
                                 open.WaitForNotification();
                                 return absl::OkStatus();
                               }),
                               absl::Milliseconds(300)));
  ASSERT_THAT(Schedule(one, MakeJob("a", kStart, "=1")), IsOk());
  one.Start();
  began.WaitForNotification();
  absl::Notification taken_over, go;
  Queue two(*other_database_, other_clock_, "two:1", 1);
  two.Handle("note", Noting([&](const Job&) {
               taken_over.Notify();
               go.WaitForNotification();
               return absl::OkStatus();
             }));
  two.Start();
  taken_over.WaitForNotification();
  watched.away = false;
  open.Notify();
  one.Stop();
  EXPECT_THAT(Effects(), ::testing::IsEmpty());
  ASSERT_EQ(Jobs(two).size(), 1u);
  EXPECT_EQ(Jobs(two)[0].holder(), "two:1");
  go.Notify();
  EXPECT_TRUE(WaitForEffects({"a=1"}));
  EXPECT_TRUE(Eventually([&] { return Jobs(two).empty(); }));
}

SECTION55_ON_BOTH_ENGINES(QueueReplicasTest);

}  // namespace
}  // namespace section55::jobs
