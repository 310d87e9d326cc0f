#include "services/deadline-scheduler/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

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

std::optional<absl::CivilDay> DayOne(const Inspection& inspection) {
  return base::ToCivilDay(inspection.has_clock_start_date() ? inspection.clock_start_date()
                                                            : inspection.publication_date());
}

bool IsNews(const Inspection& told, const Inspection& known) {
  const auto place = [](const Inspection& one) {
    return std::make_pair(base::FromTimestamp(one.update_time()), one.revision());
  };
  return place(told) > place(known);
}

absl::StatusOr<std::optional<v1::Deadline>> Open(const Inspection& inspection, const DeadlineId& id, absl::Time now) {
  const std::optional<absl::CivilDay> first = DayOne(inspection);
  if (!first) {
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(const v1::ExplainDeadlineResponse working,
                   Explain(calendar::kSection55Rule, *first, inspection.basis(), now));
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

absl::StatusOr<Corrected> Correct(const Inspection& inspection, const std::string& reason, const std::string& actor,
                                  absl::Time now, v1::Deadline& deadline) {
  if (deadline.state() == v1::Deadline::TRANSFERRED) {
    return Corrected::kNothing;
  }
  ASSIGN_OR_RETURN(const DeadlineId id, ParseDeadlineName(deadline.name()));
  ASSIGN_OR_RETURN(const std::optional<v1::Deadline> fresh, Open(inspection, id, now));
  if (!fresh) {
    return Cancel("The report as corrected has no statutory day: " + reason, now, deadline) ? Corrected::kCancelled
                                                                                            : Corrected::kNothing;
  }
  Corrected result = Corrected::kNothing;
  deadline.set_inspection_title(fresh->inspection_title());
  if (deadline.state() == v1::Deadline::CANCELLED) {
    deadline.set_state(v1::Deadline::PENDING);
    deadline.clear_cancellation_reason();
    deadline.clear_cancel_time();
    result = Corrected::kReopened;
  }
  if (Day(fresh->due_date()) != Day(deadline.due_date())) {
    v1::DeadlineMove& move = *deadline.add_moves();
    *move.mutable_from_date() = deadline.due_date();
    *move.mutable_to_date() = fresh->due_date();
    move.set_reason(inspection.clock_reason().empty() ? reason : inspection.clock_reason());
    move.set_actor(actor);
    *move.mutable_time() = base::ToTimestamp(now);
    *deadline.mutable_publication_date() = fresh->publication_date();
    *deadline.mutable_due_date() = fresh->due_date();
    deadline.set_rule_version(fresh->rule_version());
    if (deadline.state() == v1::Deadline::MET) {
      const absl::CivilDay done = calendar::LondonDay(base::FromTimestamp(deadline.met_time()));
      deadline.set_met_day_number(calendar::DayNumber(Day(deadline.publication_date()), done));
      deadline.set_late_by_days(calendar::LateByDays(Day(deadline.due_date()), done));
    } else if (deadline.state() == v1::Deadline::MISSED && now < MissedFrom(deadline)) {
      deadline.set_state(v1::Deadline::PENDING);
    }
    result = result == Corrected::kReopened ? result : Corrected::kMoved;
  }
  return result;
}

bool Cancel(const std::string& reason, absl::Time now, v1::Deadline& deadline) {
  if (!base::Move(kTransitions, deadline, v1::Deadline::CANCELLED).ok()) {
    return false;
  }
  deadline.set_cancellation_reason(reason);
  *deadline.mutable_cancel_time() = base::ToTimestamp(now);
  return true;
}

std::optional<v1::Deadline> Transfer(const std::string& successor, absl::Time now, v1::Deadline& deadline) {
  const auto id = ParseDeadlineName(deadline.name());
  if (!id.ok() || !base::Move(kTransitions, deadline, v1::Deadline::TRANSFERRED).ok()) {
    return std::nullopt;
  }
  v1::Deadline next = deadline;
  next.set_state(v1::Deadline::PENDING);
  next.set_name(DeadlineName({successor, id->inspection}));
  next.set_response(base::MakeName(base::kResponseName, {successor, id->inspection}));
  next.set_transferred_from(deadline.name());
  *next.mutable_create_time() = base::ToTimestamp(now);
  next.clear_etag();
  deadline.set_transferred_to(next.name());
  return next;
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
  if (deadline.state() != v1::Deadline::MISSED || now >= MissedFrom(deadline)) {
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

absl::StatusOr<v1::ExplainDeadlineResponse> ExplainWithoutDay(std::string_view rule, const Inspection& inspection) {
  // Of any day: only what the rule says of itself is taken from it.
  ASSIGN_OR_RETURN(v1::ExplainDeadlineResponse response,
                   Explain(rule,
                           absl::CivilDay(inspection.publication_date().year(),
                                          std::max(1, inspection.publication_date().month()), 1),
                           Inspection::VOLUNTARY, absl::UnixEpoch()));
  response.clear_publication_date();
  response.clear_day_number_today();
  response.clear_due_date();
  response.clear_days_left();
  response.clear_steps();
  response.clear_working();
  const auto say = [&](const std::string& why) {
    AddStep({calendar::Step::Kind::kNoDay, why, std::nullopt}, response);
  };
  if (inspection.state() == Inspection::WITHDRAWN) {
    say(fmt::format("The report was withdrawn: {}", inspection.withdrawal_reason()));
  } else {
    say(fmt::format("Of the day of publication only the month is known, {:04}-{:02}.",
                    inspection.publication_date().year(), inspection.publication_date().month()));
    say(response.statutory() ? "No statutory clock runs until a correction of the report gives the day."
                             : "Nothing can be counted until a correction of the report gives the day.");
  }
  return response;
}

std::string ExplainState(const v1::Deadline& deadline) {
  switch (deadline.state()) {
    case v1::Deadline::CANCELLED:
      return fmt::format("{} is not owed any more: {}", deadline.response(), deadline.cancellation_reason());
    case v1::Deadline::TRANSFERRED:
      return fmt::format("Another body goes on with {}: see {}.", deadline.response(), deadline.transferred_to());
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
