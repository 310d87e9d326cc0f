#include "services/publication/render.h"

#include <fmt/format.h>

#include "absl/container/flat_hash_map.h"
#include "libs/base/proto_time.h"
#include "libs/calendar/format.h"
#include "libs/document/html.h"
#include "libs/document/links.h"
#include "libs/document/markdown.h"
#include "services/publication/assets.h"
#include "services/publication/pages.h"
#include "services/publication/rules.h"
#include "services/publication/words.h"

namespace section55::publication {
namespace {

namespace mustache = kainjow::mustache;
using authoring::v1::Answer;
using authoring::v1::Contribution;
using authoring::v1::Response;
using authoring::v1::ResponseFinding;
using mustache::data;

// A value that the template can also test: false when there is nothing to say.
data OrFalse(const std::string& text) {
  if (text.empty()) {
    return false;
  }
  return text;
}

// A text beneath a heading of level `beneath`; false when it is empty. What comes out is markup, for {{{...}}} only.
// `place` completes the name of a table that stands in it: "Table in the body's comments".
data TextBeneath(int beneath, const std::string& markdown, std::string_view place) {
  return OrFalse(document::RenderHtml(document::ParseMarkdown(markdown),
                                      {.heading_offset = beneath, .table_label = fmt::format("Table in {}", place)}));
}

std::string DateWords(const google::type::Date& date) {
  const auto day = base::ToCivilDay(date);
  return day ? calendar::FormatDate(*day) : "";
}

// The parts of one response, each as the template reads it.
class ResponsePage {
 public:
  explicit ResponsePage(const Response& response) : response_(response) {
    for (const ResponseFinding& finding : response_.findings()) {
      findings_.emplace(finding.name(), &finding);
      by_id_.emplace(finding.finding().id(), &finding);
    }
    for (const Answer& answer : response_.answers()) {
      answers_.emplace(answer.finding(), &answer);
    }
  }

  // Findings that this body answers, or those left: addressed to others, or asking for no answer.
  data Findings(bool answered) const {
    data list{data::type::list};
    for (const ResponseFinding& finding : response_.findings()) {
      if (IsAnswered(finding) == answered) {
        list.push_back(FindingOf(finding));
      }
    }
    return list;
  }

  data GeneralContributions() const {
    data list{data::type::list};
    for (const Contribution& contribution : response_.chief_officer().contributions()) {
      // One that names a finding which the report does not have would otherwise be lost.
      if (!findings_.contains(contribution.finding())) {
        list.push_back(ContributionOf(contribution, 3));
      }
    }
    return list;
  }

  data Answers() const {
    data list{data::type::list};
    for (const ResponseFinding& finding : response_.findings()) {
      if (IsAnswered(finding)) {
        list.push_back(AnswerOf(finding));
      }
    }
    return list;
  }

 private:
  // A body may answer more than it must, an area for improvement for example.
  bool IsAnswered(const ResponseFinding& finding) const {
    return finding.answer_required() || answers_.contains(finding.name());
  }

  data FindingOf(const ResponseFinding& finding) const {
    const registry::v1::Finding& printed = finding.finding();
    std::string addressees;
    for (const registry::v1::Addressee& addressee : printed.addressees()) {
      addressees += (addressees.empty() ? "" : "; ") + AddresseeWords(addressee, response_);
    }
    const auto parent = by_id_.find(printed.parent());
    data contributions{data::type::list};
    for (const Contribution& contribution : response_.chief_officer().contributions()) {
      if (contribution.finding() == finding.name()) {
        contributions.push_back(ContributionOf(contribution, 4));
      }
    }
    data item;
    item.set("id", printed.id());
    item.set("title", FindingWords(printed));
    item.set("addressees", OrFalse(addressees));
    item.set("under", printed.parent().empty() || parent == by_id_.end()
                          ? data(false)
                          : data(FindingWords(parent->second->finding())));
    item.set("due", OrFalse(DueWords(printed.due())));
    item.set("text", TextBeneath(3, printed.text(), FindingWords(printed)));
    item.set("contributions", contributions);
    return item;
  }

  data ContributionOf(const Contribution& contribution, int beneath) const {
    data item;
    item.set("author", contribution.author());
    item.set("rank", contribution.rank());
    item.set("text",
             TextBeneath(beneath, contribution.text(), fmt::format("the comments of {}", contribution.author())));
    return item;
  }

  data AnswerOf(const ResponseFinding& finding) const {
    const auto found = answers_.find(finding.name());
    const Answer& answer = found == answers_.end() ? Answer::default_instance() : *found->second;
    data item;
    item.set("id", finding.finding().id());
    item.set("title", FindingWords(finding.finding()));
    item.set("kind", AnswerWords(answer.kind()));
    item.set("explanation",
             TextBeneath(3, answer.explanation(), fmt::format("the answer to {}", FindingWords(finding.finding()))));
    item.set("owner", OrFalse(answer.owner()));
    item.set("target_date", OrFalse(DateWords(answer.target_date())));
    return item;
  }

  const Response& response_;
  absl::flat_hash_map<std::string, const ResponseFinding*> findings_;
  absl::flat_hash_map<std::string, const ResponseFinding*> by_id_;
  absl::flat_hash_map<std::string, const Answer*> answers_;
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
  item.set("published", InstantWords(record));
  item.set("timeliness", TimelinessWords(record));
  item.set("late", record.late_by_days() > 0);
  item.set("day_number", std::to_string(record.day_number()));
  item.set("last_day", last_day ? data(calendar::FormatDateWithWeekday(*last_day)) : data(false));
  item.set("edition", std::to_string(record.edition()));
  item.set("hash", record.content_hash());
  item.set("json_path", record.page_path() + ".json");
  item.set("json_url", fmt::format("{}{}.json", public_url, record.page_path()));
  return item;
}

}  // namespace

std::string RenderHtml(const Response& approved, const v1::PublicationRecord& record, std::string_view public_url) {
  const ResponsePage page(approved);
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
  values.set("key_findings", TextBeneath(2, approved.key_findings(), "the key findings"));
  values.set("findings", required);
  values.set("no_findings", required.is_empty_list());
  values.set("has_others", !others.is_empty_list());
  values.set("others", others);
  values.set("contributions", contributions);
  // Silence is lawful and said as such; a comment on one finding stands with that finding.
  values.set("only_on_findings", contributions.is_empty_list() && !chief_officer.contributions().empty());
  values.set("silent", chief_officer.contributions().empty() && chief_officer.has_invited_time());
  values.set("not_invited", chief_officer.contributions().empty() && !chief_officer.has_invited_time());
  values.set("comments", TextBeneath(3, approved.comments(), "the body's comments"));
  values.set("answers", page.Answers());
  values.set("reply", TextBeneath(3, approved.reply_to_chief_officer(), "the reply to the chief officer"));
  values.set("monitoring", TextBeneath(3, approved.monitoring(), "the monitoring"));
  values.set("signed", !approved.signatory().name().empty());
  values.set("signatory_name", approved.signatory().name());
  values.set("signatory_title", OrFalse(approved.signatory().title()));
  values.set("signatory_capacity", OrFalse(approved.signatory().capacity()));
  values.set("proof", Proof(approved, record, public_url));
  values.set("alternate", record.page_path() + ".json");
  return RenderPage(assets::kResponse,
                    fmt::format("{}: response to {}", approved.body().display_name(), approved.report().title()),
                    std::move(values));
}

}  // namespace section55::publication
