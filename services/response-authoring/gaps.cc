#include "services/response-authoring/gaps.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "libs/base/checks.h"
#include "libs/base/proto_time.h"
#include "libs/calendar/format.h"
#include "libs/document/check.h"

namespace section55::authoring::rules {
namespace {

using document::IsBlankMarkdown;

v1::Gap Advice(std::string_view provision, std::string_view message) {
  v1::Gap gap;
  gap.set_provision(std::string(provision));
  gap.set_message(std::string(message));
  return gap;
}

std::string Heading(const registry::v1::Finding& finding) {
  return finding.number().empty() ? finding.id() : fmt::format("recommendation {}", finding.number());
}

// What section 55(5B) still asks for one recommendation; nothing when it is answered.
std::optional<v1::Gap> AnswerGap(std::string_view name, const registry::v1::Finding& finding,
                                 const v1::Answer* answer) {
  v1::Gap gap;
  gap.set_finding(std::string(name));
  if (answer == nullptr || answer->kind() == v1::Answer::KIND_UNSPECIFIED) {
    gap.set_provision("section 55(5B)");
    gap.set_message(fmt::format("Say for {} what action was taken or is proposed, or why none is.", Heading(finding)));
  } else if (!IsBlankMarkdown(answer->explanation())) {
    return std::nullopt;
  } else if (answer->kind() == v1::Answer::NO_ACTION) {
    gap.set_provision("section 55(5B)(b)");
    gap.set_message(fmt::format("Explain why no action is taken or proposed on {}.", Heading(finding)));
  } else {
    gap.set_provision("section 55(5B)(a)");
    gap.set_message(fmt::format("Explain the action taken or proposed on {}.", Heading(finding)));
  }
  return gap;
}

}  // namespace

std::string FindingName(const v1::Response& response, const registry::v1::Finding& finding) {
  return fmt::format("{}/findings/{}", response.inspection(), finding.id());
}

std::optional<absl::CivilDay> AwaitsChiefOfficerUntil(const v1::Response& response) {
  const v1::ChiefOfficerPart& part = response.chief_officer();
  const bool silent = part.contributions().empty() && !part.has_no_comments_time();
  if (response.state() != v1::Response::OPEN || !part.has_invited_time() || !silent) {
    return std::nullopt;
  }
  return base::ToCivilDay(part.comments_due_date());
}

std::vector<v1::Gap> FindGaps(const v1::Response& response, absl::CivilDay today) {
  const bool statutory = response.report().basis() == registry::v1::Inspection::STATUTE_S55;
  const bool owed = response.report().basis() != registry::v1::Inspection::VOLUNTARY;
  std::vector<v1::Gap> gaps;
  const auto needed = [&](v1::Gap gap, bool blocks) {
    gap.set_statutory(statutory);
    gap.set_blocks_submission(blocks);
    gaps.push_back(std::move(gap));
  };

  const v1::ChiefOfficerPart& part = response.chief_officer();
  if (owed && !part.has_invited_time()) {
    needed(Advice("section 55(4)", "Invite the chief officer to comment, by a day that you set."), true);
  } else if (const auto day = AwaitsChiefOfficerUntil(response); owed && day && today <= *day) {
    needed(Advice("section 55(4)",
                  fmt::format("The chief officer has until {} to comment: wait for the comments, for word that there "
                              "are none, or for that day to pass.",
                              calendar::FormatDate(*day))),
           true);
  }
  if (IsBlankMarkdown(response.comments())) {
    needed(Advice("section 55(5)(a)", "Write the body's comments on the report."), true);
  }
  const absl::flat_hash_set<std::string_view> to_answer(response.findings_to_answer().begin(),
                                                        response.findings_to_answer().end());
  absl::flat_hash_map<std::string_view, const v1::Answer*> answers;
  for (const v1::Answer& answer : response.answers()) {
    answers.emplace(answer.finding(), &answer);
  }
  for (const registry::v1::Finding& finding : response.report().findings()) {
    const std::string name = FindingName(response, finding);
    if (!to_answer.contains(name)) {
      continue;
    }
    const auto answer = answers.find(name);
    if (auto gap = AnswerGap(name, finding, answer == answers.end() ? nullptr : answer->second)) {
      needed(*std::move(gap), owed);
    }
  }
  // What blocks comes first; the rest is good practice.
  std::stable_partition(gaps.begin(), gaps.end(), [](const v1::Gap& gap) { return gap.blocks_submission(); });
  if (!part.contributions().empty() && IsBlankMarkdown(response.reply_to_chief_officer())) {
    gaps.push_back(Advice("section 55(5)(c)", "Reply to the chief officer's comments, if you have a reply."));
  }
  if (IsBlankMarkdown(response.key_findings())) {
    gaps.push_back(Advice("", "Sum up the report's key findings."));
  }
  if (IsBlankMarkdown(response.monitoring())) {
    gaps.push_back(Advice("", "Say how progress will be monitored and when an update is expected."));
  }
  if (base::IsBlank(response.signatory().name())) {
    gaps.push_back(Advice("", "Name who signs the response."));
  }
  return gaps;
}

bool HasWritten(const v1::Response& response, std::string_view person) {
  return person == response.submission().actor() ||
         std::any_of(response.writers().begin(), response.writers().end(),
                     [&](const v1::Writer& writer) { return writer.person() == person; });
}

std::vector<v1::Gap> FindWarnings(const v1::Response& response, std::string_view person, bool may_approve) {
  std::vector<v1::Gap> warnings;
  if (may_approve && HasWritten(response, person)) {
    warnings.push_back(
        Advice("", "You have written or submitted this response, so you cannot approve it: a second person must."));
  }
  for (const v1::Writer& writer : response.writers()) {
    if (writer.may_approve() && writer.person() != person) {
      warnings.push_back(Advice("", fmt::format("{} may approve responses but has written in this one, so cannot "
                                                "approve it: a second person must.",
                                                writer.person())));
    }
  }
  return warnings;
}

}  // namespace section55::authoring::rules
