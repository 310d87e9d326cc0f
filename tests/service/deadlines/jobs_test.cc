// The timer: what is missed when, once, and whatever the clock does.
#include "services/deadline-scheduler/jobs.h"

#include <gmock/gmock.h>

#include <functional>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "tests/service/deadlines/world.h"

namespace section55::deadlines {
namespace {

using section55::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kNorfolk[] = "norfolk-pcc";
const absl::CivilDay kPublished(2020, 12, 17);
const absl::Time kMissedFrom = London(2021, 2, 11);

class TimerTest : public section55::testing::OnBothEngines {
 protected:
  TimerTest() : OnBothEngines(Schemas()), clock_(London(2020, 12, 17, 9)), world_(database(), clock_) {}
  ~TimerTest() override { world_.jobs().Stop(); }

  void Open(const std::string& inspection, absl::CivilDay published = kPublished,
            const std::vector<std::string>& bodies = {kNorfolk}) {
    ASSERT_THAT(world_.FromRegistry(InspectionPublished(inspection, published, bodies)), IsOk());
  }

  v1::Deadline::State StateOf(const std::string& inspection) { return world_.Load(kNorfolk, inspection).state(); }

  // Waits for what the timer's threads do.
  static bool Eventually(const std::function<bool()>& condition) {
    const absl::Time end = absl::Now() + absl::Seconds(30);
    while (!condition()) {
      if (absl::Now() > end) {
        return false;
      }
    }
    return true;
  }
  bool EventuallyMissed(const std::string& inspection) {
    return Eventually([&] { return StateOf(inspection) == v1::Deadline::MISSED; });
  }

  // The timer takes the longest due first: when these are missed, whatever was due has been looked at.
  void AwaitTurn() {
    for (int i = 0; i < 2; ++i) {
      const std::string marker = fmt::format("marker-{}", ++markers_);
      Open(marker, absl::CivilDay(2018, 1, 1));
      ASSERT_TRUE(EventuallyMissed(marker));
    }
  }

  // What stands on the timer, the first due first.
  std::vector<admin::v1::Job> Jobs(std::string_view tenant = "", bool parked_only = false) {
    auto jobs = world_.jobs().List(tenant, parked_only, {}, 100);
    EXPECT_THAT(jobs, IsOk());
    return jobs.ok() ? *std::move(jobs) : std::vector<admin::v1::Job>();
  }

  // The subjects of every DeadlineMissed but the markers'.
  std::vector<std::string> Missed() {
    std::vector<std::string> missed;
    for (const common::v1::Event& event : world_.Events()) {
      if (event.payload().Is<v1::DeadlineMissed>() && event.subject().find("marker") == std::string::npos) {
        missed.push_back(event.subject());
      }
    }
    return missed;
  }

  base::DrivenClock clock_;
  World world_;
  int markers_ = 0;
};

TEST_P(TimerTest, MissesFromMidnightInLondonAndNotBefore) {
  Open("safe-to-share");
  clock_.Set(kMissedFrom - absl::Microseconds(1));
  world_.jobs().Start();
  AwaitTurn();
  EXPECT_EQ(StateOf("safe-to-share"), v1::Deadline::PENDING);
  EXPECT_THAT(Missed(), IsEmpty());
  clock_.Set(kMissedFrom);
  EXPECT_TRUE(EventuallyMissed("safe-to-share"));
  const common::v1::Event event = world_.Events().back();
  v1::DeadlineMissed missed;
  ASSERT_TRUE(event.payload().UnpackTo(&missed));
  EXPECT_EQ(missed.deadline().SerializeAsString(), world_.Load(kNorfolk, "safe-to-share").SerializeAsString());
  EXPECT_EQ(event.tenant(), "bodies/norfolk-pcc");
  EXPECT_EQ(event.cause(), "timer");
  EXPECT_EQ(base::FromTimestamp(event.time()), kMissedFrom);
}

TEST_P(TimerTest, MidnightIsThatOfSummerTimeAndChristmasDayIsADayLikeAnyOther) {
  Open("summer", absl::CivilDay(2021, 3, 31));
  Open("christmas", absl::CivilDay(2024, 10, 31));
  std::vector<std::string> due;
  for (const admin::v1::Job& job : Jobs()) {
    due.push_back(absl::FormatTime(absl::RFC3339_sec, base::FromTimestamp(job.due_time()), absl::UTCTimeZone()));
  }
  EXPECT_THAT(due, ElementsAre("2021-05-25T23:00:00+00:00", "2024-12-26T00:00:00+00:00"));
}

TEST_P(TimerTest, WhatWasPublishedIsNotMissed) {
  Open("safe-to-share");
  ASSERT_THAT(world_.FromPublication(ResponsePublished(kNorfolk, "safe-to-share", London(2021, 2, 1))), IsOk());
  clock_.Set(London(2021, 3, 1));
  // Not even by a job that was under way.
  ASSERT_THAT(world_.Miss(kNorfolk, "safe-to-share"), IsOk());
  world_.jobs().Start();
  AwaitTurn();
  EXPECT_EQ(StateOf("safe-to-share"), v1::Deadline::MET);
  EXPECT_THAT(Missed(), IsEmpty());
}

TEST_P(TimerTest, AClockSetBackDoesNotUnmiss) {
  Open("safe-to-share");
  clock_.Set(kMissedFrom);
  world_.jobs().Start();
  EXPECT_TRUE(EventuallyMissed("safe-to-share"));
  clock_.Set(London(2020, 12, 20));
  AwaitTurn();
  clock_.Set(kMissedFrom);
  AwaitTurn();
  EXPECT_EQ(StateOf("safe-to-share"), v1::Deadline::MISSED);
  EXPECT_THAT(Missed(), ElementsAre("bodies/norfolk-pcc/deadlines/safe-to-share"));
}

TEST_P(TimerTest, AnOperatorWhoIsImpatientMissesNothingBeforeItsTime) {
  Open("safe-to-share");
  world_.jobs().Start();
  ASSERT_EQ(Jobs().size(), 1u);
  int64_t id = 0;
  ASSERT_TRUE(absl::SimpleAtoi(Jobs()[0].name().substr(sizeof("jobs/") - 1), &id));
  clock_.Advance(absl::Hours(1));
  ASSERT_THAT(world_.jobs().Retry(id), IsOk());
  EXPECT_TRUE(Eventually([&] {
    const auto jobs = Jobs();
    return jobs.size() == 1 && base::FromTimestamp(jobs[0].due_time()) == kMissedFrom;
  }));
  EXPECT_EQ(StateOf("safe-to-share"), v1::Deadline::PENDING);
  // It stands on the timer again.
  clock_.Set(kMissedFrom);
  EXPECT_TRUE(EventuallyMissed("safe-to-share"));
}

TEST_P(TimerTest, ADamagedDeadlineIsParkedAloneAndStopsNoOther) {
  const std::vector<std::string> bodies = {"essex-pfcc", kNorfolk, "suffolk-pcc"};
  Open("safe-to-share", kPublished, bodies);
  ASSERT_THAT(database().Write([](db::Transaction& tx) {
    return tx.Execute("UPDATE deadlines SET content = ? WHERE body = ?", {db::Bytes{"half a mess"}, "essex-pfcc"})
        .status();
  }),
              IsOk());
  clock_.Set(kMissedFrom);
  world_.jobs().Start();
  EXPECT_TRUE(EventuallyMissed("safe-to-share"));
  EXPECT_TRUE(Eventually([&] {
    const jobs::Queue::Counts counts = world_.jobs().Count().value_or(jobs::Queue::Counts());
    return counts.parked == 1 && counts.waiting == 0;
  }));
  EXPECT_THAT(Missed(), ::testing::UnorderedElementsAre("bodies/norfolk-pcc/deadlines/safe-to-share",
                                                        "bodies/suffolk-pcc/deadlines/safe-to-share"));
  const auto parked = Jobs("bodies/essex-pfcc", /*parked_only=*/true);
  ASSERT_EQ(parked.size(), 1u);
  EXPECT_EQ(parked[0].key(), "bodies/essex-pfcc/deadlines/safe-to-share");
}

TEST_P(TimerTest, EachIsMissedOnceWhateverTheNumberOfReplicas) {
  constexpr int kReports = 3;
  std::vector<std::string> bodies;
  for (int i = 0; i < 43; ++i) {
    bodies.push_back(fmt::format("body-{}", i));
  }
  for (int i = 0; i < kReports; ++i) {
    Open(fmt::format("report-{}", i), kPublished, bodies);
  }
  auto other = db::Open(test_database().options());
  ASSERT_THAT(other.status(), IsOk());
  base::DrivenClock other_clock(kMissedFrom);
  World replica(**other, other_clock, "localhost:7203");
  clock_.Set(kMissedFrom);
  replica.jobs().Start();
  world_.jobs().Start();
  // Opened, then missed.
  EXPECT_TRUE(world_.log().WaitBeyond(2 * kReports * 43 - 1, absl::Seconds(60)));
  replica.jobs().Stop();
  world_.jobs().Stop();
  const std::vector<std::string> missed = Missed();
  EXPECT_EQ(missed.size(), kReports * bodies.size());
  EXPECT_EQ(std::set<std::string>(missed.begin(), missed.end()).size(), kReports * bodies.size());
}

TEST_P(TimerTest, AClockThatJumpsForwardsFiresEverythingPassed) {
  Open("first");
  Open("second", absl::CivilDay(2021, 3, 31));
  world_.jobs().Start();
  clock_.Set(London(2031, 1, 1));
  EXPECT_TRUE(EventuallyMissed("first"));
  EXPECT_TRUE(EventuallyMissed("second"));
}

TEST_P(TimerTest, CanBeStoppedAndStartedAgain) {
  world_.jobs().Start();
  world_.jobs().Stop();
  Open("registered-late", absl::CivilDay(2020, 1, 6));
  EXPECT_EQ(StateOf("registered-late"), v1::Deadline::PENDING);
  world_.jobs().Start();
  EXPECT_TRUE(EventuallyMissed("registered-late"));
}

SECTION55_ON_BOTH_ENGINES(TimerTest);

}  // namespace
}  // namespace section55::deadlines
