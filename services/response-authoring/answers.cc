#include "services/response-authoring/answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>
#include <utility>

#include "libs/base/checks.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/document/check.h"
#include "libs/search/words.h"
#include "services/response-authoring/gaps.h"

namespace section55::authoring::rules {
namespace {

using base::Presence;
using base::Violations;
using document::IsBlankMarkdown;

// Of what an answer says: not when it was saved, nor with which it was written.
std::string EtagOf(const v1::Answer& answer) {
  v1::Answer said = answer;
  said.clear_etag();
  said.clear_adopt_time();
  said.clear_same_words_as();
  constexpr size_t kDigits = 16;
  return base::Sha256Hex(said.SerializeAsString()).substr(0, kDigits);
}

bool SaysNothing(const v1::Answer& answer) {
  return answer.kind() == v1::Answer::KIND_UNSPECIFIED && IsBlankMarkdown(answer.explanation()) &&
         answer.adopted_contributions().empty();
}

void CheckAnswer(const std::string& field, const v1::Answer& answer, const v1::Response& response,
                 Violations& violations) {
  if (!v1::Answer::Kind_IsValid(answer.kind())) {
    violations.Add(field + ".kind", "is not a kind of answer");
  }
  document::CheckMarkdown(field + ".explanation", answer.explanation(), kMostMarkdown, Presence::kOptional, violations);
  base::CheckName(field + ".owner", answer.owner(), kMostWords, Presence::kOptional, violations);
  if (answer.has_target_date() && !base::ToCivilDay(answer.target_date())) {
    violations.Add(field + ".target_date", "is not a full date");
  }
  std::set<std::string_view> seen;
  for (int i = 0; i < answer.adopted_contributions_size(); ++i) {
    const std::string& id = answer.adopted_contributions(i);
    const std::string place = fmt::format("{}.adopted_contributions[{}]", field, i);
    if (FindContribution(response, id) == nullptr) {
      violations.Add(place, fmt::format("the chief officer has submitted no contribution \"{}\"", id));
    } else if (!seen.insert(id).second) {
      violations.Add(place, "stands twice in this answer");
    }
  }
}

// What the platform sets.
void ClearOutput(v1::Answer& answer) {
  answer.clear_adopt_time();
  answer.clear_same_words_as();
  answer.clear_etag();
}

std::string FindingId(std::string_view name) { return std::string(name.substr(name.rfind('/') + 1)); }

// A name as Markdown shows it, whatever stands in it.
std::string EscapeMarkdown(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (std::ispunct(static_cast<unsigned char>(c)) != 0) {
      escaped += '\\';
    }
    escaped += c;
  }
  return escaped;
}

// As a block quote: nothing that stands in it, be it a code block that nobody ended, reaches what follows.
std::string Quote(std::string_view text) {
  std::string quoted = "> ";
  for (const char c : text) {
    // A carriage return alone ends a line of Markdown too; before a line feed it makes an empty one more.
    quoted += c == '\r' ? '\n' : c;
    if (quoted.back() == '\n') {
      quoted += "> ";
    }
  }
  return quoted;
}

std::string PublishedExplanation(const v1::Response& response, const v1::Answer& answer) {
  std::string text;
  for (const std::string& id : answer.adopted_contributions()) {
    if (const v1::Contribution* adopted = FindContribution(response, id)) {
      text += fmt::format("Adopted as this body\u2019s own explanation: the comments of {}, {}.\n\n{}\n\n",
                          EscapeMarkdown(adopted->author()), EscapeMarkdown(adopted->rank()), Quote(adopted->text()));
    }
  }
  return text.empty() ? answer.explanation() : text + answer.explanation();
}

// Its words as a search compares them, each between spaces: " the action taken ".
std::string WordsOf(std::string_view text) {
  std::string words = " ";
  for (const search::Word& word : search::WordsOf(text)) {
    words.append(word.folded) += ' ';
  }
  return words;
}

}  // namespace

const v1::Contribution* FindContribution(const v1::Response& response, std::string_view id) {
  for (const v1::Contribution& contribution : response.chief_officer().contributions()) {
    if (contribution.id() == id) {
      return &contribution;
    }
  }
  return nullptr;
}

bool Adopts(const v1::Response& response, const v1::Answer& answer) {
  return std::any_of(answer.adopted_contributions().begin(), answer.adopted_contributions().end(),
                     [&](const std::string& id) { return FindContribution(response, id) != nullptr; });
}

std::vector<v1::Answer> CheckAnswers(std::string_view field, const Answers& given, const v1::Response& response,
                                     Violations& violations) {
  std::vector<v1::Answer> answers;
  std::set<std::string> seen;
  for (int i = 0; i < given.size(); ++i) {
    v1::Answer answer = given[i];
    const std::string place = fmt::format("{}[{}]", field, i);
    if (const auto finding = FindFinding(place + ".finding", response, answer.finding(), violations)) {
      answer.set_finding(*finding);
    }
    if (!seen.insert(answer.finding()).second) {
      violations.Add(place + ".finding", "is answered twice in this request");
    }
    CheckAnswer(place, answer, response, violations);
    ClearOutput(answer);
    answers.push_back(std::move(answer));
  }
  return answers;
}

absl::Status CheckAnswerEtags(const Answers& given, const v1::Response& response) {
  for (const v1::Answer& answer : given) {
    const std::string id = FindingId(answer.finding());
    const auto current = std::find_if(response.answers().begin(), response.answers().end(),
                                      [&](const v1::Answer& other) { return FindingId(other.finding()) == id; });
    RETURN_IF_ERROR(base::CheckEtag(fmt::format("{}/answers/{}", response.name(), id), answer.etag(),
                                    current == response.answers().end() ? "" : current->etag()));
  }
  return absl::OkStatus();
}

void MergeAnswers(std::vector<v1::Answer> given, absl::Time now, v1::Response& response) {
  for (v1::Answer& answer : given) {
    answer.set_etag(EtagOf(answer));
    if (!answer.adopted_contributions().empty()) {
      *answer.mutable_adopt_time() = base::ToTimestamp(now);
    }
  }
  Answers earlier;
  earlier.Swap(response.mutable_answers());
  for (const auto& finding : response.report().findings()) {
    const std::string name = FindingName(response, finding);
    const auto about = [&](const v1::Answer& answer) { return answer.finding() == name; };
    const auto changed = std::find_if(given.begin(), given.end(), about);
    if (changed != given.end()) {
      if (!SaysNothing(*changed)) {
        *response.add_answers() = std::move(*changed);
      }
    } else if (const auto kept = std::find_if(earlier.begin(), earlier.end(), about); kept != earlier.end()) {
      *response.add_answers() = std::move(*kept);
    }
  }
}

absl::Status AnswerTogether(const v1::AnswerTogetherRequest& request, const Doer& doer, v1::Response& response) {
  Violations violations;
  if (request.findings().empty()) {
    violations.Add("findings", "is required: name each finding that is answered like this");
  }
  v1::Answer answer = request.answer();
  for (const auto& [field, stands] :
       {std::pair("answer.finding", !answer.finding().empty()), std::pair("answer.etag", !answer.etag().empty())}) {
    if (stands) {
      violations.Add(field, "must be empty: the answer is for each of the findings");
    }
  }
  if (answer.kind() == v1::Answer::KIND_UNSPECIFIED) {
    violations.Add("answer.kind", "is required");
  }
  if (IsBlankMarkdown(answer.explanation()) && answer.adopted_contributions().empty()) {
    violations.Add("answer.explanation", "is required, or a contribution to adopt");
  }
  CheckAnswer("answer", answer, response, violations);
  ClearOutput(answer);
  std::vector<v1::Answer> answers;
  for (int i = 0; i < request.findings_size(); ++i) {
    const std::string field = fmt::format("findings[{}]", i);
    const auto finding = FindFinding(field, response, request.findings(i), violations);
    if (!finding) {
      continue;
    }
    if (std::any_of(answers.begin(), answers.end(),
                    [&](const v1::Answer& other) { return other.finding() == *finding; })) {
      violations.Add(field, "stands twice in this request");
      continue;
    }
    v1::Answer& copy = answers.emplace_back(answer);
    copy.set_finding(*finding);
    if (i > 0) {
      copy.set_same_words_as(answers.front().finding());
    }
  }
  RETURN_IF_ERROR(violations.ToStatus());
  RETURN_IF_ERROR(RequireState(response, v1::Response::OPEN));
  MergeAnswers(std::move(answers), doer.now, response);
  NoteWriter(doer, response);
  RETURN_IF_ERROR(CheckFrameSize("answer", response));
  return CheckOfficeSize({"answer"}, response);
}

bool IsPastedBack(std::string_view explanation, std::string_view recommendation) {
  const std::string said = WordsOf(explanation);
  const std::string asked = WordsOf(recommendation);
  // So few words that the same ones are no pasting.
  constexpr std::ptrdiff_t kFew = 5;
  // What may stand beside them: "Recommendation 5 says".
  constexpr std::ptrdiff_t kBeside = 3;
  const auto count = [](const std::string& words) { return std::count(words.begin(), words.end(), ' ') - 1; };
  if (count(said) < kFew || count(asked) < kFew) {
    return false;
  }
  return asked.find(said) != std::string::npos ||
         (count(said) - count(asked) <= kBeside && said.find(asked) != std::string::npos);
}

v1::Response ForPublication(const v1::Response& response) {
  v1::Response published = response;
  for (v1::Answer& answer : *published.mutable_answers()) {
    answer.set_explanation(PublishedExplanation(response, answer));
    answer.clear_adopted_contributions();
    ClearOutput(answer);
    answer.set_etag(EtagOf(answer));
  }
  published.clear_marks();
  published.clear_exemption();
  return published;
}

}  // namespace section55::authoring::rules
