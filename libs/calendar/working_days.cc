#include "libs/calendar/working_days.h"

#include <cstdlib>

namespace section55::calendar {
namespace {

bool IsWeekend(absl::CivilDay day) {
  const absl::Weekday weekday = absl::GetWeekday(day);
  return weekday == absl::Weekday::saturday || weekday == absl::Weekday::sunday;
}

}  // namespace

WorkingDays::WorkingDays(const std::vector<Holiday>& holidays) {
  for (const Holiday& holiday : holidays) {
    holidays_.emplace(holiday.day, holiday.title);
  }
}

const std::string* WorkingDays::HolidayOn(absl::CivilDay day) const {
  const auto found = holidays_.find(day);
  return found == holidays_.end() ? nullptr : &found->second;
}

bool WorkingDays::IsWorkingDay(absl::CivilDay day) const { return !IsWeekend(day) && HolidayOn(day) == nullptr; }

absl::CivilDay WorkingDays::OnOrBefore(absl::CivilDay day) const {
  while (!IsWorkingDay(day)) {
    --day;
  }
  return day;
}

absl::CivilDay WorkingDays::Add(absl::CivilDay day, int count) const {
  if (count == 0) {
    return OnOrBefore(day);
  }
  const int step = count > 0 ? 1 : -1;
  for (int left = std::abs(count); left > 0;) {
    day += step;
    left -= IsWorkingDay(day) ? 1 : 0;
  }
  return day;
}

std::optional<absl::CivilYear> WorkingDays::known_until() const {
  return holidays_.empty() ? std::nullopt : std::optional(absl::CivilYear(holidays_.rbegin()->first));
}

std::string WhyFree(const WorkingDays& working_days, absl::CivilDay day) {
  if (const std::string* const holiday = working_days.HolidayOn(day)) {
    return "a bank holiday (" + *holiday + ")";
  }
  switch (absl::GetWeekday(day)) {
    case absl::Weekday::saturday:
      return "a Saturday";
    case absl::Weekday::sunday:
      return "a Sunday";
    default:
      return "";
  }
}

}  // namespace section55::calendar
