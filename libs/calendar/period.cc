#include "libs/calendar/period.h"

#include <algorithm>
#include <cstdlib>

#include "libs/calendar/format.h"

namespace section55::calendar {
namespace {

absl::CivilDay LastDayOfMonth(absl::CivilDay day) { return absl::CivilDay(absl::CivilMonth(day) + 1) - 1; }

absl::CivilDay AddMonths(absl::CivilDay day, int months) {
  const absl::CivilDay first(absl::CivilMonth(day) + months);
  return std::min(first + (day.day() - 1), LastDayOfMonth(first));
}

// Where the count arrives, before any falling back.
absl::CivilDay Counted(const Period& period, absl::CivilDay start, const WorkingDays& working_days) {
  switch (period.unit) {
    case Period::Unit::kDays:
      return start + (period.count - (period.beginning_with ? 1 : 0));
    case Period::Unit::kWorkingDays:
      return working_days.Add(start, period.count);
    case Period::Unit::kWeeks:
      return start + 7 * period.count;
    case Period::Unit::kMonths:
      return AddMonths(start, period.count);
  }
  return start;  // Not reached: the enumeration is complete.
}

std::string_view UnitName(Period::Unit unit) {
  switch (unit) {
    case Period::Unit::kDays:
      return "day";
    case Period::Unit::kWorkingDays:
      return "working day";
    case Period::Unit::kWeeks:
      return "week";
    case Period::Unit::kMonths:
      return "month";
  }
  return "";  // Not reached: the enumeration is complete.
}

std::string Plural(int count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

// " and the bank holidays 29 March 2024 (Good Friday) and 1 April 2024 (Easter Monday)"; empty when there are none.
std::string HolidaysBetween(absl::CivilDay one, absl::CivilDay other, const WorkingDays& working_days) {
  std::vector<std::string> holidays;
  for (absl::CivilDay day = std::min(one, other); day <= std::max(one, other); ++day) {
    if (const std::string* const title = working_days.HolidayOn(day)) {
      holidays.push_back(FormatDate(day) + " (" + *title + ")");
    }
  }
  std::string text = holidays.size() > 1 ? " and the bank holidays " : " and the bank holiday ";
  for (size_t i = 0; i < holidays.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == holidays.size() ? " and " : ", ") + holidays[i];
  }
  return holidays.empty() ? "" : text;
}

// How the count was made, in a sentence.
std::string HowCounted(const Period& period, absl::CivilDay start, absl::CivilDay counted,
                       const WorkingDays& working_days) {
  const std::string arrives = FormatDateWithWeekday(counted);
  if (period.unit == Period::Unit::kDays && period.beginning_with) {
    if (counted <= start) {
      return FormatDate(start) + " is day 1, so that day " + std::to_string(period.count) + " is " + arrives + ".";
    }
    return "Counting every calendar day: " + CountByMonths(start, counted);
  }
  if (period.count == 0) {
    return "It is the same day.";
  }
  std::string sentence = Plural(std::abs(period.count), UnitName(period.unit)) +
                         (period.count > 0 ? " later is " : " earlier is ") + arrives;
  if (period.unit == Period::Unit::kMonths && counted.day() != start.day()) {
    sentence = Plural(std::abs(period.count), "month") + (period.count > 0 ? " later" : " earlier") +
               " there is no day " + std::to_string(start.day()) + " in the month, so its last day counts: " + arrives;
  }
  if (period.unit == Period::Unit::kWorkingDays) {
    sentence += "; weekends" + HolidaysBetween(start, counted, working_days) + " are not counted";
  }
  return sentence + ".";
}

}  // namespace

absl::CivilDay EndOf(const Period& period, absl::CivilDay start, const WorkingDays& working_days) {
  const absl::CivilDay counted = Counted(period, start, working_days);
  return period.falls_back ? working_days.OnOrBefore(counted) : counted;
}

std::vector<Step> ExplainPeriod(const Period& period, std::string_view event, absl::CivilDay start,
                                const WorkingDays& working_days) {
  const absl::CivilDay counted = Counted(period, start, working_days);
  const absl::CivilDay end = EndOf(period, start, working_days);
  std::vector<Step> steps = {
      {Step::Kind::kStart, std::string(event) + " on " + FormatDateWithWeekday(start) + ".", start},
      {Step::Kind::kCount, HowCounted(period, start, counted, working_days), counted}};
  if (end != counted) {
    steps.push_back({Step::Kind::kMoved,
                     FormatDate(counted) + " is " + WhyFree(working_days, counted) + ", so it falls back to " +
                         FormatDateWithWeekday(end) + ", the last working day before it.",
                     end});
  }
  const std::optional<absl::CivilYear> known = working_days.known_until();
  if (period.falls_back && (!known || absl::CivilYear(counted) > *known)) {
    steps.push_back({Step::Kind::kRemark, "The bank holidays of that year are not known here yet.", std::nullopt});
  }
  steps.push_back({Step::Kind::kDue, "The due date is " + FormatDateWithWeekday(end) + ".", end});
  return steps;
}

std::string FormatPeriod(const Period& period) {
  if (period.unit == Period::Unit::kDays && period.beginning_with) {
    return Plural(period.count, "day") + " beginning with the day";
  }
  return Plural(std::abs(period.count), UnitName(period.unit)) + (period.count < 0 ? " before" : "");
}

int DayNumber(absl::CivilDay start, absl::CivilDay day) { return static_cast<int>(day - start) + 1; }

std::string CountByMonths(absl::CivilDay first, absl::CivilDay last) {
  std::string counted = FormatDate(first) + " is day 1";
  const auto count = [&](std::string_view joint, absl::CivilDay day) {
    counted += std::string(joint) + FormatDate(day) + " is day " + std::to_string(DayNumber(first, day));
  };
  absl::CivilDay end = LastDayOfMonth(first);
  if (end == first) {
    end = LastDayOfMonth(first + 1);
  }
  for (; end < last; end = LastDayOfMonth(end + 1)) {
    count(", ", end);
  }
  count(" and ", last);
  return counted + ".";
}

}  // namespace section55::calendar
