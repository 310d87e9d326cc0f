#include "libs/calendar/format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"

namespace section55::calendar {
namespace {

using ::testing::HasSubstr;

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

TEST(ParseIsoDate, ReadsWhatIsoDateWrites) {
  for (absl::CivilDay day(2019, 12, 1); day < absl::CivilDay(2021, 3, 2); ++day) {
    ASSERT_EQ(ParseIsoDate(IsoDate(day)).value(), day);
  }
  EXPECT_EQ(ParseIsoDate("0001-01-01").value(), absl::CivilDay(1, 1, 1));
  EXPECT_EQ(ParseIsoDate("9999-12-31").value(), absl::CivilDay(9999, 12, 31));
  EXPECT_EQ(ParseIsoDate("2020-02-29").value(), absl::CivilDay(2020, 2, 29));
}

TEST(ParseIsoDate, RejectsADayThatDoesNotExist) {
  for (const char* text : {"2021-02-29", "1900-02-29", "2021-04-31", "2021-13-01", "2021-00-10", "2021-01-00"}) {
    const auto parsed = ParseIsoDate(text);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(parsed.status().message()), HasSubstr(text));
    EXPECT_THAT(std::string(parsed.status().message()), HasSubstr("not a day in the calendar"));
  }
}

TEST(ParseIsoDate, RejectsEveryOtherShape) {
  for (const char* text : {"", "2021", "2021-2-09", "2021-02-9", "21-02-09", "2021/02/09", "09-02-2021", "2021-02-09 ",
                           " 2021-02-09", "2021-02-09T00:00", "+021-02-09", "2021-0a-09", "2021--2-09", "0000-01-01",
                           "-021-02-09", "20210209", "2021-02-0٩"}) {
    const auto parsed = ParseIsoDate(text);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(parsed.status().message()), HasSubstr("YYYY-MM-DD")) << text;
  }
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
