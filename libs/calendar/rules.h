// The rules by which days are set for a response, and their working.
//
// Police Act 1996, section 55(5A) (inserted by the Policing and Crime Act 2017, section 37; in force from 2 May 2017 by
// S.I. 2017/399, regulation 4(a)): everything that section 55(5) requires is published before the end of the period of
// 56 days BEGINNING WITH the day on which the report is published. The day of publication is day 1, so the last lawful
// day is day 56: publication + 55 days. Calendar days, London dates; no extension, no pause, and no roll-forward for
// weekends or bank holidays.
//
// The other rules are no law, and say so: what offices did before, what a report asks, what is usual after six months.
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
#include "libs/calendar/period.h"

namespace section55::calendar {

// The 56-day rule.
inline constexpr std::string_view kSection55Rule = "section-55-5a";
// The practice of offices before it, and for longer on some offices' web pages: 30 days. Never a statutory day.
inline constexpr std::string_view kThirtyDayPractice = "thirty-day-practice";
// An update six months after the report. Practice, which some reports ask for.
inline constexpr std::string_view kSixMonthUpdate = "six-month-update";
// By when the report itself asks: see ExplainAsked.
inline constexpr std::string_view kReportAsks = "report-asks";

// A due date with all of its working, in plain English sentences that can be shown as they are.
struct Explanation {
  std::string rule_id;       // As asked for.
  std::string rule_version;  // ISO date from which this version of the rule has been in force: "2017-05-02".
  std::string provision;     // "Police Act 1996, section 55(5A)", or "Practice".
  std::string rule_text;     // The rule in our own words, not the text of the Act.
  bool statutory = false;    // Whether the law sets the day.
  // The last day on which it is in time; nullopt if there is none, and then the last step says why.
  std::optional<absl::CivilDay> due_date;
  std::vector<Step> steps;  // In order; never empty. One sentence or two each.
};

// Applies a rule to a report published on `publication_date` (any day; years 1 to 9999 read well). Not for kReportAsks.
// Errors: NOT_FOUND, naming the rules that are known.
absl::StatusOr<Explanation> Explain(std::string_view rule_id, absl::CivilDay publication_date);

// What a report asks for.
struct Asked {
  enum class Precision { kImmediate, kDay, kMonth, kWithin };

  Precision precision = Precision::kImmediate;
  absl::CivilDay date = {};  // kDay; kMonth: any day of the month
  Period within = {};        // kWithin, counted from the report's publication
  std::string words = {};    // As printed: "by January 2024". May be empty.
};

// kReportAsks for a report published on `publication_date`: immediate is the day of publication itself, a month its last day. A day
// before publication is kept as it is, and a step says so.
Explanation ExplainAsked(const Asked& asked, absl::CivilDay publication_date);

// By how many days something done on `done_on` misses `due_date`: 0 when in time, 1 on the day after.
int LateByDays(absl::CivilDay due_date, absl::CivilDay done_on);

// How many days are left on `today`, not counting today: 0 on the due date itself, negative once it has passed.
int DaysLeft(absl::CivilDay due_date, absl::CivilDay today);

}  // namespace section55::calendar
