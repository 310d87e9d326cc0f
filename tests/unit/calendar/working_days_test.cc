#include "libs/calendar/working_days.h"

#include <gtest/gtest.h>

namespace section55::calendar {
namespace {

WorkingDays Christmas2021() {
  // Christmas Day 2021 was a Saturday, so two substitute days followed.
  return WorkingDays({{absl::CivilDay(2022, 1, 3), "New Year’s Day"},
                      {absl::CivilDay(2021, 12, 27), "Christmas Day"},
                      {absl::CivilDay(2021, 12, 28), "Boxing Day"}});
}

TEST(WorkingDays, AreMondayToFridayButForBankHolidays) {
  const WorkingDays days = Christmas2021();
  EXPECT_TRUE(days.IsWorkingDay(absl::CivilDay(2021, 12, 24)));   // Friday
  EXPECT_FALSE(days.IsWorkingDay(absl::CivilDay(2021, 12, 25)));  // Saturday
  EXPECT_FALSE(days.IsWorkingDay(absl::CivilDay(2021, 12, 26)));  // Sunday
  EXPECT_FALSE(days.IsWorkingDay(absl::CivilDay(2021, 12, 27)));
  EXPECT_FALSE(days.IsWorkingDay(absl::CivilDay(2021, 12, 28)));
  EXPECT_TRUE(days.IsWorkingDay(absl::CivilDay(2021, 12, 29)));
  EXPECT_TRUE(WorkingDays().IsWorkingDay(absl::CivilDay(2021, 12, 27))) << "without a list only weekends are free";
}

TEST(WorkingDays, FallBackToTheLastOneBefore) {
  const WorkingDays days = Christmas2021();
  EXPECT_EQ(days.OnOrBefore(absl::CivilDay(2021, 12, 28)), absl::CivilDay(2021, 12, 24));
  EXPECT_EQ(days.OnOrBefore(absl::CivilDay(2021, 12, 29)), absl::CivilDay(2021, 12, 29));
  EXPECT_EQ(days.OnOrBefore(absl::CivilDay(2022, 1, 3)), absl::CivilDay(2021, 12, 31));
}

TEST(WorkingDays, AreCountedForwardsAndBackwards) {
  const WorkingDays days = Christmas2021();
  EXPECT_EQ(days.Add(absl::CivilDay(2021, 12, 24), 1), absl::CivilDay(2021, 12, 29));
  EXPECT_EQ(days.Add(absl::CivilDay(2021, 12, 25), 1), absl::CivilDay(2021, 12, 29));
  EXPECT_EQ(days.Add(absl::CivilDay(2021, 12, 24), 4), absl::CivilDay(2022, 1, 4));
  EXPECT_EQ(days.Add(absl::CivilDay(2021, 12, 29), -1), absl::CivilDay(2021, 12, 24));
  EXPECT_EQ(days.Add(absl::CivilDay(2021, 12, 28), 0), absl::CivilDay(2021, 12, 24));
}

TEST(WorkingDays, SayWhyADayIsFreeAndUntilWhenTheyKnow) {
  const WorkingDays days = Christmas2021();
  EXPECT_EQ(WhyFree(days, absl::CivilDay(2021, 12, 25)), "a Saturday");
  EXPECT_EQ(WhyFree(days, absl::CivilDay(2021, 12, 26)), "a Sunday");
  EXPECT_EQ(WhyFree(days, absl::CivilDay(2021, 12, 27)), "a bank holiday (Christmas Day)");
  EXPECT_EQ(WhyFree(days, absl::CivilDay(2021, 12, 29)), "");
  EXPECT_EQ(days.known_until(), absl::CivilYear(2022));
  EXPECT_EQ(WorkingDays().known_until(), std::nullopt);
}

}  // namespace
}  // namespace section55::calendar
