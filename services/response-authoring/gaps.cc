#include "services/response-authoring/gaps.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "libs/base/checks.h"
#include "libs/base/limits.h"
#include "libs/base/proto_time.h"
#include "libs/calendar/format.h"
#include "libs/calendar/rules.h"
#include "libs/document/check.h"
#include "services/response-authoring/answers.h"
#include "services/response-authoring/checks.h"
#include "services/response-authoring/pasted_text.h"

namespace section55::authoring::rules {
namespace {

using document::IsBlankMarkdown;

v1::Gap MakeGap(std::string_view part, std::string_view provision, std::string_view message) {
  v1::Gap gap;
  gap.set_part(std::string(part));
  gap.set_provision(std::string(provision));
  gap.set_message(std::string(message));
  return gap;
}

// What the office's own template asks for, or what is usual.
v1::Gap Advice(std::string_view part, std::string_view provision, std::string_view message) {
  v1::Gap gap = MakeGap(part, provision, message);
  gap.set_source(v1::Gap::TEMPLATE);
  return gap;
}

std::string Heading(const registry::v1::Finding& finding) {
  return finding.number().empty() || finding.kind() != registry::v1::Finding::RECOMMENDATION
             ? finding.id()
             : fmt::format("recommendation {}", finding.number());
}

std::string PartOf(const registry::v1::Finding& finding) { return fmt::format("answers/{}", finding.id()); }

// What section 55(5B) still asks for one recommendation; nothing when it is answered.
std::optional<v1::Gap> AnswerGap(const v1::Response& response, const registry::v1::Finding& finding,
                                 const v1::Answer& answer) {
  const auto gap = [&](std::string_view provision, std::string message) {
    return MakeGap(PartOf(finding), provision, message);
  };
  if (answer.kind() == v1::Answer::KIND_UNSPECIFIED) {
    return gap("section 55(5B)",
               fmt::format("Say for {} what action was taken or is proposed, or why none is.", Heading(finding)));
  }
  const std::string_view provision = answer.kind() == v1::Answer::NO_ACTION ? "section 55(5B)(b)" : "section 55(5B)(a)";
  for (const std::string& id : answer.adopted_contributions()) {
    if (FindContribution(response, id) == nullptr) {
      return gap(provision,
                 fmt::format("The chief officer has withdrawn the comment {} that explains {}: adopt another, "
                             "or explain it yourself.",
                             id, Heading(finding)));
    }
  }
  if (Adopts(response, answer)) {
    return std::nullopt;
  }
  if (IsBlankMarkdown(answer.explanation())) {
    return gap(provision, answer.kind() == v1::Answer::NO_ACTION
                              ? fmt::format("Explain why no action is taken or proposed on {}.", Heading(finding))
                              : fmt::format("Explain the action taken or proposed on {}.", Heading(finding)));
  }
  if (IsPastedBack(answer.explanation(), finding.text())) {
    return gap(provision, fmt::format("Explain {} in your own words: the explanation only repeats what it says.",
                                      Heading(finding)));
  }
  return std::nullopt;
}

// What the office's own form asks of an answer that is there.
std::optional<v1::Gap> AnswerAdvice(const registry::v1::Finding& finding, const v1::Answer& answer, bool is_needed) {
  const auto advice = [&](std::string message) { return Advice(PartOf(finding), "", message); };
  const bool has_words = !IsBlankMarkdown(answer.explanation()) || !answer.adopted_contributions().empty();
  const bool has_kind = answer.kind() != v1::Answer::KIND_UNSPECIFIED;
  if (!is_needed && (has_words != has_kind)) {
    return advice(fmt::format("The answer to {}, which need not be answered, lacks {}.", Heading(finding),
                              has_kind ? "an explanation" : "what was done: action taken, action proposed, or none"));
  }
  if (answer.kind() != v1::Answer::ACTION_PROPOSED) {
    return std::nullopt;
  }
  const bool has_owner = !base::IsBlank(answer.owner());
  if (has_owner && answer.has_target_date()) {
    return std::nullopt;
  }
  return advice(has_owner ? fmt::format("Say by when the action proposed on {} is to be complete.", Heading(finding))
                          : fmt::format("Say who is responsible for the action proposed on {}{}.", Heading(finding),
                                        answer.has_target_date() ? "" : ", and by when it is to be complete"));
}

// The last lawful day (section 55(5A)); nothing where the law sets none, or the day of publication is not known.
std::optional<absl::CivilDay> LastLawfulDay(const v1::Response& response) {
  const auto published = base::ToCivilDay(response.report().publication_date());
  if (response.report().basis() != registry::v1::Inspection::STATUTE_S55 || !published) {
    return std::nullopt;
  }
  const auto explained = calendar::Explain(calendar::kSection55Rule, *published);
  return explained.ok() ? explained->due_date : std::nullopt;
}

// Every text in Markdown that was written, with its part and what to call it.
void ForEachText(
    const v1::Response& response,
    absl::FunctionRef<void(const std::string& part, std::string_view name, const std::string& text)> each) {
  each("key_findings", "the key findings", response.key_findings());
  each("comments", "the comments", response.comments());
  for (const v1::Answer& answer : response.answers()) {
    const std::string id = answer.finding().substr(answer.finding().rfind('/') + 1);
    each("answers/" + id, fmt::format("the answer to {}", id), answer.explanation());
  }
  each("reply_to_chief_officer", "the reply to the chief officer", response.reply_to_chief_officer());
  each("monitoring", "the monitoring", response.monitoring());
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
    gap.set_source(statutory ? v1::Gap::LAW : owed ? v1::Gap::REPORT : v1::Gap::TEMPLATE);
    gap.set_blocks_submission(blocks);
    gaps.push_back(std::move(gap));
  };

  const v1::ChiefOfficerPart& part = response.chief_officer();
  if (owed && !part.has_invited_time()) {
    needed(MakeGap("invitation", "section 55(4)", "Invite the chief officer to comment, by a day that you set."), true);
  } else if (const auto day = AwaitsChiefOfficerUntil(response); owed && day && today <= *day) {
    needed(MakeGap("invitation", "section 55(4)",
                   fmt::format("The chief officer has until {} to comment: wait for the comments, for word that there "
                               "are none, or for that day to pass.",
                               calendar::FormatDate(*day))),
           true);
  }
  if (IsBlankMarkdown(response.comments())) {
    needed(MakeGap("comments", "section 55(5)(a)", "Write the body's comments on the report."), true);
  }
  const absl::flat_hash_set<std::string_view> to_answer(response.findings_to_answer().begin(),
                                                        response.findings_to_answer().end());
  absl::flat_hash_map<std::string_view, const v1::Answer*> answers;
  for (const v1::Answer& answer : response.answers()) {
    answers.emplace(answer.finding(), &answer);
  }
  std::vector<v1::Gap> advice;
  for (const registry::v1::Finding& finding : response.report().findings()) {
    const std::string name = FindingName(response, finding);
    const auto found = answers.find(name);
    const v1::Answer& answer = found == answers.end() ? v1::Answer::default_instance() : *found->second;
    const bool is_needed = to_answer.contains(name);
    if (auto gap = is_needed ? AnswerGap(response, finding, answer) : std::nullopt) {
      gap->set_finding(name);
      needed(*std::move(gap), owed);
    } else if (auto also = AnswerAdvice(finding, answer, is_needed)) {
      also->set_finding(name);
      advice.push_back(*std::move(also));
    }
  }
  const bool adopts = std::any_of(response.answers().begin(), response.answers().end(),
                                  [&](const v1::Answer& answer) { return Adopts(response, answer); });
  if (const size_t bytes = adopts ? OfficeBytes(ForPublication(response)) : 0; bytes > base::kLargestBodyPart) {
    v1::Gap gap =
        MakeGap("answers", "",
                fmt::format("With the comments that are adopted, what the office has written is {} bytes long; "
                            "at most {} can be published: adopt fewer, or write less.",
                            bytes, base::kLargestBodyPart));
    gap.set_source(v1::Gap::PLATFORM);
    gap.set_blocks_submission(true);
    gaps.push_back(std::move(gap));
  }
  // What blocks comes first; the rest is good practice.
  std::stable_partition(gaps.begin(), gaps.end(), [](const v1::Gap& gap) { return gap.blocks_submission(); });
  if (!part.contributions().empty() && IsBlankMarkdown(response.reply_to_chief_officer())) {
    gaps.push_back(Advice("reply_to_chief_officer", "section 55(5)(c)",
                          "Reply to the chief officer's comments, if you have a reply."));
  }
  if (IsBlankMarkdown(response.key_findings())) {
    gaps.push_back(Advice("key_findings", "", "Sum up the report's key findings."));
  }
  if (IsBlankMarkdown(response.monitoring())) {
    gaps.push_back(Advice("monitoring", "", "Say how progress will be monitored and when an update is expected."));
  }
  if (base::IsBlank(response.signatory().name())) {
    gaps.push_back(Advice("signatory", "", "Name who signs the response."));
  }
  gaps.insert(gaps.end(), std::make_move_iterator(advice.begin()), std::make_move_iterator(advice.end()));
  return gaps;
}

bool HasWritten(const v1::Response& response, std::string_view person) {
  return person == response.submission().actor() ||
         std::any_of(response.writers().begin(), response.writers().end(),
                     [&](const v1::Writer& writer) { return writer.person() == person; });
}

std::vector<v1::Gap> FindWarnings(const v1::Response& response, std::string_view person, bool may_approve) {
  std::vector<v1::Gap> warnings;
  const auto warn = [&](std::string_view part, std::string_view provision, const std::string& message) -> v1::Gap& {
    return warnings.emplace_back(MakeGap(part, provision, message));
  };
  if (may_approve && HasWritten(response, person)) {
    warn("", "", "You have written or submitted this response, so you cannot approve it: a second person must.");
  }
  for (const v1::Writer& writer : response.writers()) {
    if (writer.may_approve() && writer.person() != person) {
      warn("", "",
           fmt::format("{} may approve responses but has written in this one, so cannot approve it: a second person "
                       "must.",
                       writer.person()));
    }
  }
  const auto last_day = LastLawfulDay(response);
  const auto asked_until = base::ToCivilDay(response.chief_officer().comments_due_date());
  if (AwaitsChiefOfficerUntil(response) && last_day && asked_until >= last_day) {
    warn("invitation", "section 55(5A)",
         fmt::format("The chief officer has until {} to comment, and the last lawful day to publish is {}.",
                     calendar::FormatDate(*asked_until), calendar::FormatDate(*last_day)));
  }
  for (const v1::Answer& answer : response.answers()) {
    for (const std::string& id : answer.adopted_contributions()) {
      const v1::Contribution* adopted = FindContribution(response, id);
      if (adopted != nullptr &&
          base::FromTimestamp(adopted->update_time()) > base::FromTimestamp(answer.adopt_time())) {
        const std::string finding = answer.finding().substr(answer.finding().rfind('/') + 1);
        warn("answers/" + finding, "",
             fmt::format("The chief officer has changed the comment {} since it was adopted for {}: read it again.", id,
                         finding))
            .set_finding(answer.finding());
      }
    }
  }
  ForEachText(response, [&](const std::string& part, std::string_view name, const std::string& text) {
    if (LooksPasted(text)) {
      warn(part, "",
           fmt::format(
               "The text of {} looks pasted: bullets that are characters, tabs, runs of spaces or indented lines, "
               "which are not published as they look. NormaliseText brings them into Markdown.",
               name));
    }
  });
  return warnings;
}

}  // namespace section55::authoring::rules
