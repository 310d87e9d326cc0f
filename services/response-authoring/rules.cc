#include "services/response-authoring/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "libs/base/checks.h"
#include "libs/base/ids.h"
#include "libs/base/limits.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/calendar/format.h"
#include "libs/document/check.h"
#include "services/response-authoring/gaps.h"

namespace section55::authoring::rules {
namespace {

using base::CheckName;
using base::Presence;
using base::Violations;
using document::CheckMarkdown;

// In characters.
constexpr size_t kMostMarkdown = 50'000;
constexpr size_t kMostWords = 200;
constexpr size_t kMostReason = 5'000;

// What a field's tag and length take in a serialised message, at most.
constexpr size_t kFieldRoom = 6;

// The name of the finding that a request means by its resource name or by its id alone; nothing when the report has none such.
std::optional<std::string> FindFinding(const v1::Response& response, std::string_view reference) {
  for (const auto& finding : response.report().findings()) {
    if (std::string name = FindingName(response, finding); name == reference || finding.id() == reference) {
      return name;
    }
  }
  return std::nullopt;
}

void NoSuchFinding(std::string_view field, std::string_view reference, const v1::Response& response,
                   Violations& violations) {
  violations.Add(field, fmt::format("{} has no finding \"{}\"", response.inspection(), reference));
}

v1::Step StepBy(const Doer& doer, std::string_view reason = "") {
  v1::Step step;
  step.set_actor(doer.actor);
  *step.mutable_time() = base::ToTimestamp(doer.now);
  step.set_reason(std::string(reason));
  return step;
}

// What the office wrote, in bytes as they are stored.
size_t OfficeBytes(const v1::Response& response) {
  size_t bytes = response.signatory().ByteSizeLong() + kFieldRoom;
  for (const std::string* text :
       {&response.key_findings(), &response.comments(), &response.reply_to_chief_officer(), &response.monitoring()}) {
    bytes += text->size() + kFieldRoom;
  }
  for (const v1::Answer& answer : response.answers()) {
    bytes += answer.ByteSizeLong() + kFieldRoom;
  }
  return bytes;
}

// What the force wrote.
size_t ForceBytes(const v1::Response& response) {
  size_t bytes = 0;
  for (const v1::Contribution& contribution : response.chief_officer().contributions()) {
    bytes += contribution.ByteSizeLong() + kFieldRoom;
  }
  return bytes;
}

// What the platform keeps beside both.
size_t FrameBytes(const v1::Response& response) {
  return response.ByteSizeLong() - response.report().ByteSizeLong() -
         std::min(OfficeBytes(response) + ForceBytes(response), response.ByteSizeLong());
}

// Sets or replaces the answers given, finding by finding, and keeps all in the order of the findings.
void MergeAnswers(const std::vector<v1::Answer>& given, v1::Response& response) {
  google::protobuf::RepeatedPtrField<v1::Answer> earlier;
  earlier.Swap(response.mutable_answers());
  for (const auto& finding : response.report().findings()) {
    const std::string name = FindingName(response, finding);
    const auto about = [&](const v1::Answer& answer) { return answer.finding() == name; };
    const auto changed = std::find_if(given.begin(), given.end(), about);
    if (changed != given.end()) {
      const bool removed =
          changed->kind() == v1::Answer::KIND_UNSPECIFIED && document::IsBlankMarkdown(changed->explanation());
      if (!removed) {
        *response.add_answers() = *changed;
      }
    } else if (const auto kept = std::find_if(earlier.begin(), earlier.end(), about); kept != earlier.end()) {
      *response.add_answers() = std::move(*kept);
    }
  }
}

// The answers of an update with their findings as names; violations for what cannot stand.
std::vector<v1::Answer> CheckAnswers(const v1::Response& update, const v1::Response& response, Violations& violations) {
  std::vector<v1::Answer> answers;
  std::set<std::string> seen;
  for (int i = 0; i < update.answers_size(); ++i) {
    v1::Answer answer = update.answers(i);
    const std::string field = fmt::format("response.answers[{}]", i);
    if (const auto finding = FindFinding(response, answer.finding())) {
      answer.set_finding(*finding);
    } else {
      NoSuchFinding(field + ".finding", answer.finding(), response, violations);
    }
    if (!seen.insert(answer.finding()).second) {
      violations.Add(field + ".finding", "is answered twice in this request");
    }
    if (!v1::Answer::Kind_IsValid(answer.kind())) {
      violations.Add(field + ".kind", "is not a kind of answer");
    }
    CheckMarkdown(field + ".explanation", answer.explanation(), kMostMarkdown, Presence::kOptional, violations);
    CheckName(field + ".owner", answer.owner(), kMostWords, Presence::kOptional, violations);
    if (answer.has_target_date() && !base::ToCivilDay(answer.target_date())) {
      violations.Add(field + ".target_date", "is not a full date");
    }
    answers.push_back(std::move(answer));
  }
  return answers;
}

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

// Notes who writes the body's part.
void NoteWriter(const Doer& doer, v1::Response& response) {
  auto& writers = *response.mutable_writers();
  const auto same = [&](const v1::Writer& writer) { return writer.person() == doer.actor; };
  if (const auto known = std::find_if(writers.begin(), writers.end(), same); known != writers.end()) {
    known->set_may_approve(known->may_approve() || doer.may_approve);
    return;
  }
  v1::Writer& writer = *writers.Add();
  writer.set_person(doer.actor);
  writer.set_may_approve(doer.may_approve);
}

// What the office has written has its size, whatever the force has.
absl::Status CheckOfficeSize(const Paths& paths, const v1::Response& response) {
  Violations violations;
  if (const size_t bytes = OfficeBytes(response); bytes > base::kLargestBodyPart) {
    for (const std::string_view path : paths) {
      violations.Add(fmt::format("response.{}", path),
                     fmt::format("makes what the office has written {} bytes long; at most {} are allowed in all",
                                 bytes, base::kLargestBodyPart));
    }
  }
  if (FrameBytes(response) > base::kLargestResponseFrame) {
    violations.Add("response", "cannot have so many writers");
  }
  return violations.ToStatus();
}

// An id for a contribution that came without one, and was not given to another before.
std::string NextContributionId(v1::ChiefOfficerPart& part) {
  const auto taken = [&](const std::string& id) {
    return std::any_of(part.contributions().begin(), part.contributions().end(),
                       [&](const v1::Contribution& contribution) { return contribution.id() == id; });
  };
  std::string id;
  do {
    part.set_contribution_ids_made(part.contribution_ids_made() + 1);
    id = fmt::format("contribution-{}", part.contribution_ids_made());
  } while (taken(id));
  return id;
}

// The contributions of a request with their findings as names; violations for what cannot stand.
std::vector<v1::Contribution> CheckContributions(const v1::SubmitChiefOfficerCommentsRequest& request,
                                                 const v1::Response& response, Violations& violations) {
  if (request.contributions().empty()) {
    violations.Add("contributions", "is required; to say that there are no comments, use RecordNoComments");
  }
  std::vector<v1::Contribution> contributions;
  std::set<std::string> seen;
  for (int i = 0; i < request.contributions_size(); ++i) {
    v1::Contribution contribution = request.contributions(i);
    const std::string field = fmt::format("contributions[{}]", i);
    if (!contribution.id().empty()) {
      base::CheckResourceId(field + ".id", contribution.id(), violations);
      if (!seen.insert(contribution.id()).second) {
        violations.Add(field + ".id", "stands twice in this request");
      }
    }
    CheckName(field + ".author", contribution.author(), kMostWords, Presence::kRequired, violations);
    CheckName(field + ".rank", contribution.rank(), kMostWords, Presence::kRequired, violations);
    CheckMarkdown(field + ".text", contribution.text(), kMostMarkdown, Presence::kRequired, violations);
    if (!contribution.finding().empty()) {
      if (const auto finding = FindFinding(response, contribution.finding())) {
        contribution.set_finding(*finding);
      } else {
        NoSuchFinding(field + ".finding", contribution.finding(), response, violations);
      }
    }
    contributions.push_back(std::move(contribution));
  }
  return contributions;
}

// For what may be done in a state without leaving it, and for what is asked after the state and before the step.
absl::Status RequireState(const v1::Response& response, v1::Response::State state) {
  if (response.state() != state) {
    return base::WrongState(response.name(), v1::Response::State_Name(response.state()),
                            v1::Response::State_Name(state));
  }
  return absl::OkStatus();
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

absl::Status Invite(const v1::InviteChiefOfficerRequest& request, const Doer& doer, v1::Response& response) {
  Violations violations;
  const auto due = base::ToCivilDay(request.comments_due_date());
  if (!request.has_comments_due_date()) {
    violations.Add("comments_due_date", "is required: the day by which comments are asked for (section 55(4))");
  } else if (!due) {
    violations.Add("comments_due_date", "is not a full date");
  } else if (*due < doer.today) {
    violations.Add("comments_due_date", "lies in the past");
  }
  RETURN_IF_ERROR(violations.ToStatus());
  RETURN_IF_ERROR(RequireState(response, v1::Response::OPEN));
  v1::ChiefOfficerPart& part = *response.mutable_chief_officer();
  if (!part.has_invited_time()) {
    *part.mutable_invited_time() = base::ToTimestamp(doer.now);
  }
  if (base::ToCivilDay(part.comments_due_date()) != due) {
    part.clear_no_comments_time();
  }
  *part.mutable_comments_due_date() = request.comments_due_date();
  return absl::OkStatus();
}

absl::Status AddContributions(const v1::SubmitChiefOfficerCommentsRequest& request, const Doer& doer,
                              v1::Response& response) {
  Violations violations;
  std::vector<v1::Contribution> contributions = CheckContributions(request, response, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  RETURN_IF_ERROR(RequireState(response, v1::Response::OPEN));
  v1::ChiefOfficerPart& part = *response.mutable_chief_officer();
  for (v1::Contribution& contribution : contributions) {
    auto& all = *part.mutable_contributions();
    const auto earlier = std::find_if(all.begin(), all.end(), [&](const v1::Contribution& other) {
      return !contribution.id().empty() && other.id() == contribution.id();
    });
    if (contribution.id().empty()) {
      contribution.set_id(NextContributionId(part));
    }
    *(earlier == all.end() ? all.Add() : &*earlier) = std::move(contribution);
  }
  part.clear_no_comments_time();
  *part.mutable_commented_time() = base::ToTimestamp(doer.now);
  if (const size_t bytes = ForceBytes(response); bytes > base::kLargestForcePart) {
    violations.Add("contributions", fmt::format("makes the chief officer's comments {} bytes long; at most {} are "
                                                "allowed in all",
                                                bytes, base::kLargestForcePart));
  }
  return violations.ToStatus();
}

absl::Status WithdrawContributions(const v1::WithdrawChiefOfficerCommentsRequest& request, v1::Response& response) {
  Violations violations;
  if (request.contribution_ids().empty()) {
    violations.Add("contribution_ids", "is required");
  }
  std::set<std::string_view> ids;
  for (int i = 0; i < request.contribution_ids_size(); ++i) {
    const std::string field = fmt::format("contribution_ids[{}]", i);
    base::CheckResourceId(field, request.contribution_ids(i), violations);
    if (!ids.insert(request.contribution_ids(i)).second) {
      violations.Add(field, "stands twice in this request");
    }
  }
  RETURN_IF_ERROR(violations.ToStatus());
  RETURN_IF_ERROR(RequireState(response, v1::Response::OPEN));
  v1::ChiefOfficerPart& part = *response.mutable_chief_officer();
  auto& all = *part.mutable_contributions();
  for (const std::string_view id : ids) {
    const auto withdrawn =
        std::find_if(all.begin(), all.end(), [&](const v1::Contribution& other) { return other.id() == id; });
    if (withdrawn == all.end()) {
      return base::NotFound(fmt::format("{}: contribution {}", response.name(), id));
    }
    all.erase(withdrawn);
  }
  if (all.empty()) {
    part.clear_commented_time();
  }
  return absl::OkStatus();
}

absl::Status RecordNoComments(const Doer& doer, v1::Response& response) {
  RETURN_IF_ERROR(RequireState(response, v1::Response::OPEN));
  v1::ChiefOfficerPart& part = *response.mutable_chief_officer();
  if (!part.has_invited_time()) {
    return base::Error(
        absl::StatusCode::kFailedPrecondition, "NOT_INVITED",
        "the chief officer was not invited to comment yet (section 55(4)): use InviteChiefOfficer first");
  }
  if (!part.contributions().empty()) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "HAS_COMMENTS", "the chief officer has commented");
  }
  const auto day = base::ToCivilDay(part.comments_due_date());
  if (!doer.for_force && day && doer.today <= *day) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "COMMENTS_STILL_INVITED",
                       fmt::format("the chief officer has until {} to comment, and only they can say before then that "
                                   "there are no comments",
                                   calendar::FormatDate(*day)));
  }
  *part.mutable_no_comments_time() = base::ToTimestamp(doer.now);
  return absl::OkStatus();
}

bool RecordSilence(absl::Time now, absl::CivilDay today, v1::Response& response) {
  const auto day = AwaitsChiefOfficerUntil(response);
  if (!day || today <= *day) {
    return false;
  }
  *response.mutable_chief_officer()->mutable_no_comments_time() = base::ToTimestamp(now);
  return true;
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
  std::vector<v1::Answer> answers;
  if (paths.contains("answers")) {
    answers = CheckAnswers(update, response, violations);
  }
  RETURN_IF_ERROR(violations.ToStatus());
  RETURN_IF_ERROR(RequireState(response, v1::Response::OPEN));

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
    MergeAnswers(answers, response);
  }
  NoteWriter(doer, response);
  return CheckOfficeSize(paths, response);
}

absl::Status Submit(const Doer& doer, v1::Response& response) {
  RETURN_IF_ERROR(RequireState(response, v1::Response::OPEN));
  std::string missing;
  for (const auto& gap : FindGaps(response, doer.today)) {
    if (gap.blocks_submission()) {
      missing += fmt::format("{}{} ({})", missing.empty() ? "" : " ", gap.message(), gap.provision());
    }
  }
  if (!missing.empty()) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "INCOMPLETE", "cannot be submitted yet: " + missing,
                       {{"resource", response.name()}});
  }
  RecordSilence(doer.now, doer.today, response);
  *response.mutable_submission() = StepBy(doer);
  return base::Move(kTransitions, response, v1::Response::IN_REVIEW);
}

absl::Status Return(const v1::ReturnResponseRequest& request, const Doer& doer, v1::Response& response) {
  Violations violations;
  base::CheckText("reason", request.reason(), kMostReason, Presence::kRequired, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  RETURN_IF_ERROR(RequireState(response, v1::Response::IN_REVIEW));
  *response.mutable_last_return() = StepBy(doer, request.reason());
  response.clear_submission();
  return base::Move(kTransitions, response, v1::Response::OPEN);
}

absl::Status Approve(const Doer& doer, v1::Response& response) {
  RETURN_IF_ERROR(RequireState(response, v1::Response::IN_REVIEW));
  if (HasWritten(response, doer.actor)) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "SECOND_PERSON_NEEDED",
                       "whoever wrote or submitted a response cannot approve it; a second person must",
                       {{"resource", response.name()}});
  }
  *response.mutable_approval() = StepBy(doer);
  response.clear_refusal();
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
  return base::Move(kTransitions, response, v1::Response::IN_REVIEW);
}

}  // namespace section55::authoring::rules
