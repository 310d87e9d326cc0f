// The content as data. Its shape is a promise to everybody who reads it: see the README before changing anything, and
// raise kFormat when a reader of the old shape would be misled.

#include "services/publication/render_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "libs/calendar/format.h"
#include "libs/document/json.h"
#include "services/publication/budget.h"
#include "services/publication/words.h"

namespace section55::publication {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kFormat = "section55.response/1";

// Writes one object piece by piece: a member on a line, and of a list an element on a line. Readable as it comes, and never more in
// memory than what is written and one piece.
class Writer {
 public:
  explicit Writer(size_t limit) : budget_(limit) { Add("{"); }

  // `field`: where the piece's text stands in the request; empty: it has none.
  void Member(std::string_view name, const ordered_json& value, std::string_view field = "") {
    Written(name, Dump(value), field);
  }

  // The same with a value that is JSON already.
  void Written(std::string_view name, std::string_view json, std::string_view field = "") {
    Add(fmt::format("{}\n \"{}\": ", separator_, name));
    Add(json, field);
    separator_ = ",";
  }

  // Elements between BeginList and EndList. `before`: what stands between the list's name and the list.
  void BeginList(std::string_view name, std::string_view before = "") {
    Add(fmt::format("{}\n \"{}\": {}[", separator_, name, before));
    separator_ = "";
  }
  void Element(const ordered_json& value, std::string_view field) {
    Add(fmt::format("{}\n  ", separator_));
    Add(Dump(value), field);
    separator_ = ",";
  }
  void EndList(std::string_view after = "") {
    Add(fmt::format("]{}", after));
    separator_ = ",";
  }

  absl::StatusOr<std::string> Finish() {
    Add("\n}\n");
    RETURN_IF_ERROR(budget_.ToStatus("the content as data (JSON)"));
    return std::move(out_);
  }

 private:
  // Compact. Protobuf has checked that strings are UTF-8; were one not, a replacement character beats an exception.
  static std::string Dump(const ordered_json& value) {
    constexpr int kCompact = -1;
    return value.dump(kCompact, ' ', false, ordered_json::error_handler_t::replace);
  }

  void Add(std::string_view text, std::string_view field = "") {
    if (budget_.Take(field, text.size())) {
      out_ += text;
    }
  }

  Budget budget_;
  std::string out_;
  std::string_view separator_ = "";
};

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

std::string SectionOf(std::string_view part, const registry::v1::Finding& finding) {
  return fmt::format("{}-{}", part, finding.id());
}

ordered_json FindingOf(const authoring::v1::Response& response, const registry::v1::Finding& finding) {
  ordered_json addressees = ordered_json::array();
  for (const registry::v1::Addressee& addressee : finding.addressees()) {
    addressees.push_back(
        {{"kind", registry::v1::Addressee::Kind_Name(addressee.kind())}, {"name", StringOrNull(addressee.name())}});
  }
  const std::string name = FindingName(response, finding);
  const auto& to_answer = response.findings_to_answer();
  return {{"name", name},
          {"number", StringOrNull(finding.number())},
          {"kind", registry::v1::Finding::Kind_Name(finding.kind())},
          {"parent", StringOrNull(finding.parent())},
          {"answer_required", std::find(to_answer.begin(), to_answer.end(), name) != to_answer.end()},
          {"addressees", std::move(addressees)},
          {"due", DueOf(finding)},
          {"text", finding.text()},
          {"section", SectionOf("finding", finding)}};
}

void WriteChiefOfficer(const authoring::v1::ChiefOfficerPart& part, const std::string& only, Writer& writer) {
  const char* status = part.contributions_size() > 0 ? "COMMENTED"
                       : part.has_invited_time()     ? "INVITED_NO_COMMENTS"
                                                     : "NOT_INVITED";
  writer.BeginList("chief_officer", fmt::format("{{\"status\":\"{}\",\"contributions\":", status));
  for (int i = 0; i < part.contributions_size(); ++i) {
    const authoring::v1::Contribution& contribution = part.contributions(i);
    if (!only.empty() && contribution.finding() != only) {
      continue;
    }
    writer.Element({{"author", contribution.author()},
                    {"rank", contribution.rank()},
                    {"finding", StringOrNull(contribution.finding())},
                    {"text", contribution.text()},
                    {"section", fmt::format("comment-{}", i + 1)}},
                   fmt::format("response.chief_officer.contributions[{}].text", i));
  }
  writer.EndList("}");
}

// The answers in the order of the findings, then any that answer none of them: nothing approved is left out.
void WriteAnswers(const authoring::v1::Response& response, const std::string& only, Writer& writer) {
  std::map<std::string, int> places;
  for (const registry::v1::Finding& finding : response.report().findings()) {
    places.emplace(FindingName(response, finding), static_cast<int>(places.size()));
  }
  std::multimap<int, int> in_order;
  for (int i = 0; i < response.answers_size(); ++i) {
    const auto place = places.find(response.answers(i).finding());
    in_order.emplace(place == places.end() ? response.report().findings_size() : place->second, i);
  }
  writer.BeginList("answers");
  for (const auto& [place, i] : in_order) {
    const authoring::v1::Answer& answer = response.answers(i);
    if (!only.empty() && answer.finding() != only) {
      continue;
    }
    const bool is_shown = place < response.report().findings_size();
    writer.Element({{"finding", answer.finding()},
                    {"kind", authoring::v1::Answer::Kind_Name(answer.kind())},
                    {"explanation", answer.explanation()},
                    {"owner", StringOrNull(answer.owner())},
                    {"target_date", DateOrNull(answer.target_date())},
                    {"section", is_shown ? ordered_json(SectionOf("answer", response.report().findings(place)))
                                         : ordered_json(nullptr)}},
                   fmt::format("response.answers[{}].explanation", i));
  }
  writer.EndList();
}

}  // namespace

absl::StatusOr<std::string> RenderJson(const authoring::v1::Response& approved, const document::Document& document,
                                       const std::string& finding, size_t limit) {
  Writer writer(limit);
  // A text of the response as a whole.
  const auto text = [&](std::string_view name, const std::string& markdown) {
    if (finding.empty()) {
      writer.Member(name, markdown, fmt::format("response.{}", name));
    }
  };
  writer.Member("format", std::string(kFormat));
  writer.Member("name", approved.name());
  writer.Member("edition", approved.edition());
  writer.Member("body", {{"name", approved.body().name()},
                         {"title", approved.body().display_name()},
                         {"kind", registry::v1::Body::Kind_Name(approved.body().kind())}});
  writer.Member("force", {{"name", approved.force().name()},
                          {"title", approved.force().display_name()},
                          {"chief_officer_title", approved.force().chief_officer_title()}});
  writer.Member("report", ReportOf(approved.report()));
  text("key_findings", approved.key_findings());
  writer.BeginList("findings");
  for (int i = 0; i < approved.report().findings_size(); ++i) {
    if (finding.empty() || FindingName(approved, approved.report().findings(i)) == finding) {
      writer.Element(FindingOf(approved, approved.report().findings(i)),
                     fmt::format("response.report.findings[{}].text", i));
    }
  }
  writer.EndList();
  WriteAnswers(approved, finding, writer);
  WriteChiefOfficer(approved.chief_officer(), finding, writer);
  text("comments", approved.comments());
  text("reply_to_chief_officer", approved.reply_to_chief_officer());
  text("monitoring", approved.monitoring());
  if (finding.empty()) {
    writer.Member("signatory", {{"name", approved.signatory().name()},
                                {"title", approved.signatory().title()},
                                {"capacity", StringOrNull(approved.signatory().capacity())}});
    if (approved.has_bypass()) {
      writer.Member("bypass", {{"reason", approved.bypass().reason()}});
    }
  }
  writer.Written("document", document::RenderJson(document));
  return writer.Finish();
}

}  // namespace section55::publication
