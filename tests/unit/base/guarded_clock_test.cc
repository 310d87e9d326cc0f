#include "libs/base/guarded_clock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "absl/synchronization/notification.h"

namespace section55::base {
namespace {

using Change = GuardedClock::Change;

const absl::Time kNoon = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kSixtyDays = absl::Hours(24 * 60);

class GuardedClockTest : public ::testing::Test {
 protected:
  // Time goes on, and both clocks with it.
  void Pass(absl::Duration time) {
    wall_ = wall_.load() + time;
    steady_ = steady_.load() + time;
  }
  void Jump(absl::Duration by) { wall_ = wall_.load() + by; }
  Change Look(std::optional<absl::Time> database = std::nullopt) { return clock_.Look(database).change; }

  std::atomic<absl::Time> wall_ = kNoon;
  std::atomic<absl::Duration> steady_ = absl::Hours(5);
  GuardedClock clock_{{.wall = [this] { return wall_.load(); }, .steady = [this] { return steady_.load(); }}};
};

TEST_F(GuardedClockTest, FollowsTheMachinesClock) {
  EXPECT_EQ(clock_.Now(), kNoon);
  Pass(absl::Hours(30));
  EXPECT_EQ(clock_.Now(), kNoon + absl::Hours(30));
  // Slews and small steps, however many.
  for (int i = 0; i < 100; ++i) {
    Jump(absl::Seconds(20));
    EXPECT_EQ(clock_.Now(), wall_.load());
    EXPECT_EQ(Look(), Change::kNone);
  }
  EXPECT_FALSE(clock_.InDoubt());
}

TEST_F(GuardedClockTest, AJumpOfFourSecondsIsNothing) {
  Jump(kSixtyDays);
  EXPECT_EQ(clock_.Now(), kNoon) << "even before anybody has looked";
  EXPECT_TRUE(clock_.InDoubt());
  EXPECT_EQ(Look(), Change::kDoubted);
  EXPECT_EQ(Look(), Change::kNone) << "said once";
  Pass(absl::Seconds(4));
  EXPECT_EQ(clock_.Now(), kNoon + absl::Seconds(4));
  EXPECT_EQ(clock_.doubt()->by, kSixtyDays);
  Jump(-kSixtyDays);
  const GuardedClock::Seen seen = clock_.Look(std::nullopt);
  EXPECT_EQ(seen.change, Change::kBack);
  EXPECT_TRUE(seen.set_back) << "who began to wait meanwhile would wait for sixty days";
  EXPECT_FALSE(clock_.InDoubt());
  EXPECT_FALSE(clock_.doubt());
  EXPECT_EQ(clock_.Now(), kNoon + absl::Seconds(4));
}

TEST_F(GuardedClockTest, AJumpThatStaysIsTakenAsTrueAfterTenMinutes) {
  Jump(kSixtyDays);
  Look();
  Pass(absl::Minutes(9));
  EXPECT_EQ(Look(), Change::kNone);
  Jump(absl::Hours(1));
  EXPECT_EQ(Look(), Change::kDoubted) << "another jump is another doubt";
  Pass(absl::Minutes(9));
  EXPECT_EQ(Look(), Change::kNone);
  EXPECT_EQ(clock_.Now(), kNoon + absl::Minutes(18));
  Pass(absl::Minutes(1));
  EXPECT_EQ(Look(), Change::kConfirmed);
  EXPECT_EQ(clock_.Now(), wall_.load());
  EXPECT_FALSE(clock_.InDoubt());
}

TEST_F(GuardedClockTest, AClockThatIsSetBackIsDoubtedAsWell) {
  Jump(-absl::Hours(2));
  const GuardedClock::Seen seen = clock_.Look(std::nullopt);
  EXPECT_EQ(seen.change, Change::kDoubted);
  EXPECT_TRUE(seen.set_back);
  EXPECT_FALSE(clock_.Look(std::nullopt).set_back);
  EXPECT_EQ(clock_.Now(), kNoon);
}

TEST_F(GuardedClockTest, ADatabaseThatAgreesConfirmsAfterAMinute) {
  Jump(kSixtyDays);
  EXPECT_EQ(Look(wall_.load()), Change::kDoubted);
  Pass(absl::Seconds(59));
  EXPECT_EQ(Look(wall_.load()), Change::kNone);
  Pass(absl::Seconds(1));
  EXPECT_EQ(Look(wall_.load() + absl::Seconds(30)), Change::kConfirmed);
}

TEST_F(GuardedClockTest, ADatabaseThatDisagreesLeavesItToAnOperator) {
  Jump(kSixtyDays);
  for (int hour = 0; hour < 24; ++hour) {
    EXPECT_EQ(Look(wall_.load() - kSixtyDays), hour == 0 ? Change::kDoubted : Change::kNone);
    Pass(absl::Hours(1));
  }
  EXPECT_TRUE(clock_.doubt()->database_disagrees);
  EXPECT_TRUE(clock_.Confirm());
  EXPECT_FALSE(clock_.InDoubt());
  EXPECT_EQ(clock_.Now(), wall_.load());
  EXPECT_EQ(Look(wall_.load() - kSixtyDays), Change::kNone) << "that the database differs is known by now";
  EXPECT_EQ(Look(wall_.load() - kSixtyDays - absl::Hours(1)), Change::kDoubted) << "but not that it differs by more";
}

TEST_F(GuardedClockTest, AProcessThatStartsWithAWrongClockLearnsItFromTheDatabase) {
  EXPECT_EQ(Look(kNoon - kSixtyDays), Change::kDoubted);
  EXPECT_TRUE(clock_.InDoubt());
  EXPECT_EQ(Look(kNoon), Change::kBack);
  EXPECT_FALSE(clock_.InDoubt());
}

TEST_F(GuardedClockTest, ThereIsNothingToConfirmWithoutDoubt) { EXPECT_FALSE(clock_.Confirm()); }

TEST_F(GuardedClockTest, WhoWaitsForATimeIsNotWokenByAJumpButByItsConfirmation) {
  absl::Notification confirmed;
  std::thread waiting([&] {
    clock_.WaitUntil(absl::InfiniteFuture());
    EXPECT_TRUE(confirmed.HasBeenNotified());
  });
  Jump(kSixtyDays);
  Look();
  confirmed.Notify();
  EXPECT_TRUE(clock_.Confirm());
  waiting.join();
}

TEST(MachineClockTest, IsNotInDoubt) {
  GuardedClock clock;
  EXPECT_EQ(clock.Look(std::nullopt).change, Change::kNone);
  EXPECT_FALSE(clock.InDoubt());
  clock.WaitUntil(clock.Now() + absl::Milliseconds(20));
}

}  // namespace
}  // namespace section55::base
