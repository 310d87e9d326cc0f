#include "libs/calendar/london.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace section55::calendar {
namespace {

absl::Time Utc(int year, int month, int day, int hour, int minute, int second) {
  return absl::FromCivil(absl::CivilSecond(year, month, day, hour, minute, second), absl::UTCTimeZone());
}

TEST(LondonDay, IsTheUtcDayInWinter) {
  EXPECT_EQ(LondonDay(Utc(2021, 2, 10, 0, 0, 0)), absl::CivilDay(2021, 2, 10));
  EXPECT_EQ(LondonDay(Utc(2021, 2, 10, 23, 59, 59)), absl::CivilDay(2021, 2, 10));
}

TEST(LondonDay, ChangesAnHourEarlierInSummer) {
  EXPECT_EQ(LondonDay(Utc(2021, 6, 15, 22, 59, 59)), absl::CivilDay(2021, 6, 15));
  EXPECT_EQ(LondonDay(Utc(2021, 6, 15, 23, 0, 0)), absl::CivilDay(2021, 6, 16));
  EXPECT_EQ(LondonDay(Utc(2021, 6, 15, 23, 30, 0)), absl::CivilDay(2021, 6, 16));
}

TEST(StartOfLondonDay, FollowsTheClockChanges) {
  EXPECT_EQ(StartOfLondonDay(absl::CivilDay(2021, 2, 11)), Utc(2021, 2, 11, 0, 0, 0));
  EXPECT_EQ(StartOfLondonDay(absl::CivilDay(2021, 6, 16)), Utc(2021, 6, 15, 23, 0, 0));
  // Spring: the clocks went forward on 28 March 2021, a day of 23 hours.
  EXPECT_EQ(StartOfLondonDay(absl::CivilDay(2021, 3, 28)), Utc(2021, 3, 28, 0, 0, 0));
  EXPECT_EQ(StartOfLondonDay(absl::CivilDay(2021, 3, 29)), Utc(2021, 3, 28, 23, 0, 0));
  // Autumn: they went back on 31 October 2021, a day of 25 hours.
  EXPECT_EQ(StartOfLondonDay(absl::CivilDay(2021, 10, 31)), Utc(2021, 10, 30, 23, 0, 0));
  EXPECT_EQ(StartOfLondonDay(absl::CivilDay(2021, 11, 1)), Utc(2021, 11, 1, 0, 0, 0));
}

TEST(StartOfLondonDay, IsTheFirstInstantOfEveryDay) {
  for (absl::CivilDay day(2020, 1, 1); day < absl::CivilDay(2022, 1, 1); ++day) {
    ASSERT_EQ(LondonDay(StartOfLondonDay(day)), day);
    ASSERT_EQ(LondonDay(StartOfLondonDay(day) - absl::Nanoseconds(1)), day - 1);
  }
}

TEST(MissedFrom, IsMidnightAfterTheDueDate) {
  EXPECT_EQ(MissedFrom(absl::CivilDay(2021, 2, 10)), Utc(2021, 2, 11, 0, 0, 0));
  EXPECT_EQ(MissedFrom(absl::CivilDay(2017, 6, 26)), Utc(2017, 6, 26, 23, 0, 0));
}

TEST(CheckTimeZone, IsOkOnThisMachine) { EXPECT_TRUE(CheckTimeZone().ok()) << CheckTimeZone(); }

// These run in a process of their own ("threadsafe" starts the test program anew), where no zone has been loaded yet.
TEST(CheckTimeZoneDeathTest, SaysWhatToInstall) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        setenv("TZDIR", "/nonexistent", 1);
        const absl::Status status = CheckTimeZone();
        std::fprintf(stderr, "%s\n", status.ToString().c_str());
        std::exit(status.code() == absl::StatusCode::kFailedPrecondition ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "install the package tzdata");
}

TEST(CheckTimeZoneDeathTest, NoDateIsGivenWithoutAZone) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        setenv("TZDIR", "/nonexistent", 1);
        LondonDay(absl::UnixEpoch());
      },
      "install the package tzdata");
}

}  // namespace
}  // namespace section55::calendar
