// The content as data. Its shape is a promise to everybody who reads it: see the README before changing anything, and
// raise kFormat when a reader of the old shape would be misled.

#include <map>
#include <nlohmann/json.hpp>

#include "libs/base/proto_time.h"
#include "libs/calendar/format.h"
#include "libs/document/json.h"
#include "libs/document/markdown.h"
#include "services/publication/render.h"

namespace section55::publication {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kFormat = "section55.response/1";

// A text as its writer typed it and as blocks, so that nobody needs a Markdown parser, nor has to trust ours.
ordered_json TextOf(const std::string& markdown) {
  return {{"markdown", markdown}, {"blocks", document::ToJson(document::ParseMarkdown(markdown))}};
}

ordered_json DateOrNull(const google::type::Date& date) {
  const auto day = base::ToCivilDay(date);
  return day ? ordered_json(calendar::IsoDate(*day)) : ordered_json(nullptr);
}

ordered_json StringOrNull(const std::string& text) { return text.empty() ? ordered_json(nullptr) : ordered_json(text); }

ordered_json ReportOf(const registry::v1::Inspection& report) {
  ordered_json kinds = ordered_json::array();
  for (const int kind : report.kinds()) {
    kinds.push_back(registry::v1::Inspection::Kind_Name(kind));
  }
  return {{"name", report.name()},
          {"title", report.title()},
          {"kinds", std::move(kinds)},
          {"publishers", std::vector<std::string>(report.publishers().begin(), report.publishers().end())},
          {"publication_date", DateOrNull(report.publication_date())},
          {"url", StringOrNull(report.url())},
          {"basis", registry::v1::Inspection::Basis_Name(report.basis())}};
}

ordered_json DueOf(const registry::v1::Finding& finding) {
  if (!finding.has_due()) {
    return nullptr;
  }
  const registry::v1::Due& due = finding.due();
  ordered_json date = DateOrNull(due.date());
  if (due.precision() == registry::v1::Due::MONTH) {
    google::type::Date first = due.date();
    first.set_day(1);
    const auto day = base::ToCivilDay(first);
    constexpr size_t kYearAndMonth = 7;  // "2024-01"
    date = day ? ordered_json(calendar::IsoDate(*day).substr(0, kYearAndMonth)) : ordered_json(nullptr);
  }
  return {{"precision", registry::v1::Due::Precision_Name(due.precision())},
          {"date", std::move(date)},
          {"words", StringOrNull(due.words())}};
}

ordered_json FindingOf(const authoring::v1::ResponseFinding& finding) {
  ordered_json addressees = ordered_json::array();
  for (const registry::v1::Addressee& addressee : finding.finding().addressees()) {
    addressees.push_back(
        {{"kind", registry::v1::Addressee::Kind_Name(addressee.kind())}, {"name", StringOrNull(addressee.name())}});
  }
  return {{"name", finding.name()},
          {"number", StringOrNull(finding.finding().number())},
          {"kind", registry::v1::Finding::Kind_Name(finding.finding().kind())},
          {"parent", StringOrNull(finding.finding().parent())},
          {"answer_required", finding.answer_required()},
          {"addressees", std::move(addressees)},
          {"due", DueOf(finding.finding())},
          {"text", TextOf(finding.finding().text())}};
}

ordered_json ChiefOfficerOf(const authoring::v1::ChiefOfficerPart& part) {
  ordered_json contributions = ordered_json::array();
  for (const authoring::v1::Contribution& contribution : part.contributions()) {
    contributions.push_back({{"author", contribution.author()},
                             {"rank", contribution.rank()},
                             {"finding", StringOrNull(contribution.finding())},
                             {"text", TextOf(contribution.text())}});
  }
  const char* status = !contributions.empty()    ? "COMMENTED"
                       : part.has_invited_time() ? "INVITED_NO_COMMENTS"
                                                 : "NOT_INVITED";
  return {{"status", status}, {"contributions", std::move(contributions)}};
}

// The answers in the order of the findings, then any that answer none of them: nothing approved is left out.
ordered_json AnswersOf(const authoring::v1::Response& response) {
  std::map<std::string_view, int> places;
  for (const authoring::v1::ResponseFinding& finding : response.findings()) {
    places.emplace(finding.name(), static_cast<int>(places.size()));
  }
  std::multimap<int, const authoring::v1::Answer*> in_order;
  for (const authoring::v1::Answer& answer : response.answers()) {
    const auto place = places.find(answer.finding());
    in_order.emplace(place == places.end() ? response.findings_size() : place->second, &answer);
  }
  ordered_json answers = ordered_json::array();
  for (const auto& [place, answer] : in_order) {
    answers.push_back({{"finding", answer->finding()},
                       {"kind", authoring::v1::Answer::Kind_Name(answer->kind())},
                       {"explanation", TextOf(answer->explanation())},
                       {"owner", StringOrNull(answer->owner())},
                       {"target_date", DateOrNull(answer->target_date())}});
  }
  return answers;
}

}  // namespace

std::string RenderJson(const authoring::v1::Response& approved) {
  ordered_json findings = ordered_json::array();
  for (const authoring::v1::ResponseFinding& finding : approved.findings()) {
    findings.push_back(FindingOf(finding));
  }
  const ordered_json content = {{"format", std::string(kFormat)},
                                {"name", approved.name()},
                                {"edition", approved.edition()},
                                {"body",
                                 {{"name", approved.body().name()},
                                  {"title", approved.body().display_name()},
                                  {"kind", registry::v1::Body::Kind_Name(approved.body().kind())}}},
                                {"force",
                                 {{"name", approved.force().name()},
                                  {"title", approved.force().display_name()},
                                  {"chief_officer_title", approved.force().chief_officer_title()}}},
                                {"report", ReportOf(approved.report())},
                                {"key_findings", TextOf(approved.key_findings())},
                                {"findings", std::move(findings)},
                                {"chief_officer", ChiefOfficerOf(approved.chief_officer())},
                                {"comments", TextOf(approved.comments())},
                                {"answers", AnswersOf(approved)},
                                {"reply_to_chief_officer", TextOf(approved.reply_to_chief_officer())},
                                {"monitoring", TextOf(approved.monitoring())},
                                {"signatory",
                                 {{"name", approved.signatory().name()},
                                  {"title", approved.signatory().title()},
                                  {"capacity", StringOrNull(approved.signatory().capacity())}}}};
  // Readable as it comes, and the same for everybody. Protobuf has checked that strings are UTF-8; were one not, a
  // replacement character beats an exception.
  constexpr int kIndent = 1;
  return content.dump(kIndent, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace section55::publication
