#include "services/inspection-registry/life.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "absl/container/flat_hash_map.h"
#include "google/protobuf/util/message_differencer.h"
#include "libs/base/checks.h"
#include "libs/base/limits.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/calendar/format.h"
#include "libs/calendar/rules.h"
#include "services/inspection-registry/findings.h"
#include "services/inspection-registry/obligations.h"

namespace section55::registry::rules {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::util::MessageDifferencer;
using v1::Change;
using v1::Finding;
using v1::Inspection;
using v1::InspectionRevision;

constexpr size_t kMostReason = 2'000;

std::string Joined(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

absl::Status NotReady(std::string_view name, const std::string& why,
                      const std::map<std::string, std::string>& metadata = {}) {
  return base::Error(absl::StatusCode::kFailedPrecondition, "NOT_READY",
                     fmt::format("{} cannot be published: {}", name, why), metadata);
}

std::vector<std::string> MissingOf(const Inspection& inspection) {
  std::vector<std::string> missing;
  const auto need = [&](bool present, std::string_view field) {
    if (!present) {
      missing.emplace_back(field);
    }
  };
  need(!inspection.title().empty(), "title");
  need(!inspection.kinds().empty(), "kinds");
  need(!inspection.publishers().empty(), "publishers");
  need(DayOf(inspection.publication_date()).has_value(), "publication_date");
  need(inspection.basis() != Inspection::BASIS_UNSPECIFIED, "basis");
  need(inspection.has_scope(), "scope");
  return missing;
}

// What is in the way of a report that lacks nothing.
std::vector<std::string> ObstaclesOf(const Inspection& inspection, const Circumstances& with) {
  std::vector<std::string> obstacles;
  const google::type::Date& date = inspection.publication_date();
  const absl::CivilDay first = base::ToCivilDay(date).value_or(absl::CivilDay(date.year(), date.month(), 1));
  if (first > with.today) {
    obstacles.push_back(fmt::format("its publication date {} lies in the future", PublicationDateText(inspection)));
  }
  const auto look = [&](const std::string& related, const std::string& as, bool must_be_earlier) {
    const auto found = with.related.find(related);
    if (found == with.related.end() || found->second.state() == Inspection::DRAFT) {
      obstacles.push_back(fmt::format("{}, which is not published", as));
    } else if (must_be_earlier && DayOf(date) < base::ToCivilDay(found->second.publication_date())) {
      obstacles.push_back(fmt::format("{}, which is later", as));
    }
  };
  for (const v1::Relation& relation : inspection.relations()) {
    look(relation.inspection(), "it is related to " + relation.inspection(), false);
  }
  for (const Finding& finding : inspection.findings()) {
    for (const v1::FindingRelation& relation : finding.relations()) {
      const auto ids = base::ParseName(relation.finding(), kFindingName);
      look(base::MakeName(base::kInspectionName, {ids ? ids->front() : ""}),
           fmt::format("its finding {} goes back to {}", finding.id(), relation.finding()), true);
    }
  }
  return obstacles;
}

v1::Effect::Owed OwedOf(const v1::Obligation& obligation) {
  v1::Effect::Owed owed;
  owed.set_body(obligation.body().name());
  owed.set_force(obligation.force().name());
  owed.set_findings_to_answer(obligation.findings_to_answer_size());
  return owed;
}

// The report as it now is: its place in its history and in time.
template <typename Event>
void TakeStep(InspectionRevision::Kind kind, const std::string& reason, const Circumstances& with, Step<Event>& step) {
  Inspection& inspection = step.inspection;
  inspection.set_revision(inspection.revision() + 1);
  *inspection.mutable_update_time() = base::ToTimestamp(with.now);
  inspection.clear_etag();
  InspectionRevision& revision = step.revision;
  revision.set_name(fmt::format("{}/revisions/{}", inspection.name(), inspection.revision()));
  revision.set_kind(kind);
  *revision.mutable_time() = base::ToTimestamp(with.now);
  revision.set_reason(reason);
  *revision.mutable_changes() = step.effect.changes();
  *revision.mutable_not_owed() = step.effect.closes();
  *revision.mutable_inspection() = inspection;
}

// Who owes a response now, in the effect and as `obligations`; what is in the way fails the call, or stands in the effect.
template <typename Event>
absl::Status Oblige(const std::set<std::string>& owed_before, const Circumstances& with, Step<Event>& step) {
  const Inspection& inspection = step.inspection;
  v1::Effect& effect = step.effect;
  effect.set_validate_only(with.validate_only);
  const std::vector<std::string> missing = MissingOf(inspection);
  if (!missing.empty()) {
    const std::string why = "it lacks " + Joined(missing);
    if (!with.validate_only) {
      return NotReady(inspection.name(), why, {{"missing", Joined(missing)}});
    }
    effect.add_problems(why);
    return absl::OkStatus();
  }
  const std::vector<std::string> obstacles = ObstaclesOf(inspection, with);
  if (!obstacles.empty() && !with.validate_only) {
    return NotReady(inspection.name(), Joined(obstacles));
  }
  effect.mutable_problems()->Assign(obstacles.begin(), obstacles.end());

  Obligations obligations = ObligationsOf(inspection, with.registered, with.today);
  std::string no_body;
  if (!obligations.forces_without_body.empty()) {
    no_body = fmt::format("{} concerns forces that have no body: {}", inspection.name(),
                          Joined(obligations.forces_without_body));
  } else if (obligations.owed.empty()) {
    no_body = fmt::format("no force that {} concerns has a body", inspection.name());
  }
  if (!no_body.empty() && !with.validate_only) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "NO_BODY", no_body,
                       {{"forces", Joined(obligations.forces_without_body)}});
  }
  if (!no_body.empty()) {
    effect.add_problems(no_body);
  }
  effect.mutable_forces_without_body()->Assign(obligations.forces_without_body.begin(),
                                               obligations.forces_without_body.end());
  const std::vector<std::string> without_force = BodiesWithoutForce(with.registered, with.today);
  effect.mutable_bodies_without_force()->Assign(without_force.begin(), without_force.end());

  // Who owed a response before is now whoever has come in their place.
  std::set<std::string> no_more;
  for (const std::string& body : owed_before) {
    no_more.insert(with.registered.BodyOn(body, with.today));
  }
  const std::set<std::string> before = no_more;
  for (v1::Obligation& obligation : obligations.owed) {
    const std::string& body = obligation.body().name();
    *(before.contains(body) ? effect.add_keeps() : effect.add_opens()) = OwedOf(obligation);
    no_more.erase(body);
    if (obligation.findings_to_answer().empty()) {
      effect.add_bodies_without_answer(body);
    }
    step.revision.add_bodies(body);
    *step.event.add_obligations() = std::move(obligation);
  }
  for (const std::string& body : no_more) {
    v1::NotOwed& closed = *effect.add_closes();
    closed.set_body(body);
    closed.set_reason(fmt::format("As corrected, {} does not concern {}.", inspection.name(), body));
  }
  if (const auto due = LastLawfulDay(inspection, *effect.mutable_clock())) {
    *effect.mutable_due_date() = base::ToProtoDate(*due);
  }
  return absl::OkStatus();
}

template <typename Event>
absl::Status CheckEventSize(const Step<Event>& step) {
  if (step.event.ByteSizeLong() > base::kLargestEvent) {
    return NotReady(step.inspection.name(),
                    "with what each body must answer it is too large; say less in the findings");
  }
  return absl::OkStatus();
}

void AddChange(std::string part, Change::Kind kind, std::vector<Change>& changes) {
  Change& change = changes.emplace_back();
  change.set_part(std::move(part));
  change.set_kind(kind);
}

void CompareFindings(const Inspection& before, const Inspection& after, std::vector<Change>& changes) {
  absl::flat_hash_map<std::string, const Finding*> earlier;
  for (const Finding& finding : before.findings()) {
    earlier.emplace(finding.id(), &finding);
  }
  std::vector<std::string> kept;
  for (const Finding& finding : after.findings()) {
    const auto found = earlier.find(finding.id());
    if (found == earlier.end()) {
      AddChange("findings/" + finding.id(), Change::ADDED, changes);
      continue;
    }
    kept.push_back(finding.id());
    if (!MessageDifferencer::Equals(*found->second, finding)) {
      AddChange("findings/" + finding.id(), Change::CHANGED, changes);
    }
  }
  std::vector<std::string> kept_before;
  for (const Finding& finding : before.findings()) {
    if (std::find(kept.begin(), kept.end(), finding.id()) == kept.end()) {
      AddChange("findings/" + finding.id(), Change::REMOVED, changes);
    } else {
      kept_before.push_back(finding.id());
    }
  }
  if (kept != kept_before) {
    AddChange("findings", Change::CHANGED, changes);
  }
}

bool IsSet(const Inspection& inspection, const FieldDescriptor& field) {
  const auto* reflection = inspection.GetReflection();
  return field.is_repeated() ? reflection->FieldSize(inspection, &field) > 0 : reflection->HasField(inspection, &field);
}

bool SameField(const Inspection& a, const Inspection& b, const FieldDescriptor& field) {
  MessageDifferencer differencer;
  return differencer.CompareWithFields(a, b, {&field}, {&field});
}

std::set<std::string> BodiesOf(const InspectionRevision& revision) {
  return {revision.bodies().begin(), revision.bodies().end()};
}

}  // namespace

std::vector<Change> Compare(const Inspection& before, const Inspection& after) {
  std::vector<Change> changes;
  for (const std::string& path : SettableFields().paths()) {
    const FieldDescriptor& field = *Inspection::descriptor()->FindFieldByName(path);
    if (path == "findings") {
      CompareFindings(before, after, changes);
    } else if (!SameField(before, after, field)) {
      AddChange(path,
                !IsSet(before, field)  ? Change::ADDED
                : !IsSet(after, field) ? Change::REMOVED
                                       : Change::CHANGED,
                changes);
    }
  }
  if (before.has_clock_start_date() &&
      !SameField(before, after, *Inspection::descriptor()->FindFieldByNumber(Inspection::kClockStartDateFieldNumber))) {
    AddChange("clock_start_date", Change::CHANGED, changes);
  }
  return changes;
}

std::optional<absl::CivilDay> LastLawfulDay(const Inspection& inspection, std::string& words) {
  if (inspection.basis() == Inspection::VOLUNTARY) {
    words = "The response is voluntary: section 55 sets no day for it.";
    return std::nullopt;
  }
  if (inspection.basis() != Inspection::STATUTE_S55) {
    words = "The report itself asks for a response and sets the terms: section 55 sets no day for it.";
    return std::nullopt;
  }
  const auto first = base::ToCivilDay(inspection.has_clock_start_date() ? inspection.clock_start_date()
                                                                        : inspection.publication_date());
  if (!first) {
    words = "Only the month of publication is known: no statutory clock runs until a correction gives the day.";
    return std::nullopt;
  }
  const auto working = calendar::Explain(calendar::kSection55Rule, *first);
  if (!working.ok() || !working->due_date) {
    words = working.ok() ? working->steps.back().text : std::string(working.status().message());
    return std::nullopt;
  }
  words =
      fmt::format("Day 1 is {}; the last lawful day, day {}, is {}.", calendar::FormatDateWithWeekday(*first),
                  calendar::DayNumber(*first, *working->due_date), calendar::FormatDateWithWeekday(*working->due_date));
  return working->due_date;
}

absl::StatusOr<Step<v1::InspectionPublished>> Publish(Inspection inspection, const Circumstances& with) {
  Step<v1::InspectionPublished> step;
  step.inspection = std::move(inspection);
  if (step.inspection.state() != Inspection::DRAFT) {
    return base::WrongState(step.inspection.name(), Inspection::State_Name(step.inspection.state()), "DRAFT");
  }
  RETURN_IF_ERROR(base::Move(kTransitions, step.inspection, Inspection::PUBLISHED));
  if (base::ToCivilDay(step.inspection.publication_date())) {
    *step.inspection.mutable_clock_start_date() = step.inspection.publication_date();
  }
  *step.inspection.mutable_publish_time() = base::ToTimestamp(with.now);
  RETURN_IF_ERROR(Oblige({}, with, step));
  TakeStep(InspectionRevision::PUBLICATION, "", with, step);
  *step.event.mutable_inspection() = step.inspection;
  RETURN_IF_ERROR(CheckEventSize(step));
  return step;
}

void ValidateCorrection(const v1::CorrectInspectionRequest& request, absl::CivilDay today,
                        base::Violations& violations) {
  base::CheckText("reason", request.reason(), kMostReason, base::Presence::kRequired, violations);
  base::CheckText("clock_reason", request.clock_reason(), kMostReason,
                  request.has_clock_start_date() ? base::Presence::kRequired : base::Presence::kOptional, violations);
  const auto start = base::ToCivilDay(request.clock_start_date());
  if (request.has_clock_start_date() && !start) {
    violations.Add("clock_start_date", "must be a day that exists: year, month and day");
  } else if (start && *start > today) {
    violations.Add("clock_start_date", "lies in the future");
  } else if (!request.has_clock_start_date() && !request.clock_reason().empty()) {
    violations.Add("clock_reason", "is for a clock_start_date, and none is given");
  }
}

absl::StatusOr<Step<v1::InspectionCorrected>> Correct(const v1::CorrectInspectionRequest& request,
                                                      const Inspection& given, Inspection inspection,
                                                      const InspectionRevision& before, const Circumstances& with) {
  Step<v1::InspectionCorrected> step;
  step.inspection = inspection;
  Inspection& corrected = step.inspection;
  if (corrected.state() == Inspection::DRAFT) {
    return base::WrongState(corrected.name(), "DRAFT", "PUBLISHED or WITHDRAWN");
  }
  RETURN_IF_ERROR(base::Move(kTransitions, corrected, Inspection::PUBLISHED));
  CopyFields(given, request.update_mask(), corrected);
  if (request.has_clock_start_date()) {
    *corrected.mutable_clock_start_date() = request.clock_start_date();
    corrected.set_clock_reason(request.clock_reason());
  } else if (!corrected.has_clock_start_date() && base::ToCivilDay(corrected.publication_date())) {
    *corrected.mutable_clock_start_date() = corrected.publication_date();
  }
  const std::vector<Change> changes = Compare(inspection, corrected);
  if (changes.empty() && inspection.state() == Inspection::PUBLISHED &&
      !(corrected.has_clock_start_date() && !inspection.has_clock_start_date())) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "NO_CHANGE",
                       fmt::format("{} says all this already", corrected.name()), {{"resource", corrected.name()}});
  }
  step.effect.mutable_changes()->Assign(changes.begin(), changes.end());
  *corrected.mutable_correct_time() = base::ToTimestamp(with.now);
  corrected.set_correction_reason(request.reason());
  corrected.clear_withdraw_time();
  corrected.clear_withdrawal_reason();
  RETURN_IF_ERROR(Oblige(BodiesOf(before), with, step));
  TakeStep(InspectionRevision::CORRECTION, request.reason(), with, step);
  *step.event.mutable_inspection() = corrected;
  *step.event.mutable_not_owed() = step.effect.closes();
  step.event.set_reason(request.reason());
  *step.event.mutable_changes() = step.effect.changes();
  RETURN_IF_ERROR(CheckEventSize(step));
  return step;
}

void ValidateWithdrawal(const v1::WithdrawInspectionRequest& request, base::Violations& violations) {
  base::CheckText("reason", request.reason(), kMostReason, base::Presence::kRequired, violations);
}

absl::StatusOr<Step<v1::InspectionWithdrawn>> Withdraw(const v1::WithdrawInspectionRequest& request,
                                                       Inspection inspection, const InspectionRevision& before,
                                                       const Circumstances& with) {
  Step<v1::InspectionWithdrawn> step;
  step.inspection = std::move(inspection);
  RETURN_IF_ERROR(base::Move(kTransitions, step.inspection, Inspection::WITHDRAWN));
  *step.inspection.mutable_withdraw_time() = base::ToTimestamp(with.now);
  step.inspection.set_withdrawal_reason(request.reason());
  step.effect.set_validate_only(with.validate_only);
  step.effect.set_clock("The report is withdrawn: no clock runs.");
  std::set<std::string> closed;
  for (const std::string& body : BodiesOf(before)) {
    closed.insert(with.registered.BodyOn(body, with.today));
  }
  for (const std::string& body : closed) {
    v1::NotOwed& not_owed = *step.effect.add_closes();
    not_owed.set_body(body);
    not_owed.set_reason(request.reason());
  }
  TakeStep(InspectionRevision::WITHDRAWAL, request.reason(), with, step);
  *step.event.mutable_inspection() = step.inspection;
  step.event.mutable_inspection()->clear_findings();
  step.event.set_reason(request.reason());
  return step;
}

}  // namespace section55::registry::rules
