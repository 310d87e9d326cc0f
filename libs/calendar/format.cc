#include "libs/calendar/format.h"

#include <array>
#include <cstdint>

#include "libs/calendar/london.h"

namespace section55::calendar {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};

std::string_view WeekdayName(absl::CivilDay day) {
  switch (absl::GetWeekday(day)) {
    case absl::Weekday::monday:
      return "Monday";
    case absl::Weekday::tuesday:
      return "Tuesday";
    case absl::Weekday::wednesday:
      return "Wednesday";
    case absl::Weekday::thursday:
      return "Thursday";
    case absl::Weekday::friday:
      return "Friday";
    case absl::Weekday::saturday:
      return "Saturday";
    case absl::Weekday::sunday:
      return "Sunday";
  }
  return "";  // Not reached: the enumeration is complete.
}

// At least `width` digits, with leading zeros.
std::string Padded(std::int64_t number, std::size_t width) {
  std::string digits = std::to_string(number);
  return digits.size() >= width ? digits : std::string(width - digits.size(), '0') + digits;
}

}  // namespace

std::string FormatDate(absl::CivilDay day) {
  return std::to_string(day.day()) + " " + std::string(kMonths[day.month() - 1]) + " " + std::to_string(day.year());
}

std::string FormatDateWithWeekday(absl::CivilDay day) { return std::string(WeekdayName(day)) + " " + FormatDate(day); }

std::string IsoDate(absl::CivilDay day) {
  return Padded(day.year(), 4) + "-" + Padded(day.month(), 2) + "-" + Padded(day.day(), 2);
}

std::string FormatLondonInstant(absl::Time instant) {
  const absl::TimeZone::CivilInfo london = LondonTimeZone().At(instant);
  return FormatDate(absl::CivilDay(london.cs)) + " at " + Padded(london.cs.hour(), 2) + ":" +
         Padded(london.cs.minute(), 2) + ":" + Padded(london.cs.second(), 2) + " " + london.zone_abbr;
}

}  // namespace section55::calendar
