// The statutory clock, which shows its working.
//
// Police Act 1996, section 55(5A) (inserted by the Policing and Crime Act 2017, section 37; in force from 2 May 2017 by
// S.I. 2017/399, regulation 4(a)): everything that section 55(5) requires is published before the end of the period of
// 56 days BEGINNING WITH the day on which the report is published. The day of publication is day 1, so the last lawful
// day is day 56: publication + 55 days. Calendar days, London dates; no extension, no pause, and no roll-forward for
// weekends or bank holidays.
//
// Every function is pure and safe to call from several threads. Days are civil days in London: see london.h for
// instants.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"

namespace section55::calendar {

// The id of the 56-day rule.
inline constexpr std::string_view kSection55Rule = "section-55-5a";

// A due date with all of its working, in plain English sentences that can be shown as they are.
struct Explanation {
  std::string rule_id;       // As asked for.
  std::string rule_version;  // ISO date from which this version of the rule has been in force: "2017-05-02".
  std::string provision;     // "Police Act 1996, section 55(5A)".
  std::string rule_text;     // The rule in our own words, not the text of the Act.
  // The last lawful day; nullopt if the report has no statutory day, and then the last step says why.
  std::optional<absl::CivilDay> due_date;
  std::vector<std::string> steps;  // In order; never empty. One sentence or two each.
};

// Applies the rule to a report published on `publication_date` (any day; years 1 to 9999 read well).
// Errors: NOT_FOUND, naming the rules that are known.
absl::StatusOr<Explanation> Explain(std::string_view rule_id, absl::CivilDay publication_date);

// The number of `day` in a period beginning with `publication_date`: 1 on that day itself, 56 on the last lawful day, 0
// on the day before publication and negative earlier still.
int DayNumber(absl::CivilDay publication_date, absl::CivilDay day);

// By how many days something done on `done_on` misses `due_date`: 0 when in time, 1 on the day after.
int LateByDays(absl::CivilDay due_date, absl::CivilDay done_on);

// How many days are left on `today`, not counting today: 0 on the due date itself, negative once it has passed.
int DaysLeft(absl::CivilDay due_date, absl::CivilDay today);

}  // namespace section55::calendar
