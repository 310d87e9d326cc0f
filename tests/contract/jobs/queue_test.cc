// What is done when, and what becomes of a job that changes meanwhile.
#include "tests/contract/jobs/fixture.h"

namespace section55::jobs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class QueueTest : public JobsFixture {};

TEST_P(QueueTest, DoesAJobAndForgetsIt) {
  Queue queue(database(), clock_, "here:1", 1);
  absl::Mutex mutex;
  std::optional<Job> seen;
  Worker worker;
  worker.run = [&](const Job& job) -> absl::StatusOr<Effect> {
    absl::MutexLock lock(&mutex);
    seen = job;
    return [](db::Transaction& tx) { return AddEffect(tx, "done"); };
  };
  queue.Handle("note", worker);
  queue.Start();
  const std::string payload("=\0\xff", 3);
  ASSERT_THAT(Schedule(queue, {.kind = "note", .key = "a", .tenant = "bodies/x", .due = kStart, .payload = payload}),
              IsOk());
  EXPECT_TRUE(Eventually([&] { return Jobs(queue).empty(); }));
  queue.Stop();
  absl::MutexLock lock(&mutex);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->kind, "note");
  EXPECT_EQ(seen->key, "a");
  EXPECT_EQ(seen->tenant, "bodies/x");
  EXPECT_EQ(seen->due, kStart);
  EXPECT_EQ(seen->payload, payload);
  EXPECT_EQ(seen->attempts, 0);
  EXPECT_EQ(Effects().size(), 1u);
}

TEST_P(QueueTest, WaitsForTheTime) {
  Queue queue(database(), clock_, "here:1", 1);
  queue.Handle("note", Noting());
  queue.Start();
  ASSERT_THAT(Schedule(queue, MakeJob("later", kStart + absl::Hours(1))), IsOk());
  ASSERT_THAT(Schedule(queue, MakeJob("now")), IsOk());
  ASSERT_TRUE(WaitForEffects({"now"}));
  clock_.Advance(absl::Hours(1) - absl::Microseconds(1));
  ASSERT_THAT(Schedule(queue, MakeJob("now2")), IsOk());
  ASSERT_TRUE(WaitForEffects({"now", "now2"}));
  clock_.Advance(absl::Microseconds(1));
  EXPECT_TRUE(WaitForEffects({"now", "now2", "later"}));
}

// Says when somebody waits on it although the time has come.
class DoubtedClock : public base::DrivenClock {
 public:
  using DrivenClock::DrivenClock;
  bool InDoubt() const override { return in_doubt; }
  void WaitUntil(absl::Time when) override {
    if (in_doubt && !waited.HasBeenNotified()) {
      waited.Notify();
    }
    DrivenClock::WaitUntil(when);
  }
  std::atomic<bool> in_doubt = true;
  absl::Notification waited;
};

TEST_P(QueueTest, WhileTheClockIsInDoubtNoJobIsBegun) {
  DoubtedClock clock(kStart);
  Queue queue(database(), clock, "localhost:1");
  queue.Handle("note", Noting());
  ASSERT_THAT(Schedule(queue, MakeJob("due")), IsOk());
  queue.Start();
  clock.waited.WaitForNotification();
  EXPECT_THAT(Effects(), IsEmpty());
  EXPECT_EQ(queue.Count()->waiting, 1);
  clock.in_doubt = false;
  clock.Wake();
  EXPECT_TRUE(WaitForEffects({"due"}));
}

TEST_P(QueueTest, SaysForHowLongTheLongestDueHasBeenDue) {
  Queue queue(database(), clock_, "localhost:1");
  EXPECT_EQ(queue.Count()->overdue, absl::ZeroDuration());
  ASSERT_THAT(Schedule(queue, MakeJob("later", kStart + absl::Hours(1))), IsOk());
  EXPECT_EQ(queue.Count()->overdue, absl::ZeroDuration());
  ASSERT_THAT(Schedule(queue, MakeJob("due", kStart - absl::Minutes(5))), IsOk());
  EXPECT_EQ(queue.Count()->overdue, absl::Minutes(5));
}

TEST_P(QueueTest, TheLongestDueComesFirst) {
  Queue queue(database(), clock_, "here:1", 1);
  queue.Handle("note", Noting());
  queue.Handle("other", Noting());
  std::vector<std::string> wanted;
  for (int i = 50; i >= 1; --i) {
    Job job = MakeJob(std::to_string(i), kStart + absl::Minutes(i));
    job.kind = i % 3 == 0 ? "other" : "note";
    ASSERT_THAT(Schedule(queue, job), IsOk());
    wanted.insert(wanted.begin(), std::to_string(i));
  }
  clock_.Advance(absl::Hours(1));
  queue.Start();
  EXPECT_TRUE(WaitForEffects(wanted)) << ::testing::PrintToString(Effects());
}

TEST_P(QueueTest, AQueueThatStartsDoesWhatWasLeft) {
  {
    Queue before(database(), clock_, "here:1", 1);
    ASSERT_THAT(Schedule(before, MakeJob("a")), IsOk());
  }
  Queue queue(database(), clock_, "here:1", 1);
  queue.Handle("note", Noting());
  queue.Start();
  EXPECT_TRUE(WaitForEffects({"a"}));
}

TEST_P(QueueTest, AJobOfAnUnknownKindWaits) {
  Queue old(database(), clock_, "here:1", 1);
  old.Handle("note", Noting());
  old.Start();
  Job strange = MakeJob("strange");
  strange.kind = "of-a-newer-program";
  ASSERT_THAT(Schedule(old, strange), IsOk());
  ASSERT_THAT(Schedule(old, MakeJob("a")), IsOk());
  ASSERT_TRUE(WaitForEffects({"a"}));
  old.Stop();
  ASSERT_EQ(Jobs(old).size(), 1u);
  EXPECT_EQ(Jobs(old)[0].attempts(), 0);
  Queue newer(database(), clock_, "here:1", 1);
  newer.Handle("of-a-newer-program", Noting());
  newer.Start();
  EXPECT_TRUE(WaitForEffects({"a", "strange"}));
}

TEST_P(QueueTest, ScheduledAgainItIsReplaced) {
  Queue queue(database(), clock_, "here:1", 1);
  queue.Handle("note", Noting());
  queue.Start();
  ASSERT_THAT(Schedule(queue, MakeJob("a", kStart + absl::Hours(1), "=1")), IsOk());
  ASSERT_THAT(Schedule(queue, MakeJob("a", kStart + absl::Hours(3), "=2")), IsOk());
  ASSERT_THAT(Schedule(queue, MakeJob("b", kStart + absl::Hours(2))), IsOk());
  ASSERT_EQ(Jobs(queue).size(), 2u);
  clock_.Advance(absl::Hours(2));
  ASSERT_TRUE(WaitForEffects({"b"}));
  clock_.Advance(absl::Hours(1));
  EXPECT_TRUE(WaitForEffects({"b", "a=2"}));
  // And to an earlier time.
  ASSERT_THAT(Schedule(queue, MakeJob("c", clock_.Now() + absl::Hours(9))), IsOk());
  ASSERT_THAT(Schedule(queue, MakeJob("c", clock_.Now())), IsOk());
  EXPECT_TRUE(WaitForEffects({"b", "a=2", "c"}));
}

// Runs that a test holds until it lets them go.
class Gate {
 public:
  absl::Status Pass(const Job& job) {
    if (first_.exchange(false)) {
      began_.Notify();
      open_.WaitForNotification();
    }
    return absl::OkStatus();
  }
  void WaitUntilItRuns() { began_.WaitForNotification(); }
  void Open() { open_.Notify(); }

 private:
  std::atomic<bool> first_ = true;
  absl::Notification began_, open_;
};

TEST_P(QueueTest, ScheduledAgainWhileItRunsItLosesItsEffectAndRunsAgain) {
  Gate gate;
  Queue queue(database(), clock_, "here:1", 2);
  queue.Handle("note", Noting([&](const Job& job) { return gate.Pass(job); }));
  queue.Start();
  ASSERT_THAT(Schedule(queue, MakeJob("a", kStart, "=old")), IsOk());
  gate.WaitUntilItRuns();
  ASSERT_THAT(Schedule(queue, MakeJob("a", kStart, "=new")), IsOk());
  ASSERT_THAT(Schedule(queue, MakeJob("b")), IsOk());
  ASSERT_TRUE(WaitForEffects({"b"}));  // the other thread was free, and did not run it beside
  gate.Open();
  EXPECT_TRUE(WaitForEffects({"b", "a=new"}));
  EXPECT_TRUE(Eventually([&] { return Jobs(queue).empty(); }));
}

TEST_P(QueueTest, FailingAfterItWasScheduledAgainIsOfNoAccount) {
  Gate gate;
  Queue queue(database(), clock_, "here:1", 1);
  Worker worker = Noting([&](const Job& job) {
    gate.Pass(job).IgnoreError();
    return job.payload == "=old" ? absl::InternalError("old") : absl::OkStatus();
  });
  worker.most_attempts = 1;
  queue.Handle("note", worker);
  queue.Start();
  ASSERT_THAT(Schedule(queue, MakeJob("a", kStart, "=old")), IsOk());
  gate.WaitUntilItRuns();
  ASSERT_THAT(Schedule(queue, MakeJob("a", kStart, "=new")), IsOk());
  gate.Open();
  EXPECT_TRUE(WaitForEffects({"a=new"}));
  EXPECT_TRUE(Eventually([&] { return Jobs(queue).empty(); }));
}

TEST_P(QueueTest, CancelledItIsNotDone) {
  Queue queue(database(), clock_, "here:1", 1);
  queue.Handle("note", Noting());
  queue.Start();
  ASSERT_THAT(Schedule(queue, MakeJob("a", kStart + absl::Hours(1))), IsOk());
  ASSERT_THAT(Schedule(queue, MakeJob("b", kStart + absl::Hours(2))), IsOk());
  ASSERT_THAT(Cancel(queue, "a"), IsOk());
  ASSERT_THAT(Cancel(queue, "never-was"), IsOk());
  clock_.Advance(absl::Hours(2));
  EXPECT_TRUE(WaitForEffects({"b"}));
  EXPECT_THAT(Jobs(queue), IsEmpty());
}

TEST_P(QueueTest, CancelledWhileItRunsItLosesItsEffect) {
  Gate gate;
  Queue queue(database(), clock_, "here:1", 1);
  queue.Handle("note", Noting([&](const Job& job) { return gate.Pass(job); }));
  queue.Start();
  ASSERT_THAT(Schedule(queue, MakeJob("a")), IsOk());
  gate.WaitUntilItRuns();
  ASSERT_THAT(Cancel(queue, "a"), IsOk());
  EXPECT_THAT(Jobs(queue), IsEmpty());
  ASSERT_THAT(Schedule(queue, MakeJob("b")), IsOk());
  gate.Open();
  EXPECT_TRUE(WaitForEffects({"b"}));
  const absl::StatusOr<Queue::Counts> counts = queue.Count();
  ASSERT_THAT(counts, IsOk());
  EXPECT_EQ(counts->waiting + counts->parked, 0);
}

TEST_P(QueueTest, CancelledAndScheduledAgainWhileItRunsItRunsOnceMore) {
  Gate gate;
  Queue queue(database(), clock_, "here:1", 2);
  queue.Handle("note", Noting([&](const Job& job) { return gate.Pass(job); }));
  queue.Start();
  ASSERT_THAT(Schedule(queue, MakeJob("a", kStart, "=old")), IsOk());
  gate.WaitUntilItRuns();
  ASSERT_THAT(Cancel(queue, "a"), IsOk());
  ASSERT_THAT(Schedule(queue, MakeJob("a", kStart, "=new")), IsOk());
  ASSERT_THAT(Schedule(queue, MakeJob("b")), IsOk());
  ASSERT_TRUE(WaitForEffects({"b"}));
  gate.Open();
  EXPECT_TRUE(WaitForEffects({"b", "a=new"}));
}

TEST_P(QueueTest, AnEffectMaySchedule) {
  Queue queue(database(), clock_, "here:1", 1);
  Worker worker;
  worker.run = [&](const Job& job) -> absl::StatusOr<Effect> {
    return [&, job](db::Transaction& tx) -> absl::Status {
      RETURN_IF_ERROR(AddEffect(tx, job.payload));
      return job.payload == "3"
                 ? absl::OkStatus()
                 : queue.Schedule(tx, MakeJob(job.key, kStart, std::to_string(std::stoi(job.payload) + 1)));
    };
  };
  queue.Handle("note", worker);
  queue.Start();
  ASSERT_THAT(Schedule(queue, MakeJob("a", kStart, "1")), IsOk());
  EXPECT_TRUE(WaitForEffects({"1", "2", "3"}));
  EXPECT_TRUE(Eventually([&] { return Jobs(queue).empty(); }));
}

TEST_P(QueueTest, WhatIsRolledBackWasNeverScheduled) {
  Queue queue(database(), clock_, "here:1", 1);
  queue.Handle("note", Noting());
  queue.Start();
  EXPECT_THAT(database().Write([&](db::Transaction& tx) -> absl::Status {
    RETURN_IF_ERROR(queue.Schedule(tx, MakeJob("a")));
    return absl::FailedPreconditionError("no");
  }),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  ASSERT_THAT(Schedule(queue, MakeJob("b")), IsOk());
  EXPECT_TRUE(WaitForEffects({"b"}));
  EXPECT_THAT(Jobs(queue), IsEmpty());
}

// The clock moves a thousand times and jobs are scheduled for later: neither is a reason to look.
TEST_P(QueueTest, AQuietQueueAsksNothing) {
  WatchedDatabase watched(database());
  Queue queue(watched, clock_, "here:1", 2);
  queue.Handle("note", Noting());
  queue.Start();
  ASSERT_THAT(Schedule(queue, MakeJob("soon")), IsOk());
  ASSERT_TRUE(WaitForEffects({"soon"}));
  ASSERT_THAT(Schedule(queue, MakeJob("in a day", kStart + absl::Hours(24))), IsOk());
  for (int i = 0; i < 1000; ++i) {
    clock_.Advance(absl::Seconds(1));
  }
  for (int i = 0; i < 50; ++i) {
    ASSERT_THAT(Schedule(queue, MakeJob(std::to_string(i), kStart + absl::Hours(25))), IsOk());
  }
  ASSERT_THAT(Schedule(queue, MakeJob("now")), IsOk());
  ASSERT_TRUE(WaitForEffects({"soon", "now"}));
  EXPECT_LE(watched.calls, 15);
}

TEST_P(QueueTest, StopWaitsForWhatRunsAndStartGoesOn) {
  Gate gate;
  Queue queue(database(), clock_, "here:1", 1);
  queue.Handle("note", Noting([&](const Job& job) { return gate.Pass(job); }));
  for (const char* key : {"a", "b", "c"}) {
    ASSERT_THAT(Schedule(queue, MakeJob(key)), IsOk());
  }
  queue.Start();
  gate.WaitUntilItRuns();
  std::thread stopper([&] { queue.Stop(); });
  gate.Open();
  stopper.join();
  EXPECT_THAT(Effects(), ::testing::Contains("a"));
  const size_t done = Effects().size();
  for (const admin::v1::Job& job : Jobs(queue)) {
    EXPECT_EQ(job.holder(), "") << "a stopped queue keeps nothing";
  }
  EXPECT_EQ(Jobs(queue).size(), 3 - done);
  queue.Start();
  EXPECT_TRUE(WaitForEffects({"a", "b", "c"}));
}

TEST_P(QueueTest, ListsForAdmin) {
  Queue queue(database(), clock_, "here:1", 1);
  for (int i = 0; i < 5; ++i) {
    Job job = MakeJob(std::to_string(i), kStart + absl::Minutes(i / 2));
    job.tenant = i == 3 ? "" : "bodies/norfolk-pcc";
    ASSERT_THAT(Schedule(queue, job), IsOk());
  }
  const auto keys = [&](std::string_view tenant, const Queue::Place& after, int limit) {
    const absl::StatusOr<std::vector<admin::v1::Job>> jobs = queue.List(tenant, false, after, limit);
    EXPECT_THAT(jobs, IsOk());
    std::vector<std::string> keys;
    for (const admin::v1::Job& job : *jobs) {
      keys.push_back(job.key());
    }
    return keys;
  };
  EXPECT_THAT(keys("", {}, 100), ElementsAre("0", "1", "2", "3", "4"));
  EXPECT_THAT(keys("bodies/norfolk-pcc", {}, 100), ElementsAre("0", "1", "2", "4"));
  EXPECT_THAT(keys("bodies/suffolk-pcc", {}, 100), IsEmpty());
  const admin::v1::Job third = queue.List("", false, {}, 3)->back();
  const int64_t id = std::stoll(third.name().substr(5));
  EXPECT_THAT(keys("", {absl::ToUnixMicros(kStart + absl::Minutes(1)), id}, 1), ElementsAre("3"));
  EXPECT_EQ(third.kind(), "note");
  EXPECT_EQ(third.tenant(), "bodies/norfolk-pcc");
  EXPECT_EQ(third.due_time().seconds(), absl::ToUnixSeconds(kStart) + 60);
  EXPECT_FALSE(third.parked());
}

TEST_P(QueueTest, RefusesWhatItCannotKeep) {
  Queue queue(database(), clock_, "here:1", 1);
  const auto refused = [&](std::string kind, std::string key, std::string payload = "") {
    return !Schedule(queue,
                     {.kind = std::move(kind), .key = std::move(key), .due = kStart, .payload = std::move(payload)})
                .ok();
  };
  EXPECT_TRUE(refused("", "a"));
  EXPECT_TRUE(refused("Note", "a"));
  EXPECT_TRUE(refused(std::string(64, 'k'), "a"));
  EXPECT_TRUE(refused("note", ""));
  EXPECT_TRUE(refused("note", "zoë"));
  EXPECT_TRUE(refused("note", std::string(501, 'k')));
  EXPECT_TRUE(refused("note", "a", std::string(1'048'577, 'x')));
  EXPECT_FALSE(refused("note", std::string(500, 'k'), std::string(1'048'576, 'x')));
  // At once, or never: what a clock cannot reach.
  EXPECT_THAT(Schedule(queue, MakeJob("a", absl::InfinitePast())), IsOk());
  EXPECT_THAT(Schedule(queue, MakeJob("b", absl::InfiniteFuture())), IsOk());
}

SECTION55_ON_BOTH_ENGINES(QueueTest);

}  // namespace
}  // namespace section55::jobs
