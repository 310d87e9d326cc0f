// From a day to another: the one place where days, weeks and months are counted, for the law's rules and for an office's timetable.
//
// Every function is pure and safe to call from several threads.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/civil_time.h"
#include "libs/calendar/working_days.h"

namespace section55::calendar {

struct Period {
  enum class Unit { kDays, kWorkingDays, kWeeks, kMonths };

  int count = 0;  // negative: before the day it is counted from
  Unit unit = Unit::kDays;
  // Whether the day that it is counted from is day 1, as in "56 days beginning with"; otherwise the day after is day 1. For kDays alone.
  bool beginning_with = false;
  // Whether a last day on which nobody works is moved to the last working day before it. A statutory day never moves.
  bool falls_back = false;
};

// One step of the working: a sentence that can be shown as it is, and the same as data.
struct Step {
  enum class Kind {
    kStart,    // the day that is counted from
    kRule,     // which rule holds, and why
    kCount,    // how is counted
    kMoved,    // the last day is moved, and why
    kDue,      // the last day
    kNoDay,    // why there is none
    kRemark,   // what is worth knowing besides
    kToday,    // where today stands
    kStanding  // where the body stands
  };

  Kind kind = Kind::kRemark;
  std::string text;
  std::optional<absl::CivilDay> day;  // the day that the step arrives at, or is about

  bool operator==(const Step&) const = default;
};

// The last day of the period. A month later is the day of the same number, or the last of a month that has no such day: one month after
// 31 January is 28 or 29 February.
absl::CivilDay EndOf(const Period& period, absl::CivilDay start, const WorkingDays& working_days);

// The working of EndOf, from kStart to kDue. `event` is what happened on `start`: "The report was published".
std::vector<Step> ExplainPeriod(const Period& period, std::string_view event, absl::CivilDay start,
                                const WorkingDays& working_days);

// "56 days beginning with the day", "3 working days", "6 months", "2 weeks before".
std::string FormatPeriod(const Period& period);

// The number of `day` in a period beginning with `start`: 1 on that day itself, 0 on the day before and negative earlier still.
int DayNumber(absl::CivilDay start, absl::CivilDay day);

// "17 December 2020 is day 1, 31 December 2020 is day 15, 31 January 2021 is day 46 and 10 February 2021 is day 56." For first < last.
std::string CountByMonths(absl::CivilDay first, absl::CivilDay last);

}  // namespace section55::calendar
