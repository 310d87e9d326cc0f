// When the database is asked for the time, and what comes of the machine's clock being moved.
#include "libs/service/clock_watch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>

namespace section55::service {
namespace {

const absl::Time kNoon = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kSixtyDays = absl::Hours(24 * 60);

class ClockWatchTest : public ::testing::Test {
 protected:
  void Pass(absl::Duration time) {
    wall_ = wall_.load() + time;
    steady_ = steady_.load() + time;
  }
  void Jump(absl::Duration by) { wall_ = wall_.load() + by; }
  bool Look(bool database_answers = true) { return watch_.Look(steady_.load(), database_answers); }

  std::atomic<absl::Time> wall_ = kNoon;
  std::atomic<absl::Duration> steady_ = absl::Hours(5);
  base::GuardedClock clock_{{.wall = [this] { return wall_.load(); }, .steady = [this] { return steady_.load(); }}};
  int asked_ = 0;
  std::optional<absl::Time> database_says_;
  ClockWatch watch_{clock_, [this] {
                      ++asked_;
                      return database_says_;
                    }};
};

TEST_F(ClockWatchTest, AsksTheDatabaseOnceAMinute) {
  for (int second = 0; second < 120; ++second) {
    EXPECT_FALSE(Look());
    Pass(absl::Seconds(1));
  }
  EXPECT_EQ(asked_, 2);
}

TEST_F(ClockWatchTest, AsksAtEveryLookWhileThereIsDoubtAndNobodyWhoDoesNotAnswer) {
  Look();
  Jump(kSixtyDays);
  Look();
  Look();
  EXPECT_EQ(asked_, 3);
  EXPECT_TRUE(clock_.InDoubt());
  Look(/*database_answers=*/false);
  EXPECT_EQ(asked_, 3);
}

TEST_F(ClockWatchTest, ADatabaseThatAgreesConfirmsAJump) {
  Jump(kSixtyDays);
  Look();
  for (int second = 0; second < 120 && clock_.InDoubt(); ++second) {
    Pass(absl::Seconds(1));
    database_says_ = wall_.load();
    Look();
  }
  EXPECT_FALSE(clock_.InDoubt());
  EXPECT_EQ(clock_.Now(), wall_.load());
}

TEST_F(ClockWatchTest, SaysWhenTheClockWasSetBack) {
  Look();
  Jump(kSixtyDays);
  EXPECT_FALSE(Look()) << "ahead is not back";
  Jump(-kSixtyDays);
  EXPECT_TRUE(Look());
  EXPECT_FALSE(Look()) << "said once";
}

}  // namespace
}  // namespace section55::service
