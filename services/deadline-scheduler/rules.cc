#include "services/deadline-scheduler/rules.h"

#include <fmt/format.h>

#include "libs/base/checks.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/calendar/format.h"
#include "libs/calendar/london.h"
#include "libs/calendar/rules.h"

namespace section55::deadlines::rules {
namespace {

using base::Violations;
using registry::v1::Inspection;

constexpr size_t kLongestReason = 1000;
constexpr int kLastYear = 9999;  // of google.type.Date

std::string Days(int count) { return fmt::format("{} day{}", count, count == 1 ? "" : "s"); }

absl::CivilDay Day(const google::type::Date& date) {
  // What is stored was a day when it was stored.
  return base::ToCivilDay(date).value_or(absl::CivilDay());
}

std::string ExplainToday(absl::CivilDay published, absl::CivilDay due, absl::CivilDay today) {
  const int number = calendar::DayNumber(published, today);
  const int left = calendar::DaysLeft(due, today);
  const int all = calendar::DayNumber(published, due);
  const std::string date = calendar::FormatDate(today);
  if (number < 1) {
    return fmt::format("Today, {}, is {} before day 1.", date, Days(1 - number));
  }
  if (left < 0) {
    return fmt::format("Today, {}, is day {}; the last of the {} days has passed {} ago.", date, number, all,
                       Days(-left));
  }
  return fmt::format("Today, {}, is day {} of {}, {} left.", date, number, all, Days(left));
}

v1::Step::Kind KindOf(calendar::Step::Kind kind) {
  switch (kind) {
    case calendar::Step::Kind::kStart:
      return v1::Step::START;
    case calendar::Step::Kind::kRule:
      return v1::Step::RULE;
    case calendar::Step::Kind::kCount:
      return v1::Step::COUNT;
    case calendar::Step::Kind::kMoved:
      return v1::Step::MOVED;
    case calendar::Step::Kind::kDue:
      return v1::Step::DUE;
    case calendar::Step::Kind::kNoDay:
      return v1::Step::NO_DAY;
    case calendar::Step::Kind::kRemark:
      return v1::Step::REMARK;
    case calendar::Step::Kind::kToday:
      return v1::Step::TODAY;
    case calendar::Step::Kind::kStanding:
      return v1::Step::STANDING;
  }
  return v1::Step::KIND_UNSPECIFIED;  // Not reached: the enumeration is complete.
}

// Why a report of this basis has no day under the rule.
std::string WhyNotStatutory(Inspection::Basis basis) {
  return basis == Inspection::VOLUNTARY
             ? "The response to this report is voluntary: section 55 sets no day for it."
             : "The report itself asks for a response and sets the terms: section 55 sets no day for it.";
}

}  // namespace

void AddStep(const calendar::Step& step, v1::ExplainDeadlineResponse& response) {
  response.add_steps(step.text);
  v1::Step& added = *response.add_working();
  added.set_kind(KindOf(step.kind));
  added.set_text(step.text);
  if (step.day) {
    *added.mutable_date() = base::ToProtoDate(*step.day);
    added.set_day_number(calendar::DayNumber(Day(response.publication_date()), *step.day));
  }
}

absl::StatusOr<DeadlineId> ParseDeadlineName(std::string_view name) {
  Violations violations;
  std::vector<std::string> ids = base::IdsIn("name", name, base::kDeadlineName, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  return DeadlineId{std::move(ids[0]), std::move(ids[1])};
}

std::string DeadlineName(const DeadlineId& id) { return base::MakeName(base::kDeadlineName, {id.body, id.inspection}); }

absl::StatusOr<std::optional<v1::Deadline>> Open(const Inspection& inspection, const DeadlineId& id, absl::Time now) {
  const std::optional<absl::CivilDay> published = base::ToCivilDay(inspection.publication_date());
  if (!published) {
    Violations violations;
    violations.Add("inspection.publication_date", "is not a full date");
    return violations.ToStatus();
  }
  ASSIGN_OR_RETURN(const v1::ExplainDeadlineResponse working,
                   Explain(calendar::kSection55Rule, *published, inspection.basis(), now));
  if (!working.has_due_date()) {
    return std::nullopt;
  }
  v1::Deadline deadline;
  deadline.set_name(DeadlineName(id));
  deadline.set_kind(v1::Deadline::STATUTORY);
  deadline.set_rule(working.rule());
  deadline.set_rule_version(working.rule_version());
  deadline.set_inspection(inspection.name());
  deadline.set_response(base::MakeName(base::kResponseName, {id.body, id.inspection}));
  deadline.set_inspection_title(inspection.title());
  *deadline.mutable_publication_date() = working.publication_date();
  *deadline.mutable_due_date() = working.due_date();
  deadline.set_state(v1::Deadline::PENDING);
  *deadline.mutable_create_time() = base::ToTimestamp(now);
  return deadline;
}

absl::Time MissedFrom(const v1::Deadline& deadline) { return calendar::MissedFrom(Day(deadline.due_date())); }

std::string BodyOf(const v1::Deadline& deadline) {
  const std::string& name = deadline.name();
  return name.substr(0, name.find('/', name.find('/') + 1));
}

bool Meet(absl::Time published, v1::Deadline& deadline) {
  if (!base::CanMove(kTransitions, deadline.state(), v1::Deadline::MET)) {
    return false;
  }
  const absl::CivilDay day = calendar::LondonDay(published);
  deadline.set_state(v1::Deadline::MET);
  *deadline.mutable_met_time() = base::ToTimestamp(published);
  deadline.set_met_day_number(calendar::DayNumber(Day(deadline.publication_date()), day));
  deadline.set_late_by_days(calendar::LateByDays(Day(deadline.due_date()), day));
  return true;
}

bool Miss(absl::Time now, v1::Deadline& deadline) {
  if (!base::CanMove(kTransitions, deadline.state(), v1::Deadline::MISSED) || now < MissedFrom(deadline)) {
    return false;
  }
  deadline.set_state(v1::Deadline::MISSED);
  return true;
}

bool Reinstate(absl::Time now, const v1::Reinstatement& record, v1::Deadline& deadline) {
  if (!base::CanMove(kTransitions, deadline.state(), v1::Deadline::PENDING) || now >= MissedFrom(deadline)) {
    return false;
  }
  deadline.set_state(v1::Deadline::PENDING);
  *deadline.add_reinstatements() = record;
  return true;
}

void CheckReinstate(const v1::ReinstateDeadlinesRequest& request, base::Violations& violations) {
  base::CheckText("reason", request.reason(), kLongestReason, base::Presence::kRequired, violations);
}

absl::Status CheckExplain(const v1::ExplainDeadlineRequest& request) {
  Violations violations;
  if (request.has_publication_date() == !request.inspection().empty()) {
    violations.Add("publication_date", "exactly one of publication_date and inspection must be given");
  }
  if (request.has_publication_date() && !base::ToCivilDay(request.publication_date())) {
    violations.Add("publication_date", "is not a full date");
  }
  if (!request.inspection().empty()) {
    base::CheckResourceName("inspection", request.inspection(), base::kInspectionName, violations);
  }
  if (!request.body().empty()) {
    base::CheckResourceName("body", request.body(), base::kBodyName, violations);
  }
  return violations.ToStatus();
}

absl::StatusOr<v1::ExplainDeadlineResponse> Explain(std::string_view rule, absl::CivilDay publication_date,
                                                    Inspection::Basis basis, absl::Time now) {
  absl::StatusOr<calendar::Explanation> working =
      calendar::Explain(rule.empty() ? calendar::kSection55Rule : rule, publication_date);
  if (!working.ok()) {
    return base::Error(absl::StatusCode::kNotFound, "UNKNOWN_RULE", std::string(working.status().message()));
  }
  if (working->statutory && basis != Inspection::STATUTE_S55) {
    working->due_date.reset();
    working->steps = {working->steps.front(), {calendar::Step::Kind::kNoDay, WhyNotStatutory(basis), std::nullopt}};
  }
  if (working->due_date && working->due_date->year() > kLastYear) {
    Violations violations;
    violations.Add("publication_date", fmt::format("gives a day after the year {}", kLastYear));
    return violations.ToStatus();
  }
  const absl::CivilDay today = calendar::LondonDay(now);
  v1::ExplainDeadlineResponse response;
  response.set_rule(working->rule_id);
  response.set_rule_version(working->rule_version);
  response.set_provision(working->provision);
  response.set_rule_text(working->rule_text);
  *response.mutable_publication_date() = base::ToProtoDate(publication_date);
  response.set_day_number_today(calendar::DayNumber(publication_date, today));
  response.set_statutory(working->statutory);
  for (const calendar::Step& step : working->steps) {
    AddStep(step, response);
  }
  if (working->due_date) {
    *response.mutable_due_date() = base::ToProtoDate(*working->due_date);
    response.set_days_left(calendar::DaysLeft(*working->due_date, today));
    AddStep({calendar::Step::Kind::kToday, ExplainToday(publication_date, *working->due_date, today), today}, response);
  }
  return response;
}

std::string ExplainState(const v1::Deadline& deadline) {
  switch (deadline.state()) {
    case v1::Deadline::PENDING:
      return fmt::format("{} has not been published yet.", deadline.response());
    case v1::Deadline::MISSED:
      return fmt::format("{} has not been published, and its last day has passed.", deadline.response());
    case v1::Deadline::MET:
      return fmt::format(
          "{} was published on {}, on day {}: {}.", deadline.response(),
          calendar::FormatLondonInstant(base::FromTimestamp(deadline.met_time())), deadline.met_day_number(),
          deadline.late_by_days() == 0 ? "in time" : fmt::format("late by {}", Days(deadline.late_by_days())));
    default:
      return fmt::format("{} is in no known state.", deadline.name());
  }
}

}  // namespace section55::deadlines::rules
