#include "services/publication/tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "libs/base/proto_time.h"
#include "libs/calendar/format.h"
#include "libs/document/links.h"
#include "libs/document/markdown.h"
#include "libs/document/size.h"
#include "services/publication/rules.h"
#include "services/publication/words.h"

namespace section55::publication {
namespace {

using authoring::v1::Answer;
using authoring::v1::Contribution;
using authoring::v1::Response;
using document::Element;
using document::Fact;
using document::Facts;
using document::Inlines;
using document::LinkTo;
using document::Overview;
using document::Prose;
using document::Remark;
using document::Section;
using document::Words;
using registry::v1::Finding;

std::string DateWords(const google::type::Date& date) {
  if (const auto day = base::ToCivilDay(date)) {
    return calendar::FormatDate(*day);
  }
  if (base::IsMonth(date)) {
    // "1 December 2020" without its day.
    const std::string first = calendar::FormatDate(absl::CivilDay(date.year(), date.month(), 1));
    return first.substr(first.find(' ') + 1);
  }
  return "";
}

std::string LanguageOf(registry::v1::Language language) { return language == registry::v1::LANGUAGE_WELSH ? "cy" : ""; }

Element Note(std::string text) { return {Remark{.content = Words(std::move(text)), .kind = Remark::Kind::kNote}}; }
Element Plain(std::string text) { return {Remark{.content = Words(std::move(text))}}; }

void Append(Inlines& inlines, const Inlines& more) { inlines.insert(inlines.end(), more.begin(), more.end()); }

// The parts of one response.
class TreeBuilder {
 public:
  TreeBuilder(const Response& response, const v1::PublicationRecord& record, std::string_view public_url,
              const TreeOptions& options, Budget& budget)
      : response_(response), record_(record), public_url_(public_url), options_(options), budget_(budget) {
    for (const Finding& finding : response_.report().findings()) {
      names_.insert(FindingName(response_, finding));
      by_id_.emplace(finding.id(), &finding);
    }
    to_answer_.insert(response_.findings_to_answer().begin(), response_.findings_to_answer().end());
    for (int i = 0; i < response_.answers_size(); ++i) {
      answers_.emplace(response_.answers(i).finding(), i);
    }
    for (const Finding& finding : response_.report().findings()) {
      if (IsAnswered(finding) && by_id_.contains(finding.parent())) {
        with_answers_.insert(finding.parent());
      }
    }
  }

  document::Document Build() {
    const registry::v1::Inspection& report = response_.report();
    document::Document document{
        .author = response_.body().display_name(),
        .title = fmt::format("Response to {}", report.short_title().empty() ? report.title() : report.short_title()),
        .subtitle = DutyWords(report.basis()),
        .imprint = options_.tells_of_publication ? fmt::format("{}{}", public_url_, record_.page_path()) : ""};
    document.watermark = options_.watermark;
    std::vector<Element>& content = document.content;
    if (!options_.finding.empty()) {
      for (int i = 0; i < report.findings_size(); ++i) {
        if (FindingName(response_, report.findings(i)) == options_.finding) {
          content.push_back(FindingAt(i, IsAnswered(report.findings(i))));
        }
      }
      return document;
    }
    content.push_back({Box()});
    AddGlance(content);
    AddText("key-findings", "Key findings", "response.key_findings", response_.key_findings(), "the key findings",
            content);
    content.push_back({Answered()});
    content.push_back({ChiefOfficer()});
    content.push_back({BodyPart()});
    AddOthers(content);
    if (options_.tells_of_publication) {
      content.push_back({Proof()});
    }
    return document;
  }

 private:
  // A text; none when it is empty, or too much. `label` completes the name of a table that stands in it.
  void AddProse(const std::string& field, const std::string& markdown, std::string label, std::string language,
                std::vector<Element>& content) {
    document::Blocks blocks = document::ParseMarkdown(markdown);
    const document::RenderedSize size = document::RenderedSizeOf(blocks);
    if (!blocks.empty() && budget_.Take(field, std::max(size.html, size.json))) {
      content.push_back(
          {Prose{.blocks = std::move(blocks), .language = std::move(language), .label = std::move(label)}});
    }
  }

  void AddText(std::string id, std::string heading, const std::string& field, const std::string& markdown,
               std::string label, std::vector<Element>& content) {
    Section section{.id = std::move(id), .heading = std::move(heading), .content = {}};
    AddProse(field, markdown, std::move(label), "", section.content);
    if (!section.content.empty()) {
      content.push_back({std::move(section)});
    }
  }

  // A body may answer more than it must, an area for improvement for example.
  bool IsAnswered(const Finding& finding) const {
    const std::string name = FindingName(response_, finding);
    return to_answer_.contains(name) || answers_.contains(name);
  }

  // Those answered, and what they stand under: a recommendation is not read without its cause of concern.
  bool StandsWithAnswers(const Finding& finding) const {
    return IsAnswered(finding) || with_answers_.contains(finding.id());
  }

  const Answer& AnswerTo(const Finding& finding) const {
    const auto found = answers_.find(FindingName(response_, finding));
    return found == answers_.end() ? Answer::default_instance() : response_.answers(found->second);
  }

  // --- the box

  Facts Box() const {
    const registry::v1::Inspection& report = response_.report();
    Facts box{.facts = {}, .boxed = true};
    const auto add = [&](std::string label, const std::string& value) {
      if (!value.empty()) {
        box.facts.push_back({.label = std::move(label), .value = Words(value)});
      }
    };
    if (options_.tells_of_publication) {
      box.facts.push_back(Published());
    }
    if (const auto last_day = rules::LastLawfulDay(report)) {
      add("Due", calendar::FormatDateWithWeekday(*last_day) + ", the last lawful day (day 56)");
    }
    Inlines answered = Words(report.title());
    if (const auto href = document::SafeHref(report.url())) {
      answered = LinkTo(*href, report.title());
    }
    std::string publishers, kinds;
    for (const std::string& publisher : report.publishers()) {
      publishers += (publishers.empty() ? "" : "; ") + publisher;
    }
    for (const int kind : report.kinds()) {
      kinds += (kinds.empty() ? "" : "; ") + KindWords(static_cast<registry::v1::Inspection::Kind>(kind));
    }
    box.facts.push_back({.label = "In answer to", .value = std::move(answered)});
    add("Report by", publishers);
    add("Report published", DateWords(report.publication_date()));
    add("Kind of report", kinds);
    add("Force", response_.force().display_name());
    const std::string later = record_.edition_published_time().seconds() == record_.published_time().seconds()
                                  ? ""
                                  : InstantWords(record_.edition_published_time());
    add("Edition", fmt::format("{}{}{}", response_.edition(), later.empty() ? "" : ", published ", later));
    return box;
  }

  Fact Published() const {
    Fact published{.label = "Published", .value = {}};
    const std::string instant = InstantWords(record_.published_time());
    if (instant.empty()) {
      published.value = Words(
          "This edition is being published: it can be read, and the instant from which it could be is about to be "
          "recorded.");
      return published;
    }
    if (!record_.statutory()) {
      published.value = Words(fmt::format("{}; the law sets no last day for this response", instant));
      return published;
    }
    const bool late = record_.late_by_days() > 0;
    published.mark = late ? TimelinessWords(record_) : "In time";
    published.tone = late ? document::Tone::kBad : document::Tone::kGood;
    published.value = Words(late ? fmt::format("(day {}), {}", record_.day_number(), instant)
                                 : fmt::format("({}), {}", TimelinessWords(record_), instant));
    return published;
  }

  void AddGlance(std::vector<Element>& content) const {
    Overview glance{.caption = "The answers at a glance", .columns = {"Finding", "Answer", "To be complete by"}};
    for (const Finding& finding : response_.report().findings()) {
      if (IsAnswered(finding)) {
        const Answer& answer = AnswerTo(finding);
        const std::string date = DateWords(answer.target_date());
        const std::string title =
            finding.summary().empty() ? FindingWords(finding) : FindingWords(finding) + ": " + finding.summary();
        glance.rows.push_back({LinkTo("#finding-" + finding.id(), title),
                               LinkTo("#answer-" + finding.id(), AnswerWords(answer.kind())),
                               Words(date.empty() ? "No date" : date)});
      }
    }
    if (!glance.rows.empty()) {
      content.push_back({std::move(glance)});
    }
  }

  // --- findings

  Section Answered() {
    Section section{.id = "findings", .heading = "Findings and answers", .content = {}};
    for (int i = 0; i < response_.report().findings_size(); ++i) {
      if (const Finding& finding = response_.report().findings(i); StandsWithAnswers(finding)) {
        section.content.push_back(FindingAt(i, IsAnswered(finding)));
      }
    }
    if (section.content.empty()) {
      section.content.push_back(Plain(fmt::format("The report makes no recommendation to this body or its {}.",
                                                  response_.force().chief_officer_title())));
    }
    return section;
  }

  void AddOthers(std::vector<Element>& content) {
    Section others{.id = "others", .heading = "Other findings", .content = {}};
    for (int i = 0; i < response_.report().findings_size(); ++i) {
      if (!StandsWithAnswers(response_.report().findings(i))) {
        if (others.content.empty()) {
          others.content.push_back(Note("Addressed to others, or asking for no answer from this body."));
        }
        others.content.push_back(FindingAt(i, false));
      }
    }
    if (!others.content.empty()) {
      content.push_back({std::move(others)});
    }
  }

  // A finding, the body's answer to it and the chief officer's comments on it, together.
  Element FindingAt(int index, bool answered) {
    const Finding& finding = response_.report().findings(index);
    const std::string name = FindingName(response_, finding), words = FindingWords(finding);
    Section section{.id = "finding-" + finding.id(), .heading = words, .content = {}};
    const auto parent = by_id_.find(finding.parent());
    if (!finding.parent().empty() && parent != by_id_.end()) {
      section.content.push_back(Note("Under: " + FindingWords(*parent->second)));
    }
    std::string addressees;
    for (const registry::v1::Addressee& addressee : finding.addressees()) {
      addressees += (addressees.empty() ? "" : "; ") + AddresseeWords(addressee, response_);
    }
    if (!addressees.empty()) {
      section.content.push_back(Note("Addressed to: " + addressees));
    }
    if (const std::string due = DueWords(finding.due()); !due.empty()) {
      section.content.push_back(Note("Timescale: " + due));
    }
    AddProse(fmt::format("response.report.findings[{}].text", index), finding.text(), words,
             LanguageOf(finding.language()), section.content);
    if (answered) {
      section.content.push_back(AnswerOf(finding));
    }
    for (int i = 0; i < response_.chief_officer().contributions_size(); ++i) {
      const Contribution& contribution = response_.chief_officer().contributions(i);
      if (contribution.finding() == name) {
        section.content.push_back(
            CommentAt(i, fmt::format("Comment: {}, {}", contribution.author(), contribution.rank())));
      }
    }
    return {std::move(section)};
  }

  Element AnswerOf(const Finding& finding) {
    const Answer& answer = AnswerTo(finding);
    const auto place = answers_.find(FindingName(response_, finding));
    Section section{.id = "answer-" + finding.id(),
                    .heading = fmt::format("Answer: {}", response_.body().display_name()),
                    .role = Section::Role::kAnswer,
                    .content = {}};
    section.content.push_back({Remark{.content = Words(AnswerWords(answer.kind())), .kind = Remark::Kind::kMark}});
    if (place != answers_.end()) {
      AddProse(fmt::format("response.answers[{}].explanation", place->second), answer.explanation(),
               fmt::format("the answer to {}", FindingWords(finding)), "", section.content);
    }
    Facts facts;
    if (!answer.owner().empty()) {
      facts.facts.push_back({.label = "Responsible", .value = Words(answer.owner())});
    }
    if (const std::string date = DateWords(answer.target_date()); !date.empty()) {
      facts.facts.push_back({.label = "To be complete by", .value = Words(date)});
    }
    if (!facts.facts.empty()) {
      section.content.push_back({std::move(facts)});
    }
    return {std::move(section)};
  }

  Element CommentAt(int index, std::string heading) {
    const Contribution& contribution = response_.chief_officer().contributions(index);
    Section section{.id = fmt::format("comment-{}", index + 1),
                    .heading = std::move(heading),
                    .role = Section::Role::kComment,
                    .content = {}};
    AddProse(fmt::format("response.chief_officer.contributions[{}].text", index), contribution.text(),
             fmt::format("the comments of {}", contribution.author()), "", section.content);
    return {std::move(section)};
  }

  // --- the other parts of section 55(5)

  Section ChiefOfficer() {
    const authoring::v1::ChiefOfficerPart& part = response_.chief_officer();
    const std::string& title = response_.force().chief_officer_title();
    Section section{.id = "chief-officer",
                    .heading = fmt::format("Comments of the {} of {}", title, response_.force().display_name()),
                    .content = {}};
    for (int i = 0; i < part.contributions_size(); ++i) {
      // One that names a finding which the report does not have would otherwise be lost.
      if (!names_.contains(part.contributions(i).finding())) {
        section.content.push_back(
            CommentAt(i, fmt::format("{}, {}", part.contributions(i).author(), part.contributions(i).rank())));
      }
    }
    // Silence is lawful and said as such; a comment on one finding stands with that finding.
    if (section.content.empty()) {
      section.content.push_back(
          Plain(part.contributions_size() > 0 ? "The comments stand with the findings that they are about."
                : part.has_invited_time() ? fmt::format("The {} was invited to comment and made no comments.", title)
                                          : "No comments are recorded."));
    }
    return section;
  }

  Section BodyPart() {
    Section section{
        .id = "response", .heading = fmt::format("Comments: {}", response_.body().display_name()), .content = {}};
    AddProse("response.comments", response_.comments(), "the body's comments", "", section.content);
    if (section.content.empty()) {
      section.content.push_back(Plain("No general comments."));
    }
    AddText("reply", fmt::format("Reply to the {}", response_.force().chief_officer_title()),
            "response.reply_to_chief_officer", response_.reply_to_chief_officer(), "the reply to the chief officer",
            section.content);
    AddText("monitoring", "How progress will be monitored", "response.monitoring", response_.monitoring(),
            "the monitoring", section.content);
    const authoring::v1::Signatory& signatory = response_.signatory();
    if (!signatory.name().empty()) {
      Inlines signature = {{document::Strong{Words(signatory.name())}}};
      if (!signatory.title().empty()) {
        Append(signature, {{document::LineBreak{}}});
        Append(signature, Words(signatory.title()));
      }
      if (!signatory.capacity().empty()) {
        Append(signature, Words(fmt::format(" ({})", signatory.capacity())));
      }
      section.content.push_back(
          {Section{.id = "signed", .heading = "Signed", .content = {{Remark{.content = std::move(signature)}}}}});
    }
    if (response_.has_bypass()) {
      Section bypass{.id = "bypass", .heading = "Approved without a second person", .content = {}};
      bypass.content.push_back(
          Plain("Whoever approved this response had also written or submitted it. The reason given:"));
      bypass.content.push_back(Plain(response_.bypass().reason()));
      section.content.push_back({std::move(bypass)});
    }
    return section;
  }

  Section Proof() const {
    const std::string json = fmt::format("{}{}.json", public_url_, record_.page_path());
    Section section{.id = "proof", .heading = "How to check this document", .content = {}};
    section.content.push_back(
        {Facts{.facts = {{.label = "Content hash (SHA-256)", .value = {{document::Code{record_.content_hash()}}}}}}});
    Inlines sentence = Words("The hash is computed from ");
    Append(sentence, LinkTo(json, "the content of this response as data (JSON)"));
    Append(sentence, Words(". Anyone can recompute it:"));
    section.content.push_back({Remark{.content = std::move(sentence)}});
    section.content.push_back(
        {Prose{.blocks = {{document::CodeBlock{fmt::format("curl --silent {} | sha256sum", json)}}}}});
    return section;
  }

  const Response& response_;
  const v1::PublicationRecord& record_;
  const std::string_view public_url_;
  const TreeOptions& options_;
  Budget& budget_;
  absl::flat_hash_set<std::string> names_;
  absl::flat_hash_set<std::string> to_answer_;
  absl::flat_hash_map<std::string, const Finding*> by_id_;
  absl::flat_hash_set<std::string> with_answers_;  // ids of findings with others under them that are answered
  absl::flat_hash_map<std::string, int> answers_;  // their places
};

}  // namespace

document::Document BuildDocument(const Response& approved, const v1::PublicationRecord& record,
                                 std::string_view public_url, const TreeOptions& options, Budget& budget) {
  return TreeBuilder(approved, record, public_url, options, budget).Build();
}

}  // namespace section55::publication
