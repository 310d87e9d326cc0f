// Jobs that fail: tried again with growing pauses, given up, parked.
#include <new>
#include <stdexcept>

#include "tests/contract/jobs/fixture.h"

namespace section55::jobs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class QueueFailureTest : public JobsFixture {};

TEST_P(QueueFailureTest, PausesGrowToAnHour) {
  std::atomic<bool> failing = true;
  Queue queue(database(), clock_, "here:1", 1);
  Worker worker = Noting([&](const Job&) { return failing ? absl::UnavailableError("not\nyet") : absl::OkStatus(); });
  worker.most_attempts = 100;
  queue.Handle("note", worker);
  queue.Start();
  ASSERT_THAT(Schedule(queue, MakeJob("a")), IsOk());
  std::vector<int64_t> pauses;
  for (int attempt = 1; attempt <= 14; ++attempt) {
    ASSERT_TRUE(WaitForAttempts(queue, attempt)) << attempt;
    const admin::v1::Job job = Jobs(queue)[0];
    EXPECT_EQ(job.error(), "UNAVAILABLE: not?yet");
    EXPECT_FALSE(job.parked());
    pauses.push_back(job.due_time().seconds() - absl::ToUnixSeconds(clock_.Now()));
    failing = attempt < 14;
    clock_.Advance(absl::Seconds(pauses.back()));
  }
  EXPECT_THAT(pauses, ElementsAre(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600));
  EXPECT_TRUE(WaitForEffects({"a"}));
}

TEST_P(QueueFailureTest, AJobWithADamagedPayloadIsNotRun) {
  Queue queue(database(), clock_, "here:1", 1);
  std::atomic<int> asked = 0;
  Worker worker = Noting([](const Job&) { return absl::OkStatus(); });
  worker.give_up = [&](db::Transaction&, const Job&, const absl::Status&) {
    ++asked;
    return true;
  };
  queue.Handle("note", worker);
  const Job job = MakeJob("a", kStart, "-whole");
  ASSERT_THAT(Schedule(queue, job), IsOk());
  ASSERT_THAT(database().Write([](db::Transaction& tx) {
    return tx.Execute("UPDATE jobs SET payload = ?", {db::Bytes{"-half"}}).status();
  }),
              IsOk());
  queue.Start();
  ASSERT_TRUE(Eventually([&] { return !Jobs(queue).empty() && Jobs(queue)[0].parked(); }));
  EXPECT_THAT(Jobs(queue)[0].error(), HasSubstr("does not match its checksum"));
  EXPECT_EQ(asked, 0);
  EXPECT_THAT(Effects(), IsEmpty());
  // What is scheduled anew is whole.
  ASSERT_THAT(Schedule(queue, job), IsOk());
  EXPECT_TRUE(WaitForEffects({"a-whole"}));
}

TEST_P(QueueFailureTest, AnEffectThatFailsLeavesNothing) {
  std::atomic<bool> failing = true;
  Queue queue(database(), clock_, "here:1", 1);
  Worker worker;
  worker.run = [&](const Job& job) -> absl::StatusOr<Effect> {
    return [&](db::Transaction& tx) -> absl::Status {
      RETURN_IF_ERROR(AddEffect(tx, "half"));
      if (failing) {
        return absl::FailedPreconditionError("not now");
      }
      return AddEffect(tx, "whole");
    };
  };
  queue.Handle("note", worker);
  queue.Start();
  ASSERT_THAT(Schedule(queue, MakeJob("a")), IsOk());
  ASSERT_TRUE(WaitForAttempts(queue, 1));
  EXPECT_THAT(Effects(), IsEmpty());
  failing = false;
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(WaitForEffects({"half", "whole"}));
}

TEST_P(QueueFailureTest, ExceptionsAreErrors) {
  Queue queue(database(), clock_, "here:1", 1);
  Worker worker;
  worker.run = [&](const Job& job) -> absl::StatusOr<Effect> {
    if (job.attempts == 0) {
      throw std::bad_alloc();
    }
    if (job.attempts == 1) {
      throw 7;
    }
    return [](db::Transaction& tx) -> absl::Status { throw std::runtime_error("in the effect"); };
  };
  queue.Handle("note", worker);
  queue.Start();
  ASSERT_THAT(Schedule(queue, MakeJob("a")), IsOk());
  ASSERT_TRUE(WaitForAttempts(queue, 1));
  EXPECT_THAT(Jobs(queue)[0].error(), HasSubstr("INTERNAL: exception: std::bad_alloc"));
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(WaitForAttempts(queue, 2));
  clock_.Advance(absl::Seconds(2));
  ASSERT_TRUE(WaitForAttempts(queue, 3));
  EXPECT_THAT(Jobs(queue)[0].error(), HasSubstr("INTERNAL"));
}

TEST_P(QueueFailureTest, ParksAfterTheLastTryAndRetriesWhenTold) {
  std::atomic<bool> failing = true;
  Queue queue(database(), clock_, "here:1", 1);
  Worker worker = Noting([&](const Job&) {
    return failing ? absl::InternalError(std::string("\xff") + std::string(5000, 'x')) : absl::OkStatus();
  });
  worker.most_attempts = 2;
  queue.Handle("note", worker);
  queue.Start();
  ASSERT_THAT(Schedule(queue, MakeJob("a")), IsOk());
  ASSERT_TRUE(WaitForAttempts(queue, 1));
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(WaitForAttempts(queue, 2));
  const admin::v1::Job parked = Jobs(queue)[0];
  EXPECT_TRUE(parked.parked());
  EXPECT_EQ(parked.error().size(), 1000u);
  clock_.Advance(absl::Hours(100));
  ASSERT_THAT(Schedule(queue, MakeJob("b", clock_.Now() + absl::Hours(1))), IsOk());
  absl::StatusOr<Queue::Counts> counts = queue.Count();
  ASSERT_THAT(counts, IsOk());
  EXPECT_EQ(counts->parked, 1);
  EXPECT_EQ(counts->waiting, 1);
  EXPECT_EQ(queue.List("", true, {}, 10)->size(), 1u);
  EXPECT_THAT(Effects(), IsEmpty());

  failing = false;
  EXPECT_THAT(queue.Retry(4711), StatusIs(absl::StatusCode::kNotFound));
  const absl::StatusOr<admin::v1::Job> retried = queue.Retry(std::stoll(parked.name().substr(5)));
  ASSERT_THAT(retried, IsOk());
  EXPECT_FALSE(retried->parked());
  EXPECT_EQ(retried->due_time().seconds(), absl::ToUnixSeconds(clock_.Now()));
  EXPECT_TRUE(WaitForEffects({"a"}));
}

TEST_P(QueueFailureTest, AFinalErrorParksAtOnce) {
  Queue queue(database(), clock_, "here:1", 1);
  Worker worker = Noting([&](const Job&) { return absl::InvalidArgumentError("never"); });
  worker.is_final = [](const absl::Status& error) { return absl::IsInvalidArgument(error); };
  queue.Handle("note", worker);
  queue.Start();
  ASSERT_THAT(Schedule(queue, MakeJob("a")), IsOk());
  ASSERT_TRUE(WaitForAttempts(queue, 1));
  EXPECT_TRUE(Jobs(queue)[0].parked());
  // Scheduled anew it gets its tries again.
  ASSERT_THAT(Schedule(queue, MakeJob("a", kStart + absl::Hours(1))), IsOk());
  EXPECT_FALSE(Jobs(queue)[0].parked());
  EXPECT_EQ(Jobs(queue)[0].attempts(), 0);
}

TEST_P(QueueFailureTest, TheServiceMayDealWithWhatIsGivenUp) {
  Queue queue(database(), clock_, "here:1", 1);
  Worker worker = Noting([&](const Job&) { return absl::InternalError("never"); });
  worker.most_attempts = 1;
  worker.give_up = [](db::Transaction& tx, const Job& job, const absl::Status& error) -> absl::StatusOr<bool> {
    RETURN_IF_ERROR(AddEffect(tx, "gave up " + job.key + ": " + std::string(error.message())));
    if (job.key == "broken") {
      return absl::InternalError("cannot even give up");
    }
    return job.key == "dealt-with";
  };
  queue.Handle("note", worker);
  queue.Start();
  ASSERT_THAT(Schedule(queue, MakeJob("dealt-with")), IsOk());
  ASSERT_TRUE(WaitForEffects({"gave up dealt-with: never"}));
  ASSERT_TRUE(Eventually([&] { return Jobs(queue).empty(); }));
  ASSERT_THAT(Schedule(queue, MakeJob("parked")), IsOk());
  ASSERT_TRUE(WaitForAttempts(queue, 1));
  EXPECT_TRUE(Jobs(queue)[0].parked());
  EXPECT_EQ(Effects().size(), 2u);
  ASSERT_THAT(Cancel(queue, "parked"), IsOk());
  ASSERT_THAT(Schedule(queue, MakeJob("broken")), IsOk());
  ASSERT_TRUE(WaitForAttempts(queue, 1));
  EXPECT_TRUE(Jobs(queue)[0].parked());
  EXPECT_THAT(Jobs(queue)[0].error(), HasSubstr("never; giving it up failed as well: INTERNAL: cannot even give up"));
  EXPECT_EQ(Effects().size(), 2u);
}

TEST_P(QueueFailureTest, ADatabaseThatIsAwayIsNotTheJobsFault) {
  WatchedDatabase watched(database());
  Queue queue(watched, clock_, "here:1", 1);
  std::atomic<int> runs = 0;
  queue.Handle("note", Noting([&](const Job& job) -> absl::Status {
                 if (++runs <= 2) {
                   return base::Error(absl::StatusCode::kUnavailable, "DATABASE_UNAVAILABLE", "away");
                 }
                 EXPECT_EQ(job.attempts, 0);
                 watched.lost_before = 2;
                 return absl::OkStatus();
               }));
  queue.Start();
  ASSERT_THAT(Schedule(queue, MakeJob("a")), IsOk());
  EXPECT_TRUE(WaitForEffects({"a"}));
  EXPECT_EQ(runs, 3);
}

TEST_P(QueueFailureTest, ALostAnswerToCommitHasNoSecondEffect) {
  WatchedDatabase watched(database());
  Queue queue(watched, clock_, "here:1", 1);
  queue.Handle("note", Noting([&](const Job& job) {
                 watched.lost_after = job.key == "a" ? 1 : 0;
                 return absl::OkStatus();
               }));
  queue.Start();
  ASSERT_THAT(Schedule(queue, MakeJob("a")), IsOk());
  ASSERT_TRUE(WaitForEffects({"a"}));
  ASSERT_THAT(Schedule(queue, MakeJob("b")), IsOk());
  EXPECT_TRUE(WaitForEffects({"a", "b"}));
  EXPECT_TRUE(Eventually([&] { return Jobs(queue).empty(); }));
}

SECTION55_ON_BOTH_ENGINES(QueueFailureTest);

}  // namespace
}  // namespace section55::jobs
