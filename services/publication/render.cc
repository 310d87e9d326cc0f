#include "services/publication/render.h"

#include <fmt/format.h>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "libs/calendar/format.h"
#include "libs/document/html.h"
#include "libs/document/links.h"
#include "libs/document/markdown.h"
#include "services/publication/assets.h"
#include "services/publication/budget.h"
#include "services/publication/pages.h"
#include "services/publication/rules.h"
#include "services/publication/words.h"

namespace section55::publication {
namespace {

namespace mustache = kainjow::mustache;

constexpr std::string_view kForm = "the web page";

using authoring::v1::Answer;
using authoring::v1::Contribution;
using authoring::v1::Response;
using mustache::data;
using registry::v1::Finding;

// A value that the template can also test: false when there is nothing to say.
data OrFalse(const std::string& text) {
  if (text.empty()) {
    return false;
  }
  return text;
}

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

// The parts of one response, each as the template reads it.
class ResponsePage {
 public:
  ResponsePage(const Response& response, Budget& budget) : response_(response), budget_(budget) {
    for (const Finding& finding : response_.report().findings()) {
      names_.insert(FindingName(response_, finding));
      by_id_.emplace(finding.id(), &finding);
    }
    to_answer_.insert(response_.findings_to_answer().begin(), response_.findings_to_answer().end());
    for (int i = 0; i < response_.answers_size(); ++i) {
      answers_.emplace(response_.answers(i).finding(), i);
    }
  }

  // A text beneath a heading of level `beneath`; false when it is empty, or too much. What comes out is markup, for {{{...}}} only.
  // `place` completes the name of a table that stands in it: "Table in the body's comments".
  data Text(const std::string& field, int beneath, const std::string& markdown, std::string_view place) const {
    const std::string markup =
        document::RenderHtml(document::ParseMarkdown(markdown),
                             {.heading_offset = beneath, .table_label = fmt::format("Table in {}", place)});
    return budget_.Take(field, markup.size()) ? OrFalse(markup) : data(false);
  }

  // Findings that this body answers, or those left: addressed to others, or asking for no answer.
  data Findings(bool answered) const {
    data list{data::type::list};
    for (int i = 0; i < response_.report().findings_size(); ++i) {
      if (IsAnswered(response_.report().findings(i)) == answered) {
        list.push_back(FindingOf(i));
      }
    }
    return list;
  }

  data GeneralContributions() const {
    data list{data::type::list};
    for (int i = 0; i < response_.chief_officer().contributions_size(); ++i) {
      // One that names a finding which the report does not have would otherwise be lost.
      if (!names_.contains(response_.chief_officer().contributions(i).finding())) {
        list.push_back(ContributionOf(i, 3));
      }
    }
    return list;
  }

  data Answers() const {
    data list{data::type::list};
    for (const Finding& finding : response_.report().findings()) {
      if (IsAnswered(finding)) {
        list.push_back(AnswerOf(finding));
      }
    }
    return list;
  }

 private:
  // A body may answer more than it must, an area for improvement for example.
  bool IsAnswered(const Finding& finding) const {
    const std::string name = FindingName(response_, finding);
    return to_answer_.contains(name) || answers_.contains(name);
  }

  data FindingOf(int index) const {
    const Finding& finding = response_.report().findings(index);
    const std::string name = FindingName(response_, finding);
    std::string addressees;
    for (const registry::v1::Addressee& addressee : finding.addressees()) {
      addressees += (addressees.empty() ? "" : "; ") + AddresseeWords(addressee, response_);
    }
    const auto parent = by_id_.find(finding.parent());
    data contributions{data::type::list};
    for (int i = 0; i < response_.chief_officer().contributions_size(); ++i) {
      if (response_.chief_officer().contributions(i).finding() == name) {
        contributions.push_back(ContributionOf(i, 4));
      }
    }
    data item;
    item.set("id", finding.id());
    item.set("title", FindingWords(finding));
    item.set("addressees", OrFalse(addressees));
    item.set("under",
             finding.parent().empty() || parent == by_id_.end() ? data(false) : data(FindingWords(*parent->second)));
    item.set("due", OrFalse(DueWords(finding.due())));
    item.set("text",
             Text(fmt::format("response.report.findings[{}].text", index), 3, finding.text(), FindingWords(finding)));
    item.set("contributions", contributions);
    return item;
  }

  data ContributionOf(int index, int beneath) const {
    const Contribution& contribution = response_.chief_officer().contributions(index);
    data item;
    item.set("author", contribution.author());
    item.set("rank", contribution.rank());
    item.set("text", Text(fmt::format("response.chief_officer.contributions[{}].text", index), beneath,
                          contribution.text(), fmt::format("the comments of {}", contribution.author())));
    return item;
  }

  data AnswerOf(const Finding& finding) const {
    const auto found = answers_.find(FindingName(response_, finding));
    const Answer& answer = found == answers_.end() ? Answer::default_instance() : response_.answers(found->second);
    const int index = found == answers_.end() ? 0 : found->second;
    data item;
    item.set("id", finding.id());
    item.set("title", FindingWords(finding));
    item.set("kind", AnswerWords(answer.kind()));
    item.set("explanation", Text(fmt::format("response.answers[{}].explanation", index), 3, answer.explanation(),
                                 fmt::format("the answer to {}", FindingWords(finding))));
    item.set("owner", OrFalse(answer.owner()));
    item.set("target_date", OrFalse(DateWords(answer.target_date())));
    return item;
  }

  const Response& response_;
  Budget& budget_;
  absl::flat_hash_set<std::string> names_;
  absl::flat_hash_set<std::string> to_answer_;
  absl::flat_hash_map<std::string, const Finding*> by_id_;
  absl::flat_hash_map<std::string, int> answers_;  // their places
};

data Report(const Response& response) {
  const registry::v1::Inspection& report = response.report();
  std::string kinds;
  for (const int kind : report.kinds()) {
    kinds += (kinds.empty() ? "" : "; ") + KindWords(static_cast<registry::v1::Inspection::Kind>(kind));
  }
  std::string publishers;
  for (const std::string& publisher : report.publishers()) {
    publishers += (publishers.empty() ? "" : "; ") + publisher;
  }
  data item;
  item.set("title", report.title());
  item.set("url", OrFalse(document::SafeHref(report.url()).value_or("")));
  item.set("date", DateWords(report.publication_date()));
  item.set("kinds", kinds);
  item.set("publishers", publishers);
  return item;
}

data Proof(const Response& response, const v1::PublicationRecord& record, std::string_view public_url) {
  const auto last_day = rules::LastLawfulDay(response.report());
  data item;
  item.set("published", OrFalse(InstantWords(record.published_time())));
  item.set("timeliness", TimelinessWords(record));
  item.set("late", record.late_by_days() > 0);
  item.set("day_number", std::to_string(record.day_number()));
  item.set("last_day", last_day ? data(calendar::FormatDateWithWeekday(*last_day)) : data(false));
  // An instant of its own is worth a word only where it is not the first.
  item.set("later", record.edition_published_time().seconds() == record.published_time().seconds()
                        ? data(false)
                        : OrFalse(InstantWords(record.edition_published_time())));
  item.set("being_published", !record.has_edition_published_time());
  item.set("edition", std::to_string(record.edition()));
  item.set("hash", record.content_hash());
  item.set("json_path", record.page_path() + ".json");
  item.set("json_url", fmt::format("{}{}.json", public_url, record.page_path()));
  return item;
}

}  // namespace

absl::StatusOr<std::string> RenderHtml(const Response& approved, const v1::PublicationRecord& record,
                                       std::string_view public_url, size_t limit) {
  Budget budget(limit);
  const ResponsePage page(approved, budget);
  const data required = page.Findings(/*answered=*/true);
  const data others = page.Findings(/*answered=*/false);
  const data contributions = page.GeneralContributions();
  const authoring::v1::ChiefOfficerPart& chief_officer = approved.chief_officer();
  data values;
  values.set("body", approved.body().display_name());
  values.set("force", approved.force().display_name());
  values.set("chief_officer", approved.force().chief_officer_title());
  values.set("duty", DutyWords(approved.report().basis()));
  values.set("report", Report(approved));
  values.set("key_findings", page.Text("response.key_findings", 2, approved.key_findings(), "the key findings"));
  values.set("findings", required);
  values.set("no_findings", required.is_empty_list());
  values.set("has_others", !others.is_empty_list());
  values.set("others", others);
  values.set("contributions", contributions);
  // Silence is lawful and said as such; a comment on one finding stands with that finding.
  values.set("only_on_findings", contributions.is_empty_list() && !chief_officer.contributions().empty());
  values.set("silent", chief_officer.contributions().empty() && chief_officer.has_invited_time());
  values.set("not_invited", chief_officer.contributions().empty() && !chief_officer.has_invited_time());
  values.set("comments", page.Text("response.comments", 3, approved.comments(), "the body's comments"));
  values.set("answers", page.Answers());
  values.set("reply", page.Text("response.reply_to_chief_officer", 3, approved.reply_to_chief_officer(),
                                "the reply to the chief officer"));
  values.set("monitoring", page.Text("response.monitoring", 3, approved.monitoring(), "the monitoring"));
  values.set("signed", !approved.signatory().name().empty());
  values.set("signatory_name", approved.signatory().name());
  values.set("signatory_title", OrFalse(approved.signatory().title()));
  values.set("signatory_capacity", OrFalse(approved.signatory().capacity()));
  values.set("proof", Proof(approved, record, public_url));
  values.set("alternate", record.page_path() + ".json");
  RETURN_IF_ERROR(budget.ToStatus(kForm));  // before the page is put together: what was left out took no memory
  std::string html = RenderPage(
      assets::kResponse, fmt::format("{}: response to {}", approved.body().display_name(), approved.report().title()),
      std::move(values));
  if (html.size() > limit) {
    budget.Take(html.size());
    return budget.ToStatus(kForm);
  }
  return html;
}

}  // namespace section55::publication
