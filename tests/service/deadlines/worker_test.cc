// The timer: what is missed when, once, and whatever the clock does.
#include "services/deadline-scheduler/worker.h"

#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "tests/service/deadlines/world.h"

namespace section55::deadlines {
namespace {

using section55::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kNorfolk[] = "norfolk-pcc";
const absl::CivilDay kPublished(2020, 12, 17);
const absl::Time kMissedFrom = London(2021, 2, 11);

// Tells when somebody goes to sleep on it, and until when.
class ObservedClock : public base::DrivenClock {
 public:
  using base::DrivenClock::DrivenClock;

  void WaitUntil(absl::Time when) override {
    {
      absl::MutexLock lock(&mutex_);
      until_ = when;
      ++sleeps_;
    }
    DrivenClock::WaitUntil(when);
  }

  // Waits for the sleep with this number, from 1; until when it is.
  absl::Time AwaitSleep(int number) {
    absl::MutexLock lock(&mutex_);
    const auto asleep = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return sleeps_ >= number; };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&asleep), absl::Seconds(30))) << "no sleep " << number;
    return until_;
  }

 private:
  absl::Mutex mutex_;
  absl::Time until_ ABSL_GUARDED_BY(mutex_);
  int sleeps_ ABSL_GUARDED_BY(mutex_) = 0;
};

class WorkerTest : public section55::testing::OnBothEngines {
 protected:
  WorkerTest() : OnBothEngines(Schemas()), clock_(London(2020, 12, 17, 9)), world_(database(), clock_) {}

  void Open(const std::string& inspection, absl::CivilDay published = kPublished,
            const std::vector<std::string>& bodies = {kNorfolk}) {
    ASSERT_THAT(world_.FromRegistry(InspectionPublished(inspection, published, bodies)), IsOk());
  }

  // Starts it on a clock that nobody has woken yet, so that its sleeps can be counted.
  void Start(Worker& worker) {
    clock_.Wake();
    clock_.base::DrivenClock::WaitUntil(absl::InfiniteFuture());
    worker.Start();
  }

  v1::Deadline::State StateOf(const std::string& inspection) { return world_.Load(kNorfolk, inspection).state(); }

  absl::Time Miss(absl::Time now) {
    const auto next = MissWhatIsDue(database(), world_.log(), now);
    EXPECT_THAT(next.status(), IsOk());
    return next.value_or(absl::InfinitePast());
  }

  ObservedClock clock_;
  World world_;
};

TEST_P(WorkerTest, MissesFromMidnightInLondonAndNotBefore) {
  Open("safe-to-share");
  EXPECT_EQ(Miss(kMissedFrom - absl::Microseconds(1)), kMissedFrom);
  EXPECT_EQ(StateOf("safe-to-share"), v1::Deadline::PENDING);
  EXPECT_EQ(Miss(kMissedFrom), absl::InfiniteFuture());
  EXPECT_EQ(StateOf("safe-to-share"), v1::Deadline::MISSED);
  const auto events = world_.Events();
  ASSERT_EQ(events.size(), 2u);
  v1::DeadlineMissed missed;
  ASSERT_TRUE(events[1].payload().UnpackTo(&missed));
  EXPECT_EQ(missed.deadline().SerializeAsString(), world_.Load(kNorfolk, "safe-to-share").SerializeAsString());
  EXPECT_EQ(events[1].tenant(), "bodies/norfolk-pcc");
  EXPECT_EQ(base::FromTimestamp(events[1].time()), kMissedFrom);
}

TEST_P(WorkerTest, MidnightIsThatOfSummerTime) {
  Open("summer", absl::CivilDay(2021, 3, 31));
  EXPECT_EQ(absl::FormatTime(absl::RFC3339_sec, Miss(clock_.Now()), absl::UTCTimeZone()), "2021-05-25T23:00:00+00:00");
}

TEST_P(WorkerTest, ChristmasDayIsADayLikeAnyOther) {
  Open("christmas", absl::CivilDay(2024, 10, 31));
  EXPECT_EQ(Miss(London(2024, 12, 25, 23, 59)), London(2024, 12, 26));
  Miss(London(2024, 12, 26));
  EXPECT_EQ(StateOf("christmas"), v1::Deadline::MISSED);
}

TEST_P(WorkerTest, WhatWasPublishedIsNotMissed) {
  Open("safe-to-share");
  ASSERT_THAT(world_.FromPublication(ResponsePublished(kNorfolk, "safe-to-share", London(2021, 2, 1))), IsOk());
  Miss(London(2021, 3, 1));
  EXPECT_EQ(StateOf("safe-to-share"), v1::Deadline::MET);
}

TEST_P(WorkerTest, AClockSetBackDoesNotUnmiss) {
  Open("safe-to-share");
  Miss(kMissedFrom);
  EXPECT_EQ(Miss(London(2020, 12, 20)), absl::InfiniteFuture());
  Miss(kMissedFrom);
  EXPECT_EQ(StateOf("safe-to-share"), v1::Deadline::MISSED);
  EXPECT_EQ(world_.Events().size(), 2u);
}

TEST_P(WorkerTest, EachIsMissedOnceWhateverTheNumberOfReplicas) {
  // More than two batches.
  constexpr int kReports = 5;
  std::vector<std::string> bodies;
  for (int i = 0; i < 43; ++i) {
    bodies.push_back(fmt::format("body-{}", i));
  }
  for (int i = 0; i < kReports; ++i) {
    Open(fmt::format("report-{}", i), kPublished, bodies);
  }
  auto other = db::Open(test_database().options());
  ASSERT_THAT(other.status(), IsOk());
  events::EventLog other_log(**other);
  std::thread replica([&] { EXPECT_THAT(MissWhatIsDue(**other, other_log, kMissedFrom).status(), IsOk()); });
  Miss(kMissedFrom);
  replica.join();
  std::multiset<std::string> missed;
  for (const common::v1::Event& event : world_.Events()) {
    if (event.payload().Is<v1::DeadlineMissed>()) {
      missed.insert(event.subject());
    }
  }
  EXPECT_EQ(missed.size(), kReports * bodies.size());
  EXPECT_EQ(std::set<std::string>(missed.begin(), missed.end()).size(), kReports * bodies.size());
}

TEST_P(WorkerTest, SleepsUntilTheNextIsDueAndFiresWhenTheClockIsSet) {
  Open("safe-to-share");
  clock_.Set(kMissedFrom - absl::Seconds(30));
  Worker worker(database(), world_.log(), clock_);
  Start(worker);
  EXPECT_EQ(clock_.AwaitSleep(1), kMissedFrom);
  EXPECT_EQ(StateOf("safe-to-share"), v1::Deadline::PENDING);
  clock_.Set(kMissedFrom);
  clock_.AwaitSleep(2);
  EXPECT_EQ(StateOf("safe-to-share"), v1::Deadline::MISSED);
  EXPECT_EQ(world_.Told().size(), 2u);
}

TEST_P(WorkerTest, AClockThatJumpsForwardsFiresEverythingPassed) {
  Open("first");
  Open("second", absl::CivilDay(2021, 3, 31));
  Worker worker(database(), world_.log(), clock_);
  Start(worker);
  clock_.AwaitSleep(1);
  clock_.Set(London(2031, 1, 1));
  clock_.AwaitSleep(2);
  EXPECT_EQ(StateOf("first"), v1::Deadline::MISSED);
  EXPECT_EQ(StateOf("second"), v1::Deadline::MISSED);
}

TEST_P(WorkerTest, IsWokenByADeadlineThatIsOpened) {
  Worker worker(database(), world_.log(), clock_);
  Start(worker);
  // Nothing is pending; it looks again in a minute, as another replica may have died.
  EXPECT_EQ(clock_.AwaitSleep(1), clock_.Now() + absl::Minutes(1));
  Open("registered-late", absl::CivilDay(2020, 1, 6));
  clock_.AwaitSleep(2);
  EXPECT_EQ(StateOf("registered-late"), v1::Deadline::MISSED);
}

TEST_P(WorkerTest, CanBeStoppedAndStartedAgain) {
  Worker worker(database(), world_.log(), clock_);
  Start(worker);
  clock_.AwaitSleep(1);
  worker.Stop();
  Open("registered-late", absl::CivilDay(2020, 1, 6));
  EXPECT_EQ(StateOf("registered-late"), v1::Deadline::PENDING);
  worker.Start();
  clock_.AwaitSleep(2);
  EXPECT_EQ(StateOf("registered-late"), v1::Deadline::MISSED);
}

SECTION55_ON_BOTH_ENGINES(WorkerTest);

}  // namespace
}  // namespace section55::deadlines
