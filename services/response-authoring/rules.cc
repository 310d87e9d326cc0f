#include "services/response-authoring/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "libs/base/checks.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/document/check.h"
#include "services/response-authoring/answers.h"
#include "services/response-authoring/chief_officer.h"
#include "services/response-authoring/exemptions.h"
#include "services/response-authoring/gaps.h"

namespace section55::authoring::rules {
namespace {

using base::CheckName;
using base::Presence;
using base::Violations;
using document::CheckMarkdown;

struct TextField {
  std::string_view path;
  const std::string& (v1::Response::*get)() const;
  std::string* (v1::Response::*set)();
};

// The Markdown fields of the body's own part, all alike.
const TextField kTextFields[] = {
    {"key_findings", &v1::Response::key_findings, &v1::Response::mutable_key_findings},
    {"comments", &v1::Response::comments, &v1::Response::mutable_comments},
    {"reply_to_chief_officer", &v1::Response::reply_to_chief_officer, &v1::Response::mutable_reply_to_chief_officer},
    {"monitoring", &v1::Response::monitoring, &v1::Response::mutable_monitoring},
};

struct SignatoryField {
  std::string_view path;
  const std::string& (v1::Signatory::*get)() const;
  std::string* (v1::Signatory::*set)();
};

const SignatoryField kSignatoryFields[] = {
    {"signatory.name", &v1::Signatory::name, &v1::Signatory::mutable_name},
    {"signatory.title", &v1::Signatory::title, &v1::Signatory::mutable_title},
    {"signatory.capacity", &v1::Signatory::capacity, &v1::Signatory::mutable_capacity},
};

// In which somebody signs; empty for the holder of the office, whose title says it.
constexpr std::string_view kCapacities[] = {"", "commissioner", "deputy", "acting", "mayor", "chair"};

using Paths = std::set<std::string_view>;

const Paths& KnownPaths() {
  static const auto& paths = *[] {
    auto* known = new Paths{"answers", "signatory"};
    for (const auto& field : kTextFields) {
      known->insert(field.path);
    }
    for (const auto& field : kSignatoryFields) {
      known->insert(field.path);
    }
    return known;
  }();
  return paths;
}

// The paths an update sets: those of its mask, or without one the fields it brings (AIP-134). They point into the request.
Paths PathsToSet(const v1::UpdateResponseRequest& request, Violations& violations) {
  Paths paths;
  for (const auto& path : request.update_mask().paths()) {
    if (KnownPaths().contains(path)) {
      paths.insert(path);
    } else {
      violations.Add("update_mask", fmt::format("\"{}\" cannot be set by an update", path));
    }
  }
  if (!request.has_update_mask()) {
    const v1::Response& update = request.response();
    for (const auto& field : kTextFields) {
      if (!(update.*field.get)().empty()) {
        paths.insert(field.path);
      }
    }
    if (update.answers_size() > 0) {
      paths.insert("answers");
    }
    if (update.has_signatory()) {
      paths.insert("signatory");
    }
  }
  if (paths.empty() && violations.empty()) {
    violations.Add("update_mask", "names nothing to set");
  }
  return paths;
}

}  // namespace

absl::StatusOr<ResponseId> ParseResponseName(std::string_view name, std::string_view field) {
  Violations violations;
  std::vector<std::string> ids = base::IdsIn(field, name, base::kResponseName, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  return ResponseId{std::move(ids[0]), std::move(ids[1])};
}

v1::Response Open(const registry::v1::Inspection& inspection, const registry::v1::Obligation& obligation,
                  absl::Time now) {
  v1::Response response;
  const std::string id = inspection.name().substr(std::string_view("inspections/").size());
  response.set_name(fmt::format("{}/responses/{}", obligation.body().name(), id));
  response.set_inspection(inspection.name());
  *response.mutable_report() = inspection;
  *response.mutable_body() = obligation.body();
  response.mutable_body()->clear_etag();
  *response.mutable_force() = obligation.force();
  response.mutable_force()->clear_etag();
  *response.mutable_findings_to_answer() = obligation.findings_to_answer();
  response.set_state(v1::Response::OPEN);
  response.set_edition(1);
  *response.mutable_create_time() = base::ToTimestamp(now);
  *response.mutable_update_time() = base::ToTimestamp(now);
  return response;
}

absl::Status Update(const v1::UpdateResponseRequest& request, const Doer& doer, v1::Response& response) {
  Violations violations;
  const v1::Response& update = request.response();
  const Paths paths = PathsToSet(request, violations);
  for (const auto& field : kTextFields) {
    if (paths.contains(field.path)) {
      CheckMarkdown(fmt::format("response.{}", field.path), (update.*field.get)(), kMostMarkdown, Presence::kOptional,
                    violations);
    }
  }
  for (const auto& field : kSignatoryFields) {
    if (paths.contains("signatory") || paths.contains(field.path)) {
      CheckName(fmt::format("response.{}", field.path), (update.signatory().*field.get)(), kMostWords,
                Presence::kOptional, violations);
    }
  }
  if ((paths.contains("signatory") || paths.contains("signatory.capacity")) &&
      std::find(std::begin(kCapacities), std::end(kCapacities), update.signatory().capacity()) ==
          std::end(kCapacities)) {
    violations.Add("response.signatory.capacity",
                   "must be \"commissioner\", \"deputy\", \"acting\", \"mayor\", \"chair\", or empty");
  }
  std::vector<v1::Answer> answers;
  if (paths.contains("answers")) {
    answers = CheckAnswers("response.answers", update.answers(), response, violations);
  }
  RETURN_IF_ERROR(violations.ToStatus());
  RETURN_IF_ERROR(RequireState(response, v1::Response::OPEN));
  if (paths.contains("answers")) {
    RETURN_IF_ERROR(CheckAnswerEtags(update.answers(), response));
  }

  for (const auto& field : kTextFields) {
    if (paths.contains(field.path)) {
      *(response.*field.set)() = (update.*field.get)();
    }
  }
  for (const auto& field : kSignatoryFields) {
    if (paths.contains("signatory") || paths.contains(field.path)) {
      *(response.mutable_signatory()->*field.set)() = (update.signatory().*field.get)();
    }
  }
  if (!answers.empty()) {
    MergeAnswers(std::move(answers), doer.now, response);
  }
  NoteWriter(doer, response);
  RETURN_IF_ERROR(CheckFrameSize("response", response));
  std::set<std::string> fields;
  for (const std::string_view path : paths) {
    fields.insert(fmt::format("response.{}", path));
  }
  return CheckOfficeSize(fields, response);
}

absl::Status Submit(const Doer& doer, v1::Response& response) {
  RETURN_IF_ERROR(RequireState(response, v1::Response::OPEN));
  std::string missing;
  for (const auto& gap : FindGaps(response, doer.today)) {
    if (gap.blocks_submission()) {
      missing += fmt::format("{}{}", missing.empty() ? "" : " ", gap.message());
      missing += gap.provision().empty() ? "" : fmt::format(" ({})", gap.provision());
    }
  }
  if (!missing.empty()) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "INCOMPLETE", "cannot be submitted yet: " + missing,
                       {{"resource", response.name()}});
  }
  RecordSilence(doer.now, doer.today, response);
  if (IsProposed(response)) {
    response.clear_exemption();  // whoever submits it takes it as owed
  }
  *response.mutable_submission() = StepBy(doer);
  return base::Move(kTransitions, response, v1::Response::IN_REVIEW);
}

absl::Status Return(const v1::ReturnResponseRequest& request, const Doer& doer, v1::Response& response) {
  Violations violations;
  base::CheckText("reason", request.reason(), kMostReason, Presence::kRequired, violations);
  size_t bytes = 0;
  for (int i = 0; i < request.marks_size(); ++i) {
    const std::string field = fmt::format("marks[{}]", i);
    const std::string_view part = request.marks(i).part();
    constexpr std::string_view kAnswers = "answers/";
    if (part.starts_with(kAnswers)) {
      FindFinding(field + ".part", response, part.substr(kAnswers.size()), violations);
    } else if (part.find('.') != std::string_view::npos || part == "answers" || !KnownPaths().contains(part)) {
      violations.Add(field + ".part", "is no part of what the office writes");
    }
    base::CheckText(field + ".text", request.marks(i).text(), kMostPrinted, Presence::kRequired, violations);
    bytes += request.marks(i).ByteSizeLong();
  }
  if (bytes > kMostMarkBytes) {
    violations.Add("marks", fmt::format("are {} bytes long together; at most {} are allowed", bytes, kMostMarkBytes));
  }
  RETURN_IF_ERROR(violations.ToStatus());
  RETURN_IF_ERROR(RequireState(response, v1::Response::IN_REVIEW));
  *response.mutable_last_return() = StepBy(doer, request.reason());
  *response.mutable_marks() = request.marks();
  response.clear_submission();
  RETURN_IF_ERROR(CheckFrameSize("marks", response));
  return base::Move(kTransitions, response, v1::Response::OPEN);
}

absl::Status Approve(const Doer& doer, v1::Response& response, std::string_view bypass_reason) {
  Violations violations;
  base::CheckName("bypass_reason", bypass_reason, kMostPrinted, Presence::kOptional, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  RETURN_IF_ERROR(RequireState(response, v1::Response::IN_REVIEW));
  const bool has_written = HasWritten(response, doer.actor);
  if (has_written && base::IsBlank(bypass_reason)) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "SECOND_PERSON_NEEDED",
                       "whoever wrote or submitted a response cannot approve it; a second person must, or the reason "
                       "why there is none is given in bypass_reason, and printed",
                       {{"resource", response.name()}});
  }
  if (!has_written && !bypass_reason.empty()) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "BYPASS_NOT_NEEDED",
                       "you neither wrote nor submitted this response, so you approve it as a second person: leave "
                       "bypass_reason empty",
                       {{"resource", response.name()}});
  }
  *response.mutable_approval() = StepBy(doer);
  response.clear_bypass();
  if (has_written) {
    *response.mutable_bypass() = StepBy(doer, bypass_reason);
  }
  response.clear_refusal();
  response.clear_marks();
  RETURN_IF_ERROR(CheckFrameSize("bypass_reason", response));
  return base::Move(kTransitions, response, v1::Response::APPROVED);
}

absl::Status MarkPublished(int edition, absl::Time published, v1::Response& response) {
  if (edition != response.edition() || response.state() == v1::Response::PUBLISHED) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(RequireState(response, v1::Response::APPROVED));
  *response.mutable_publish_time() = base::ToTimestamp(published);
  return base::Move(kTransitions, response, v1::Response::PUBLISHED);
}

absl::Status Refuse(int edition, const v1::Step& refusal, v1::Response& response) {
  if (edition != response.edition() || response.state() != v1::Response::APPROVED) {
    return absl::OkStatus();
  }
  *response.mutable_refusal() = refusal;
  response.clear_approval();
  response.clear_bypass();
  return base::Move(kTransitions, response, v1::Response::IN_REVIEW);
}

}  // namespace section55::authoring::rules
