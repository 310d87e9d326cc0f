#include "libs/calendar/statutory.h"

#include <algorithm>
#include <array>

#include "absl/status/status.h"
#include "libs/calendar/format.h"

namespace section55::calendar {
namespace {

// One version of one rule. A change in the law is a new row, so that a report of an earlier day keeps the rule of its
// day.
struct Rule {
  std::string_view id;
  absl::CivilDay in_force_from;   // Applies to reports published on or after this day ...
  std::string_view commencement;  // ... by this instrument.
  int days;                       // The length of the period that begins with the day of publication.
  std::string_view provision;
  std::string_view text;
};

// Versions of one rule stand together, oldest first.
constexpr std::array<Rule, 1> kRules = {{
    {kSection55Rule, absl::CivilDay(2017, 5, 2), "S.I. 2017/399, regulation 4(a)", 56,
     "Police Act 1996, section 55(5A)",
     "The local policing body must publish its comments, the chief officer's comments and its response to those "
     "comments "
     "before the end of 56 days beginning with the day on which the report is published."},
}};

// The version in force on the day, or the oldest if none was yet; nullptr for an unknown rule.
const Rule* FindRule(std::string_view id, absl::CivilDay publication_date) {
  const Rule* found = nullptr;
  for (const Rule& rule : kRules) {
    if (rule.id == id && (found == nullptr || rule.in_force_from <= publication_date)) found = &rule;
  }
  return found;
}

std::string KnownRules() {
  std::string known;
  std::string_view last;
  for (const Rule& rule : kRules) {
    if (rule.id == last) continue;
    known += (known.empty() ? "" : ", ") + std::string(rule.id);
    last = rule.id;
  }
  return known;
}

absl::CivilDay LastDayOfMonth(absl::CivilDay day) { return absl::CivilDay(absl::CivilMonth(day) + 1) - 1; }

// "17 December 2020 is day 1, 31 December 2020 is day 15, 31 January 2021 is day 46 and 10 February 2021 is day 56."
std::string CountByMonths(absl::CivilDay first, absl::CivilDay last) {
  std::string counted = "Counting every calendar day: " + FormatDate(first) + " is day 1";
  const auto count = [&](std::string_view joint, absl::CivilDay day) {
    counted += std::string(joint) + FormatDate(day) + " is day " + std::to_string(DayNumber(first, day));
  };
  absl::CivilDay end = LastDayOfMonth(first);
  if (end == first) end = LastDayOfMonth(first + 1);
  for (; end < last; end = LastDayOfMonth(end + 1)) count(", ", end);
  count(" and ", last);
  return counted + ".";
}

std::string WeekendRemark(absl::CivilDay due) {
  const absl::Weekday weekday = absl::GetWeekday(due);
  if (weekday == absl::Weekday::saturday || weekday == absl::Weekday::sunday) {
    return "The last day falls on a weekend. It does not move: the Act counts calendar days and makes no exception for "
           "weekends or bank holidays.";
  }
  return "The Act counts calendar days: the last day does not move for weekends or bank holidays.";
}

}  // namespace

absl::StatusOr<Explanation> Explain(std::string_view rule_id, absl::CivilDay publication_date) {
  const Rule* rule = FindRule(rule_id, publication_date);
  if (rule == nullptr) {
    return absl::NotFoundError("There is no rule \"" + std::string(rule_id) +
                               "\"; the rules known are: " + KnownRules() + ".");
  }
  Explanation explanation{.rule_id = std::string(rule->id),
                          .rule_version = IsoDate(rule->in_force_from),
                          .provision = std::string(rule->provision),
                          .rule_text = std::string(rule->text),
                          .due_date = std::nullopt,
                          .steps = {}};
  std::vector<std::string>& steps = explanation.steps;
  const std::string published = "The report was published on " + FormatDateWithWeekday(publication_date) + ".";

  if (publication_date < rule->in_force_from) {
    steps = {published,
             "The rule came into force on " + FormatDateWithWeekday(rule->in_force_from) + " (" +
                 std::string(rule->commencement) + ").",
             "The report was published before the rule was in force, so it has no statutory day."};
    return explanation;
  }

  const std::string days = std::to_string(rule->days);
  const absl::CivilDay due = publication_date + (rule->days - 1);
  const absl::CivilDay mistaken = publication_date + rule->days;
  explanation.due_date = due;
  steps = {published,
           "The rule has been in force since " + FormatDate(rule->in_force_from) + " (" +
               std::string(rule->commencement) + "), so it applies.",
           "The period is " + days +
               " days beginning with the day of publication, so that day is day 1 and the last day is " +
               std::to_string(rule->days - 1) + " days later.",
           CountByMonths(publication_date, due),
           "The due date is " + FormatDateWithWeekday(due) + ", to the end of that day in London.",
           WeekendRemark(due),
           "Adding " + days + " days to the date of publication is a common mistake: it gives " +
               FormatDateWithWeekday(mistaken) + ", which is day " +
               std::to_string(DayNumber(publication_date, mistaken)) + " and late by " +
               std::to_string(LateByDays(due, mistaken)) + " day."};
  return explanation;
}

int DayNumber(absl::CivilDay publication_date, absl::CivilDay day) {
  return static_cast<int>(day - publication_date) + 1;
}

int LateByDays(absl::CivilDay due_date, absl::CivilDay done_on) {
  return std::max(0, static_cast<int>(done_on - due_date));
}

int DaysLeft(absl::CivilDay due_date, absl::CivilDay today) { return static_cast<int>(due_date - today); }

}  // namespace section55::calendar
