#include "libs/calendar/rules.h"

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
  std::string_view commencement;  // ... by this instrument; empty for a practice, which holds for every day.
  Period period;
  std::string_view provision;
  std::string_view text;

  bool statutory() const { return !commencement.empty(); }
};

constexpr std::string_view kPractice = "Practice, not law";

// Versions of one rule stand together, oldest first.
constexpr std::array<Rule, 3> kRules = {{
    {kSection55Rule,
     absl::CivilDay(2017, 5, 2),
     "S.I. 2017/399, regulation 4(a)",
     {.count = 56, .unit = Period::Unit::kDays, .beginning_with = true},
     "Police Act 1996, section 55(5A)",
     "The local policing body must publish its comments, the chief officer's comments and its response to those "
     "comments before the end of 56 days beginning with the day on which the report is published."},
    {kThirtyDayPractice,
     absl::CivilDay(1996, 8, 22),
     "",
     {.count = 30, .unit = Period::Unit::kDays, .beginning_with = true},
     kPractice,
     "Before section 55 set a period, offices published their comments within about 30 days of the report."},
    {kSixMonthUpdate,
     absl::CivilDay(1996, 8, 22),
     "",
     {.count = 6, .unit = Period::Unit::kMonths},
     kPractice,
     "Six months after the report, the office says how far the actions have come."},
}};

// The version in force on the day, or the oldest if none was yet; nullptr for an unknown rule.
const Rule* FindRule(std::string_view id, absl::CivilDay publication_date) {
  const Rule* found = nullptr;
  for (const Rule& rule : kRules) {
    if (rule.id == id && (found == nullptr || rule.in_force_from <= publication_date)) {
      found = &rule;
    }
  }
  return found;
}

std::string KnownRules() {
  std::string known;
  std::string_view last;
  for (const Rule& rule : kRules) {
    if (rule.id != last) {
      known += std::string(rule.id) + ", ";
    }
    last = rule.id;
  }
  return known + std::string(kReportAsks);
}

Step Published(absl::CivilDay publication_date) {
  return {Step::Kind::kStart, "The report was published on " + FormatDateWithWeekday(publication_date) + ".",
          publication_date};
}

Step Due(absl::CivilDay due) {
  return {Step::Kind::kDue, "The due date is " + FormatDateWithWeekday(due) + ", to the end of that day in London.",
          due};
}

std::string WeekendRemark(absl::CivilDay due) {
  const absl::Weekday weekday = absl::GetWeekday(due);
  if (weekday == absl::Weekday::saturday || weekday == absl::Weekday::sunday) {
    return "The last day falls on a weekend. It does not move: the Act counts calendar days and makes no exception for "
           "weekends or bank holidays.";
  }
  return "The Act counts calendar days: the last day does not move for weekends or bank holidays.";
}

void ExplainStatute(const Rule& rule, absl::CivilDay publication_date, Explanation& explanation) {
  std::vector<Step>& steps = explanation.steps;
  if (publication_date < rule.in_force_from) {
    steps = {Published(publication_date),
             {Step::Kind::kRule,
              "The rule came into force on " + FormatDateWithWeekday(rule.in_force_from) + " (" +
                  std::string(rule.commencement) + ").",
              rule.in_force_from},
             {Step::Kind::kNoDay, "The report was published before the rule was in force, so it has no statutory day.",
              std::nullopt}};
    return;
  }
  const int count = rule.period.count;
  const std::string days = std::to_string(count);
  const absl::CivilDay due = EndOf(rule.period, publication_date, WorkingDays());
  const absl::CivilDay mistaken = publication_date + count;
  explanation.due_date = due;
  steps = {
      Published(publication_date),
      {Step::Kind::kRule,
       "The rule has been in force since " + FormatDate(rule.in_force_from) + " (" + std::string(rule.commencement) +
           "), so it applies.",
       rule.in_force_from},
      {Step::Kind::kCount,
       "The period is " + days +
           " days beginning with the day of publication, so that day is day 1 and the last day is " +
           std::to_string(count - 1) + " days later.",
       publication_date},
      {Step::Kind::kCount, "Counting every calendar day: " + CountByMonths(publication_date, due), due},
      Due(due),
      {Step::Kind::kRemark, WeekendRemark(due), due},
      {Step::Kind::kRemark,
       "Adding " + days + " days to the date of publication is a common mistake: it gives " +
           FormatDateWithWeekday(mistaken) + ", which is day " + std::to_string(DayNumber(publication_date, mistaken)) +
           " and late by " + std::to_string(LateByDays(due, mistaken)) + " day.",
       mistaken}};
}

void ExplainPractice(const Rule& rule, absl::CivilDay publication_date, Explanation& explanation) {
  explanation.due_date = EndOf(rule.period, publication_date, WorkingDays());
  explanation.steps = ExplainPeriod(rule.period, "The report was published", publication_date, WorkingDays());
  explanation.steps.push_back(
      {Step::Kind::kRemark, "This is a practice and no law: nothing is late in law because of it.", std::nullopt});
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
                          .statutory = rule->statutory(),
                          .due_date = std::nullopt,
                          .steps = {}};
  if (rule->statutory()) {
    ExplainStatute(*rule, publication_date, explanation);
  } else {
    ExplainPractice(*rule, publication_date, explanation);
  }
  return explanation;
}

Explanation ExplainAsked(const Asked& asked, absl::CivilDay publication_date) {
  Explanation explanation{.rule_id = std::string(kReportAsks),
                          .rule_version = IsoDate(publication_date),
                          .provision = "The report's own words",
                          .rule_text = asked.words.empty() ? "The report itself says by when."
                                                           : "The report itself says by when: \"" + asked.words + "\".",
                          .statutory = false,
                          .due_date = std::nullopt,
                          .steps = {Published(publication_date)}};
  std::vector<Step>& steps = explanation.steps;
  absl::CivilDay due = publication_date;
  switch (asked.precision) {
    case Asked::Precision::kImmediate:
      steps.push_back({Step::Kind::kCount, "It asks for this at once, which is the day of publication.", due});
      break;
    case Asked::Precision::kDay:
      due = asked.date;
      steps.push_back({Step::Kind::kCount, "It names the day.", due});
      break;
    case Asked::Precision::kMonth:
      due = absl::CivilDay(absl::CivilMonth(asked.date) + 1) - 1;
      steps.push_back({Step::Kind::kCount, "It names a month alone, so that month's last day counts.", due});
      break;
    case Asked::Precision::kWithin:
      due = EndOf(asked.within, publication_date, WorkingDays());
      steps = ExplainPeriod(asked.within, "The report was published", publication_date, WorkingDays());
      steps.pop_back();
      break;
  }
  explanation.due_date = due;
  steps.push_back(Due(due));
  if (due < publication_date) {
    steps.push_back({Step::Kind::kRemark, "That day lay before the report's publication.", due});
  }
  return explanation;
}

int LateByDays(absl::CivilDay due_date, absl::CivilDay done_on) {
  return std::max(0, static_cast<int>(done_on - due_date));
}

int DaysLeft(absl::CivilDay due_date, absl::CivilDay today) { return static_cast<int>(due_date - today); }

}  // namespace section55::calendar
