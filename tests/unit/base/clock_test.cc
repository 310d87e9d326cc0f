#include "libs/base/clock.h"

#include <gtest/gtest.h>

#include <thread>

#include "libs/base/guarded_clock.h"

namespace section55::base {
namespace {

const absl::Time kNoon = absl::FromUnixSeconds(1'800'000'000);

TEST(DrivenClockTest, StandsStillUntilSet) {
  DrivenClock clock(kNoon);
  EXPECT_EQ(clock.Now(), kNoon);
  clock.Advance(absl::Seconds(5));
  EXPECT_EQ(clock.Now(), kNoon + absl::Seconds(5));
  clock.Set(kNoon - absl::Hours(1));
  EXPECT_EQ(clock.Now(), kNoon - absl::Hours(1));
}

TEST(DrivenClockTest, AWaitEndsWhenItsTimeComes) {
  DrivenClock clock(kNoon);
  clock.WaitUntil(kNoon);  // at once
  std::thread waiting([&] { clock.WaitUntil(kNoon + absl::Hours(1)); });
  clock.Advance(absl::Hours(1));
  waiting.join();
}

TEST(ClockTest, WakeEndsAWaitOrTheNextOne) {
  DrivenClock driven(kNoon);
  GuardedClock guarded;
  for (Clock* clock : {static_cast<Clock*>(&driven), static_cast<Clock*>(&guarded)}) {
    clock->Wake();
    clock->WaitUntil(absl::InfiniteFuture());
    std::thread waiting([&] { clock->WaitUntil(absl::InfiniteFuture()); });
    clock->Wake();
    waiting.join();
  }
}

TEST(ClockTest, MicrosecondsRoundTrip) {
  EXPECT_EQ(ToMicros(absl::UnixEpoch() + absl::Microseconds(7)), 7);
  EXPECT_EQ(FromMicros(ToMicros(kNoon + absl::Nanoseconds(1'500))), kNoon + absl::Microseconds(1));
  EXPECT_EQ(ToMicros(FromMicros(-7)), -7);
}

}  // namespace
}  // namespace section55::base
