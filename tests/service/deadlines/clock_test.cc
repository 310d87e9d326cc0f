// What a machine's clock that jumps does to deadlines: nothing, until somebody confirms it.
#include "absl/time/clock.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "libs/base/guarded_clock.h"
#include "tests/service/deadlines/world.h"

namespace section55::deadlines {
namespace {

using section55::testing::IsOk;
using ::testing::Each;

constexpr absl::Duration kSixtyDays = absl::Hours(24 * 60);
const std::vector<std::string> kBodies = {"essex-pcc", "norfolk-pcc", "suffolk-pcc"};

class ClockJumpTest : public section55::testing::OnBothEngines {
 protected:
  ClockJumpTest()
      : OnBothEngines(Schemas()),
        wall_(London(2020, 12, 17, 9)),
        clock_({.wall = [this] { return wall_.load(); }, .steady = [this] { return steady_.load(); }}),
        world_(database(), clock_) {
    EXPECT_THAT(world_.FromRegistry(InspectionPublished("safe-to-share", absl::CivilDay(2020, 12, 17), kBodies)),
                IsOk());
    world_.jobs().Start();
  }
  ~ClockJumpTest() override { world_.jobs().Stop(); }

  void Pass(absl::Duration time) {
    wall_ = wall_.load() + time;
    steady_ = steady_.load() + time;
  }
  // The machine's clock is set, and whoever waits on it looks.
  void Jump(absl::Duration by) {
    wall_ = wall_.load() + by;
    clock_.Wake();
  }
  v1::Deadline::State StateOf(const std::string& body, const std::string& inspection) {
    return world_.Load(body, inspection).state();
  }
  // A deadline long past is MISSED as soon as the timer has a turn.
  bool TheTimerHasATurn() {
    const std::string marker = fmt::format("marker-{}", ++markers_);
    EXPECT_THAT(world_.FromRegistry(InspectionPublished(marker, absl::CivilDay(2018, 1, 1), {"norfolk-pcc"})), IsOk());
    const absl::Time end = absl::Now() + absl::Seconds(30);
    while (StateOf("norfolk-pcc", marker) != v1::Deadline::MISSED) {
      if (absl::Now() > end) {
        return false;
      }
    }
    return true;
  }
  // The timer takes them one by one.
  bool AllAreMissed() {
    const absl::Time end = absl::Now() + absl::Seconds(30);
    while (!std::ranges::all_of(States(), [](auto state) { return state == v1::Deadline::MISSED; })) {
      if (absl::Now() > end) {
        return false;
      }
    }
    return true;
  }
  std::vector<v1::Deadline::State> States() {
    std::vector<v1::Deadline::State> states;
    for (const std::string& body : kBodies) {
      states.push_back(StateOf(body, "safe-to-share"));
    }
    return states;
  }

  std::atomic<absl::Time> wall_;
  std::atomic<absl::Duration> steady_ = absl::Hours(1);
  base::GuardedClock clock_;
  World world_;
  int markers_ = 0;
};

TEST_P(ClockJumpTest, SixtyDaysForFourSecondsMissNothing) {
  ASSERT_TRUE(TheTimerHasATurn());
  Jump(kSixtyDays);
  clock_.Look(std::nullopt);
  // What happens meanwhile bears the time that it would have been.
  ASSERT_THAT(world_.FromRegistry(InspectionPublished("custody", absl::CivilDay(2020, 12, 17), {"kent-pcc"})), IsOk());
  EXPECT_EQ(base::FromTimestamp(world_.Load("kent-pcc", "custody").create_time()), London(2020, 12, 17, 9));
  Pass(absl::Seconds(4));
  Jump(-kSixtyDays);
  clock_.Look(std::nullopt);
  ASSERT_TRUE(TheTimerHasATurn());
  EXPECT_THAT(States(), Each(v1::Deadline::PENDING));
  EXPECT_EQ(StateOf("kent-pcc", "custody"), v1::Deadline::PENDING);
  for (const std::string& told : world_.Told()) {
    EXPECT_TRUE(told.find("marker") != std::string::npos || told.starts_with("Opened")) << told;
  }
  // And the day itself is not forgotten.
  Pass(kSixtyDays);
  clock_.Wake();
  EXPECT_TRUE(AllAreMissed());
}

TEST_P(ClockJumpTest, AJumpThatIsConfirmedCounts) {
  ASSERT_TRUE(TheTimerHasATurn());
  Jump(kSixtyDays);
  clock_.Look(std::nullopt);
  EXPECT_TRUE(clock_.Confirm());
  EXPECT_TRUE(AllAreMissed());
}

SECTION55_ON_BOTH_ENGINES(ClockJumpTest);

}  // namespace
}  // namespace section55::deadlines
