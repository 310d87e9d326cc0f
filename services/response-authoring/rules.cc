#include "services/response-authoring/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/base/checks.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/calendar/format.h"
#include "services/response-authoring/states.h"

namespace section55::authoring::rules {
namespace {

using base::CheckText;
using base::Presence;
using base::Violations;

constexpr size_t kMostMarkdown = 50'000;
constexpr size_t kMostWords = 200;
constexpr size_t kMostReason = 5'000;

// The finding that a request names, by its resource name or by its id alone.
const v1::ResponseFinding* FindFinding(const v1::Response& response, std::string_view reference) {
  for (const auto& finding : response.findings()) {
    if (finding.name() == reference || finding.finding().id() == reference) {
      return &finding;
    }
  }
  return nullptr;
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

// A response that has outgrown its event is refused before it is saved.
absl::Status CheckSize(const v1::Response& response, std::string_view field) {
  if (const size_t size = response.ByteSizeLong(); size > kMostResponseBytes) {
    Violations violations;
    violations.Add(field, fmt::format("makes the response {} bytes long; at most {} are allowed in all", size,
                                      kMostResponseBytes));
    return violations.ToStatus();
  }
  return absl::OkStatus();
}

const v1::Answer* FindAnswer(const v1::Response& response, std::string_view finding) {
  for (const auto& answer : response.answers()) {
    if (answer.finding() == finding) {
      return &answer;
    }
  }
  return nullptr;
}

// Sets or replaces the answers given, finding by finding, and keeps all in the order of the findings.
void MergeAnswers(const std::vector<v1::Answer>& given, v1::Response& response) {
  google::protobuf::RepeatedPtrField<v1::Answer> earlier;
  earlier.Swap(response.mutable_answers());
  for (const auto& finding : response.findings()) {
    const auto about = [&](const v1::Answer& answer) { return answer.finding() == finding.name(); };
    const auto changed = std::find_if(given.begin(), given.end(), about);
    if (changed != given.end()) {
      const bool removed = changed->kind() == v1::Answer::KIND_UNSPECIFIED && base::IsBlank(changed->explanation());
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
    if (const auto* finding = FindFinding(response, answer.finding())) {
      answer.set_finding(finding->name());
    } else {
      NoSuchFinding(field + ".finding", answer.finding(), response, violations);
    }
    if (!seen.insert(answer.finding()).second) {
      violations.Add(field + ".finding", "is answered twice in this request");
    }
    if (!v1::Answer::Kind_IsValid(answer.kind())) {
      violations.Add(field + ".kind", "is not a kind of answer");
    }
    CheckText(field + ".explanation", answer.explanation(), kMostMarkdown, Presence::kOptional, violations);
    CheckText(field + ".owner", answer.owner(), kMostWords, Presence::kOptional, violations);
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

bool Owed(const v1::Response& response) { return response.report().basis() != registry::v1::Inspection::VOLUNTARY; }

std::string Heading(const v1::ResponseFinding& finding) {
  return finding.finding().number().empty() ? finding.finding().id()
                                            : fmt::format("recommendation {}", finding.finding().number());
}

// What section 55(5B) still asks for one recommendation; nothing when it is answered.
std::optional<v1::Gap> AnswerGap(const v1::Response& response, const v1::ResponseFinding& finding) {
  const v1::Answer* answer = FindAnswer(response, finding.name());
  v1::Gap gap;
  gap.set_finding(finding.name());
  if (answer == nullptr || answer->kind() == v1::Answer::KIND_UNSPECIFIED) {
    gap.set_provision("section 55(5B)");
    gap.set_message(fmt::format("Say for {} what action was taken or is proposed, or why none is.", Heading(finding)));
  } else if (base::IsBlank(answer->explanation()) && answer->kind() == v1::Answer::NO_ACTION) {
    gap.set_provision("section 55(5B)(b)");
    gap.set_message(fmt::format("Explain why no action is taken or proposed on {}.", Heading(finding)));
  } else if (base::IsBlank(answer->explanation())) {
    gap.set_provision("section 55(5B)(a)");
    gap.set_message(fmt::format("Explain the action taken or proposed on {}.", Heading(finding)));
  } else {
    return std::nullopt;
  }
  return gap;
}

}  // namespace

absl::StatusOr<ResponseId> ParseResponseName(std::string_view name, std::string_view field) {
  const auto parts = base::ParseName(name, "bodies/{body}/responses/{inspection}");
  if (!parts) {
    Violations violations;
    violations.Add(field, "must have the form bodies/{body}/responses/{inspection}");
    return violations.ToStatus();
  }
  return ResponseId{(*parts)[0], (*parts)[1]};
}

v1::Response Open(const registry::v1::Inspection& inspection, const registry::v1::Obligation& obligation,
                  absl::Time now) {
  const std::set<std::string> to_answer(obligation.findings_to_answer().begin(), obligation.findings_to_answer().end());
  v1::Response response;
  const std::string id = inspection.name().substr(std::string_view("inspections/").size());
  response.set_name(fmt::format("{}/responses/{}", obligation.body().name(), id));
  response.set_inspection(inspection.name());
  *response.mutable_report() = inspection;
  response.mutable_report()->clear_findings();
  *response.mutable_body() = obligation.body();
  *response.mutable_force() = obligation.force();
  for (const auto& finding : inspection.findings()) {
    auto* copy = response.add_findings();
    copy->set_name(fmt::format("{}/findings/{}", inspection.name(), finding.id()));
    *copy->mutable_finding() = finding;
    copy->set_answer_required(to_answer.contains(copy->name()));
  }
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
  auto* part = response.mutable_chief_officer();
  if (!part->has_invited_time()) {
    *part->mutable_invited_time() = base::ToTimestamp(doer.now);
  }
  *part->mutable_comments_due_date() = request.comments_due_date();
  return absl::OkStatus();
}

absl::Status AddContributions(const v1::SubmitChiefOfficerCommentsRequest& request, const Doer& doer,
                              v1::Response& response) {
  Violations violations;
  if (request.contributions().empty()) {
    violations.Add("contributions", "is required; to say that there are no comments, use RecordNoComments");
  }
  std::vector<v1::Contribution> contributions;
  std::set<std::pair<std::string, std::string>> seen;
  for (int i = 0; i < request.contributions_size(); ++i) {
    v1::Contribution contribution = request.contributions(i);
    const std::string field = fmt::format("contributions[{}]", i);
    CheckText(field + ".author", contribution.author(), kMostWords, Presence::kRequired, violations);
    CheckText(field + ".rank", contribution.rank(), kMostWords, Presence::kRequired, violations);
    CheckText(field + ".text", contribution.text(), kMostMarkdown, Presence::kRequired, violations);
    if (!contribution.finding().empty()) {
      if (const auto* finding = FindFinding(response, contribution.finding())) {
        contribution.set_finding(finding->name());
      } else {
        NoSuchFinding(field + ".finding", contribution.finding(), response, violations);
      }
    }
    if (!seen.emplace(contribution.author(), contribution.finding()).second) {
      violations.Add(field, "is the second by this author on the same finding in this request");
    }
    contributions.push_back(std::move(contribution));
  }
  RETURN_IF_ERROR(violations.ToStatus());
  RETURN_IF_ERROR(RequireState(response, v1::Response::OPEN));
  v1::ChiefOfficerPart& part = *response.mutable_chief_officer();
  for (auto& contribution : contributions) {
    auto& all = *part.mutable_contributions();
    const auto earlier = std::find_if(all.begin(), all.end(), [&](const v1::Contribution& other) {
      return other.author() == contribution.author() && other.finding() == contribution.finding();
    });
    *(earlier == all.end() ? all.Add() : &*earlier) = std::move(contribution);
  }
  part.clear_no_comments_time();
  *part.mutable_commented_time() = base::ToTimestamp(doer.now);
  return CheckSize(response, "contributions");
}

absl::Status RecordNoComments(const Doer& doer, v1::Response& response) {
  RETURN_IF_ERROR(RequireState(response, v1::Response::OPEN));
  auto* part = response.mutable_chief_officer();
  if (!part->has_invited_time()) {
    return base::Error(
        absl::StatusCode::kFailedPrecondition, "NOT_INVITED",
        "the chief officer was not invited to comment yet (section 55(4)): use InviteChiefOfficer first");
  }
  if (!part->contributions().empty()) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "HAS_COMMENTS", "the chief officer has commented");
  }
  *part->mutable_no_comments_time() = base::ToTimestamp(doer.now);
  return absl::OkStatus();
}

absl::Status Update(const v1::UpdateResponseRequest& request, const Doer& doer, v1::Response& response) {
  Violations violations;
  const v1::Response& update = request.response();
  const Paths paths = PathsToSet(request, violations);
  for (const auto& field : kTextFields) {
    if (paths.contains(field.path)) {
      CheckText(fmt::format("response.{}", field.path), (update.*field.get)(), kMostMarkdown, Presence::kOptional,
                violations);
    }
  }
  for (const auto& field : kSignatoryFields) {
    if (paths.contains("signatory") || paths.contains(field.path)) {
      CheckText(fmt::format("response.{}", field.path), (update.signatory().*field.get)(), kMostWords,
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
  auto& writers = *response.mutable_writers();
  if (std::find(writers.begin(), writers.end(), doer.actor) == writers.end()) {
    *writers.Add() = doer.actor;
  }
  return CheckSize(response, "response");
}

std::vector<v1::Gap> FindGaps(const v1::Response& response, absl::CivilDay today) {
  const bool statutory = response.report().basis() == registry::v1::Inspection::STATUTE_S55;
  const bool owed = Owed(response);
  std::vector<v1::Gap> gaps;
  const auto needed = [&](std::string_view provision, std::string_view message, bool blocks) {
    v1::Gap gap;
    gap.set_provision(std::string(provision));
    gap.set_message(std::string(message));
    gap.set_statutory(statutory);
    gap.set_blocks_submission(blocks);
    gaps.push_back(std::move(gap));
  };
  const auto advised = [&](std::string_view provision, std::string_view message) {
    v1::Gap gap;
    gap.set_provision(std::string(provision));
    gap.set_message(std::string(message));
    gaps.push_back(std::move(gap));
  };

  const auto& part = response.chief_officer();
  const bool silent = part.contributions().empty() && !part.has_no_comments_time();
  if (owed && !part.has_invited_time()) {
    needed("section 55(4)", "Invite the chief officer to comment, by a day that you set.", true);
  } else if (owed && silent && today <= *base::ToCivilDay(part.comments_due_date())) {
    needed(
        "section 55(4)",
        fmt::format("The chief officer has until {} to comment; wait for the comments, or record that there are none.",
                    calendar::FormatDate(*base::ToCivilDay(part.comments_due_date()))),
        true);
  }
  if (base::IsBlank(response.comments())) {
    needed("section 55(5)(a)", "Write the body's comments on the report.", true);
  }
  for (const auto& finding : response.findings()) {
    if (!finding.answer_required()) {
      continue;
    }
    if (auto gap = AnswerGap(response, finding)) {
      gap->set_statutory(statutory);
      gap->set_blocks_submission(owed);
      gaps.push_back(*std::move(gap));
    }
  }
  // What blocks comes first; the rest is good practice.
  std::stable_partition(gaps.begin(), gaps.end(), [](const v1::Gap& gap) { return gap.blocks_submission(); });
  if (owed && part.has_invited_time() && silent && today > *base::ToCivilDay(part.comments_due_date())) {
    advised("section 55(4)", "Record that the chief officer made no comments.");
  }
  if (!part.contributions().empty() && base::IsBlank(response.reply_to_chief_officer())) {
    advised("section 55(5)(c)", "Reply to the chief officer's comments, if you have a reply.");
  }
  if (base::IsBlank(response.key_findings())) {
    advised("", "Sum up the report's key findings.");
  }
  if (base::IsBlank(response.monitoring())) {
    advised("", "Say how progress will be monitored and when an update is expected.");
  }
  if (base::IsBlank(response.signatory().name())) {
    advised("", "Name who signs the response.");
  }
  return gaps;
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
  *response.mutable_submission() = StepBy(doer);
  return Move(response, v1::Response::IN_REVIEW);
}

absl::Status Return(const v1::ReturnResponseRequest& request, const Doer& doer, v1::Response& response) {
  Violations violations;
  CheckText("reason", request.reason(), kMostReason, Presence::kRequired, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  RETURN_IF_ERROR(RequireState(response, v1::Response::IN_REVIEW));
  *response.mutable_last_return() = StepBy(doer, request.reason());
  response.clear_submission();
  return Move(response, v1::Response::OPEN);
}

absl::Status Approve(const Doer& doer, v1::Response& response) {
  RETURN_IF_ERROR(RequireState(response, v1::Response::IN_REVIEW));
  const auto& writers = response.writers();
  if (doer.actor == response.submission().actor() ||
      std::find(writers.begin(), writers.end(), doer.actor) != writers.end()) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "SECOND_PERSON_NEEDED",
                       "whoever wrote or submitted a response cannot approve it; a second person must",
                       {{"resource", response.name()}});
  }
  *response.mutable_approval() = StepBy(doer);
  return Move(response, v1::Response::APPROVED);
}

absl::Status MarkPublished(int edition, absl::Time published, v1::Response& response) {
  if (edition != response.edition() || response.state() == v1::Response::PUBLISHED) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(RequireState(response, v1::Response::APPROVED));
  *response.mutable_publish_time() = base::ToTimestamp(published);
  return Move(response, v1::Response::PUBLISHED);
}

void HideDraft(v1::Response& response) {
  if (response.state() == v1::Response::PUBLISHED) {
    return;
  }
  response.clear_key_findings();
  response.clear_comments();
  response.clear_answers();
  response.clear_reply_to_chief_officer();
  response.clear_monitoring();
  response.clear_signatory();
  response.clear_writers();
  response.clear_submission();
  response.clear_last_return();
  response.clear_approval();
}

}  // namespace section55::authoring::rules
