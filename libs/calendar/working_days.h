// The days on which offices of England and Wales work: Monday to Friday, but for bank holidays.
//
// The list of bank holidays comes from outside (GOV.UK publishes it a few years ahead); what is later than its last year is not
// known, and there only weekends are told apart.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"

namespace section55::calendar {

struct Holiday {
  absl::CivilDay day;
  std::string title;  // "Christmas Day"
};

// Immutable; safe to call from several threads.
class WorkingDays {
 public:
  // Without bank holidays: only weekends are free.
  WorkingDays() = default;
  // In any order; of two on one day the first counts.
  explicit WorkingDays(const std::vector<Holiday>& holidays);

  // The title of the bank holiday on that day, or nullptr.
  const std::string* HolidayOn(absl::CivilDay day) const;
  bool IsWorkingDay(absl::CivilDay day) const;

  // The day itself when it is a working day, otherwise the last one before it.
  absl::CivilDay OnOrBefore(absl::CivilDay day) const;

  // The `count`-th working day after the day, whether or not that is one itself; before it when `count` is negative, and OnOrBefore when
  // it is 0. Takes time in proportion to `count`.
  absl::CivilDay Add(absl::CivilDay day, int count) const;

  // The last year whose bank holidays are known; nullopt when none are.
  std::optional<absl::CivilYear> known_until() const;

 private:
  std::map<absl::CivilDay, std::string> holidays_;
};

// Why nobody works on that day: "a Saturday", "a bank holiday (Christmas Day)"; empty on a working day.
std::string WhyFree(const WorkingDays& working_days, absl::CivilDay day);

}  // namespace section55::calendar
