#include "libs/calendar/format.h"

#include <gtest/gtest.h>

namespace section55::calendar {
namespace {

TEST(FormatDate, WritesTheDayInWords) {
  EXPECT_EQ(FormatDate(absl::CivilDay(2020, 12, 17)), "17 December 2020");
  EXPECT_EQ(FormatDate(absl::CivilDay(2021, 2, 1)), "1 February 2021");
  EXPECT_EQ(FormatDateWithWeekday(absl::CivilDay(2020, 12, 17)), "Thursday 17 December 2020");
}

TEST(FormatDate, KnowsEveryMonthAndWeekday) {
  const char* months[] = {"January", "February", "March",     "April",   "May",      "June",
                          "July",    "August",   "September", "October", "November", "December"};
  for (int month = 1; month <= 12; ++month) {
    EXPECT_EQ(FormatDate(absl::CivilDay(2022, month, 3)), std::string("3 ") + months[month - 1] + " 2022");
  }
  const char* weekdays[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
  for (int i = 0; i < 7; ++i) {  // 1 August 2022 was a Monday.
    EXPECT_EQ(FormatDateWithWeekday(absl::CivilDay(2022, 8, 1 + i)),
              weekdays[i] + std::string(" ") + std::to_string(1 + i) + " August 2022");
  }
}

TEST(IsoDate, PadsWithZeros) {
  EXPECT_EQ(IsoDate(absl::CivilDay(2020, 12, 17)), "2020-12-17");
  EXPECT_EQ(IsoDate(absl::CivilDay(2021, 2, 1)), "2021-02-01");
  EXPECT_EQ(IsoDate(absl::CivilDay(33, 4, 3)), "0033-04-03");
}

TEST(FormatLondonInstant, NamesTheClockThatIsInForce) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  EXPECT_EQ(FormatLondonInstant(absl::FromCivil(absl::CivilSecond(2021, 2, 9, 10, 15, 30), utc)),
            "9 February 2021 at 10:15:30 GMT");
  EXPECT_EQ(FormatLondonInstant(absl::FromCivil(absl::CivilSecond(2021, 6, 9, 23, 5, 7), utc)),
            "10 June 2021 at 00:05:07 BST");
}

TEST(FormatLondonInstant, TellsTheHourThatOccursTwiceApart) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  EXPECT_EQ(FormatLondonInstant(absl::FromCivil(absl::CivilSecond(2021, 10, 31, 0, 30, 0), utc)),
            "31 October 2021 at 01:30:00 BST");
  EXPECT_EQ(FormatLondonInstant(absl::FromCivil(absl::CivilSecond(2021, 10, 31, 1, 30, 0), utc)),
            "31 October 2021 at 01:30:00 GMT");
}

TEST(FormatLondonInstant, CutsFractionsOfASecond) {
  const absl::Time instant = absl::FromCivil(absl::CivilSecond(2021, 2, 9, 10, 15, 30), absl::UTCTimeZone());
  EXPECT_EQ(FormatLondonInstant(instant + absl::Milliseconds(999)), "9 February 2021 at 10:15:30 GMT");
}

}  // namespace
}  // namespace section55::calendar
