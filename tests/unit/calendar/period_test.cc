#include "libs/calendar/period.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace section55::calendar {
namespace {

using ::testing::ElementsAre;
using Unit = Period::Unit;

constexpr Period kFiftySix = {.count = 56, .unit = Unit::kDays, .beginning_with = true};

WorkingDays Easter2024() {
  return WorkingDays({{absl::CivilDay(2024, 3, 29), "Good Friday"}, {absl::CivilDay(2024, 4, 1), "Easter Monday"}});
}

std::vector<std::string> Sentences(const std::vector<Step>& steps) {
  std::vector<std::string> sentences;
  for (const Step& step : steps) {
    sentences.push_back(step.text);
  }
  return sentences;
}

TEST(EndOf, CountsTheFirstDayOnlyWhereThePeriodBeginsWithIt) {
  const absl::CivilDay published(2020, 12, 17);
  EXPECT_EQ(EndOf(kFiftySix, published, {}), absl::CivilDay(2021, 2, 10));
  EXPECT_EQ(EndOf({.count = 56}, published, {}), absl::CivilDay(2021, 2, 11));
  EXPECT_EQ(EndOf({.count = 1, .beginning_with = true}, published, {}), published);
  EXPECT_EQ(EndOf({.count = -7}, published, {}), absl::CivilDay(2020, 12, 10));
  EXPECT_EQ(EndOf({.count = 2, .unit = Unit::kWeeks}, published, {}), absl::CivilDay(2020, 12, 31));
}

TEST(EndOf, AMonthWithoutThatDayEndsOnItsLast) {
  const Period month = {.count = 1, .unit = Unit::kMonths};
  EXPECT_EQ(EndOf(month, absl::CivilDay(2023, 1, 31), {}), absl::CivilDay(2023, 2, 28));
  EXPECT_EQ(EndOf(month, absl::CivilDay(2024, 1, 31), {}), absl::CivilDay(2024, 2, 29));
  EXPECT_EQ(EndOf(month, absl::CivilDay(2023, 12, 31), {}), absl::CivilDay(2024, 1, 31));
  EXPECT_EQ(EndOf({.count = -1, .unit = Unit::kMonths}, absl::CivilDay(2023, 3, 31), {}), absl::CivilDay(2023, 2, 28));
}

TEST(EndOf, OnlyWhatFallsBackFallsBack) {
  const absl::CivilDay published(2024, 3, 2);  // Day 28 is Good Friday.
  Period period = {.count = 28, .unit = Unit::kDays, .beginning_with = true};
  EXPECT_EQ(EndOf(period, published, Easter2024()), absl::CivilDay(2024, 3, 29));
  period.falls_back = true;
  EXPECT_EQ(EndOf(period, published, Easter2024()), absl::CivilDay(2024, 3, 28));
}

// Days since 1 January 1900, by the rule of the Gregorian calendar and nothing else.
int Naive(int year, int month, int day) {
  const auto leap = [](int y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; };
  constexpr std::array<int, 12> kLengths = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int days = day;
  for (int y = 1900; y < year; ++y) {
    days += leap(y) ? 366 : 365;
  }
  for (int m = 1; m < month; ++m) {
    days += kLengths[m - 1] + (m == 2 && leap(year) ? 1 : 0);
  }
  return days;
}

TEST(EndOf, HoldsForEveryDayOfACentury) {
  int naive = Naive(2001, 1, 1);
  const auto number = [](absl::CivilDay day) { return Naive(static_cast<int>(day.year()), day.month(), day.day()); };
  for (absl::CivilDay day(2001, 1, 1); day < absl::CivilDay(2101, 1, 1); ++day, ++naive) {
    ASSERT_EQ(number(day), naive);
    ASSERT_EQ(number(EndOf(kFiftySix, day, {})), naive + 55) << day;
    ASSERT_EQ(DayNumber(day, EndOf(kFiftySix, day, {})), 56) << day;
    const absl::CivilDay half_year = EndOf({.count = 6, .unit = Unit::kMonths}, day, {});
    ASSERT_EQ((half_year.year() * 12 + half_year.month()) - (day.year() * 12 + day.month()), 6) << day;
    ASSERT_TRUE(half_year.day() == day.day() || (half_year + 1).day() == 1) << day;
    // So many working days forward and back again arrives on the last working day.
    const WorkingDays weekends;
    const absl::CivilDay later = weekends.Add(day, 10);
    ASSERT_TRUE(weekends.IsWorkingDay(later));
    ASSERT_EQ(weekends.Add(later, -10), weekends.OnOrBefore(day)) << day;
  }
}

TEST(ExplainPeriod, SaysWhyADayFallsBack) {
  const std::vector<Step> steps =
      ExplainPeriod({.count = 28, .unit = Unit::kDays, .beginning_with = true, .falls_back = true},
                    "The report was published", absl::CivilDay(2024, 3, 2), Easter2024());
  EXPECT_THAT(Sentences(steps),
              ElementsAre("The report was published on Saturday 2 March 2024.",
                          "Counting every calendar day: 2 March 2024 is day 1 and 29 March 2024 is day 28.",
                          "29 March 2024 is a bank holiday (Good Friday), so it falls back to Thursday 28 March 2024, "
                          "the last working day before it.",
                          "The due date is Thursday 28 March 2024."));
  EXPECT_EQ(steps[2].kind, Step::Kind::kMoved);
  EXPECT_EQ(steps[2].day, absl::CivilDay(2024, 3, 28));
}

TEST(ExplainPeriod, NamesTheBankHolidaysThatAreNotCounted) {
  EXPECT_THAT(Sentences(ExplainPeriod({.count = 3, .unit = Unit::kWorkingDays}, "The chief officer was invited",
                                      absl::CivilDay(2024, 3, 28), Easter2024())),
              ElementsAre("The chief officer was invited on Thursday 28 March 2024.",
                          "3 working days later is Thursday 4 April 2024; weekends and the bank holidays 29 March 2024 "
                          "(Good Friday) and 1 April 2024 (Easter Monday) are not counted.",
                          "The due date is Thursday 4 April 2024."));
}

TEST(ExplainPeriod, SaysWhenTheBankHolidaysOfAYearAreNotKnown) {
  EXPECT_THAT(Sentences(ExplainPeriod({.count = 2, .unit = Unit::kWeeks, .falls_back = true}, "It began",
                                      absl::CivilDay(2030, 1, 1), Easter2024())),
              ElementsAre("It began on Tuesday 1 January 2030.", "2 weeks later is Tuesday 15 January 2030.",
                          "The bank holidays of that year are not known here yet.",
                          "The due date is Tuesday 15 January 2030."));
}

TEST(ExplainPeriod, CountsBackwards) {
  EXPECT_THAT(Sentences(ExplainPeriod({.count = -7}, "It is to be published", absl::CivilDay(2024, 4, 26), {})),
              ElementsAre("It is to be published on Friday 26 April 2024.", "7 days earlier is Friday 19 April 2024.",
                          "The due date is Friday 19 April 2024."));
}

TEST(DayNumber, CountsFromOne) {
  const absl::CivilDay published(2020, 12, 17);
  EXPECT_EQ(DayNumber(published, published), 1);
  EXPECT_EQ(DayNumber(published, absl::CivilDay(2021, 2, 10)), 56);
  EXPECT_EQ(DayNumber(published, published - 1), 0);
  EXPECT_EQ(DayNumber(published, published - 10), -9);
}

TEST(FormatPeriod, ReadsAsOneWouldSayIt) {
  EXPECT_EQ(FormatPeriod(kFiftySix), "56 days beginning with the day");
  EXPECT_EQ(FormatPeriod({.count = 1, .unit = Unit::kMonths}), "1 month");
  EXPECT_EQ(FormatPeriod({.count = -3, .unit = Unit::kWorkingDays}), "3 working days before");
}

}  // namespace
}  // namespace section55::calendar
