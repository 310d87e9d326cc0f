// Dates between protobuf and ours.
#include "libs/base/proto_time.h"

#include <gtest/gtest.h>

namespace section55::base {
namespace {

google::type::Date Date(int year, int month, int day) {
  google::type::Date date;
  date.set_year(year);
  date.set_month(month);
  date.set_day(day);
  return date;
}

TEST(ToCivilDay, TakesFullAndRealDatesOnly) {
  EXPECT_EQ(ToCivilDay(Date(2020, 12, 17)), absl::CivilDay(2020, 12, 17));
  EXPECT_EQ(ToCivilDay(Date(2024, 2, 29)), absl::CivilDay(2024, 2, 29));
  for (const auto& date : {Date(2021, 2, 29), Date(2021, 4, 31), Date(2021, 13, 1), Date(2021, 1, 0), Date(0, 1, 1),
                           Date(2021, 0, 5), Date(10000, 1, 1), Date(2021, -1, 1)}) {
    EXPECT_EQ(ToCivilDay(date), std::nullopt) << date.ShortDebugString();
  }
}

TEST(IsMonth, IsAYearAndAMonthOnly) {
  EXPECT_TRUE(IsMonth(Date(2024, 1, 0)));
  EXPECT_FALSE(IsMonth(Date(2024, 1, 1)));
  EXPECT_FALSE(IsMonth(Date(2024, 0, 0)));
  EXPECT_FALSE(IsMonth(Date(2024, 13, 0)));
  EXPECT_FALSE(IsMonth(Date(0, 1, 0)));
}

TEST(ToTimestamp, KeepsMicrosecondsAlsoBefore1970) {
  for (const int64_t micros : {int64_t{0}, int64_t{1608195600123456}, int64_t{-1}, int64_t{-1000001}}) {
    const absl::Time time = absl::FromUnixMicros(micros);
    EXPECT_EQ(FromTimestamp(ToTimestamp(time)), time);
    EXPECT_GE(ToTimestamp(time).nanos(), 0);
  }
}

}  // namespace
}  // namespace section55::base
