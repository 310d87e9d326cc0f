#include "services/inspection-registry/catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "services/inspection-registry/findings.h"

namespace section55::registry::store {
namespace {

// A place: the day (19 bits), a hash of the name (34), and the findings one below the other under their report (10).
constexpr int kFindingBits = 10;
constexpr int kNameBits = 34;
constexpr int64_t kTop = (int64_t{1} << kFindingBits) - 1;
constexpr int64_t kNames = int64_t{1} << kNameBits;

std::string_view IdOf(std::string_view name) { return name.substr(name.find('/') + 1); }

const db::ProtoTable<v1::Finding>& Findings() {
  static const auto* const table = new db::ProtoTable<v1::Finding>(
      {.name = "listed_findings", .key = {"place"}, .columns = {"inspection", "digest"}});
  return *table;
}

// Days are counted from before any police report. What has no date stands below all that have.
int64_t NumberOf(absl::CivilDay day) {
  constexpr int64_t kMostDays = (int64_t{1} << 19) - 1;
  return std::clamp<int64_t>(day - absl::CivilDay(1800, 1, 1), 1, kMostDays);
}

int64_t DayNumberOf(const google::type::Date& date) {
  return date.year() == 0 ? 0 : NumberOf(absl::CivilDay(date.year(), date.month(), std::max(date.day(), 1)));
}

int64_t LowestOf(int64_t day_number) { return day_number << (kNameBits + kFindingBits); }

// What is entered of one report or finding.
struct Item {
  int64_t place = 0;
  search::Entry entry;
  int64_t digest = 0;
};

int64_t DigestOf(const search::Entry& entry, const google::protobuf::Message& message) {
  std::string all;
  for (const std::string_view part : {entry.heading, entry.body}) {
    all.append(part) += '\0';
  }
  for (const std::string& facet : entry.facets) {
    all.append(facet) += '\0';
  }
  return db::ChecksumOf(all + db::SerialiseDeterministically(message));
}

void AddFacets(const v1::Inspection& inspection, std::string_view kind_field, std::vector<std::string>& facets) {
  for (const int kind : inspection.kinds()) {
    facets.push_back(EnumFacet(kind_field, v1::Inspection::Kind_Name(kind)));
  }
  for (const std::string& publisher : inspection.publishers()) {
    facets.push_back(TextFacet("publisher", publisher));
  }
  facets.push_back(EnumFacet("state", v1::Inspection::State_Name(inspection.state())));
}

void AddFacets(const v1::Finding& finding, std::vector<std::string>& facets) {
  for (const v1::Addressee& addressee : finding.addressees()) {
    facets.push_back(TextFacet("addressee", v1::Addressee::Kind_Name(addressee.kind())));
    if (!addressee.name().empty()) {
      facets.push_back(TextFacet("addressee", addressee.name()));
    }
  }
  for (const std::string& theme : finding.themes()) {
    facets.push_back(TextFacet("theme", theme));
  }
  if (const auto due = DueDay(finding.due())) {
    facets.push_back(EnumFacet("due", std::to_string(due->year())));
    facets.push_back(EnumFacet("due", fmt::format("{}0s", due->year() / 10)));
  }
}

std::vector<std::string> FacetsOfReport(const v1::Inspection& inspection) {
  std::vector<std::string> facets;
  AddFacets(inspection, "kind", facets);
  facets.push_back(EnumFacet("basis", v1::Inspection::Basis_Name(inspection.basis())));
  for (const std::string& force : inspection.scope().forces()) {
    facets.push_back(EnumFacet("force", force));
  }
  for (const std::string& region : inspection.scope().regions()) {
    facets.push_back(TextFacet("region", region));
  }
  for (const v1::Finding& finding : inspection.findings()) {
    AddFacets(finding, facets);
  }
  std::sort(facets.begin(), facets.end());
  facets.erase(std::unique(facets.begin(), facets.end()), facets.end());
  return facets;
}

std::vector<std::string> FacetsOfFinding(const v1::Inspection& inspection, const v1::Finding& finding) {
  std::vector<std::string> facets;
  AddFacets(inspection, "inspection_kind", facets);
  facets.push_back(EnumFacet("kind", v1::Finding::Kind_Name(finding.kind())));
  facets.push_back(EnumFacet("grade", v1::Grade_Name(finding.grade())));
  AddFacets(finding, facets);
  return facets;
}

std::string Joined(std::initializer_list<std::string_view> texts) {
  std::string joined;
  for (const std::string_view text : texts) {
    joined.append(text) += '\n';
  }
  return joined;
}

absl::Status Taken(db::Transaction& tx, const absl::Status& added) {
  return absl::IsAlreadyExists(added) ? tx.Conflict() : added;
}

// Where nothing stands yet, from the place that the name leads to.
absl::StatusOr<int64_t> FreePlace(db::Transaction& tx, const v1::Inspection& inspection) {
  int64_t name = db::ChecksumOf(inspection.name()) & (kNames - 1);
  const int64_t day = LowestOf(DayNumberOf(inspection.publication_date()));
  while (true) {
    const int64_t place = day | name << kFindingBits | kTop;
    bool taken = false;
    RETURN_IF_ERROR(tx.Query("SELECT place FROM listed_inspections WHERE place = ?", {place},
                             [&](const db::Row&) { taken = true; }));
    if (!taken) {
      return place;
    }
    name = (name + 1) % kNames;
  }
}

absl::Status EnterReport(db::Transaction& tx, const v1::Inspection& inspection, int64_t place) {
  std::string body;
  for (const std::string& publisher : inspection.publishers()) {
    body.append(publisher) += '\n';
  }
  for (const v1::Finding& finding : inspection.findings()) {
    body.append(finding.summary()) += '\n';
    for (const std::string& theme : finding.themes()) {
      body.append(theme) += '\n';
    }
  }
  const std::string heading = Joined({inspection.title(), inspection.short_title()});
  return InspectionWords().Add(
      tx, {.position = place, .heading = heading, .body = body, .facets = FacetsOfReport(inspection)});
}

absl::Status EnterFinding(db::Transaction& tx, const v1::Inspection& inspection, const v1::Finding& listed,
                          const Item& item) {
  db::Versioned<v1::Finding> row{listed};
  RETURN_IF_ERROR(Taken(tx, Findings().Insert(tx, {item.place}, {IdOf(inspection.name()), item.digest}, row)));
  return FindingWords().Add(tx, item.entry);
}

absl::Status RemoveFinding(db::Transaction& tx, int64_t place) {
  RETURN_IF_ERROR(tx.Execute("DELETE FROM listed_findings WHERE place = ?", {place}).status());
  return FindingWords().Remove(tx, place).status();
}

absl::Status EnterFindings(db::Transaction& tx, const v1::Inspection& inspection, int64_t place,
                           absl::flat_hash_map<int64_t, int64_t> entered) {
  std::string themes, body;
  for (int i = 0; i < inspection.findings_size(); ++i) {
    const v1::Finding& finding = inspection.findings(i);
    const v1::Finding listed = rules::ShownFinding(inspection, finding);
    themes.clear();
    for (const std::string& theme : finding.themes()) {
      themes.append(theme) += '\n';
    }
    body = Joined({finding.text(), finding.introduction(), themes, inspection.title(), inspection.short_title()});
    Item item{place - 1 - i,
              {.position = place - 1 - i,
               .heading = finding.summary(),
               .body = body,
               .facets = FacetsOfFinding(inspection, finding)}};
    item.digest = DigestOf(item.entry, listed);
    const auto before = entered.find(item.place);
    const bool is_new = before == entered.end();
    if (!is_new && before->second == item.digest) {
      entered.erase(before);
      continue;
    }
    if (!is_new) {
      entered.erase(before);
      RETURN_IF_ERROR(RemoveFinding(tx, item.place));
    }
    RETURN_IF_ERROR(EnterFinding(tx, inspection, listed, item));
  }
  for (const auto& [gone, digest] : entered) {
    RETURN_IF_ERROR(RemoveFinding(tx, gone));
  }
  return absl::OkStatus();
}

}  // namespace

const db::MessageTable& ListedFindings() { return Findings(); }

const search::TextIndex& InspectionWords() {
  static const auto* const index = new search::TextIndex("inspection_words");
  return *index;
}

const search::TextIndex& FindingWords() {
  static const auto* const index = new search::TextIndex("finding_words");
  return *index;
}

std::string EnumFacet(std::string_view field, const std::string& value) { return fmt::format("{}:{}", field, value); }

std::string TextFacet(std::string_view field, std::string_view text) {
  std::string facet = fmt::format("{}:", field);
  for (const search::Word& word : search::WordsOf(text)) {
    facet.append(" ").append(word.folded);
  }
  return facet;
}

Places PlacesOf(absl::CivilDay first, absl::CivilDay last) {
  return {LowestOf(NumberOf(first)), LowestOf(NumberOf(last) + 1) - 1};
}

std::optional<absl::CivilDay> DueDay(const v1::Due& due) {
  const google::type::Date& date = due.date();
  if (date.year() == 0 || date.month() == 0) {
    return std::nullopt;
  }
  return date.day() == 0 ? absl::CivilDay(absl::CivilMonth(date.year(), date.month()) + 1) - 1
                         : absl::CivilDay(date.year(), date.month(), date.day());
}

absl::StatusOr<std::optional<CataloguedInspection>> FindCatalogued(db::Transaction& tx,
                                                                   std::string_view inspection_id) {
  std::optional<CataloguedInspection> found;
  RETURN_IF_ERROR(tx.Query(
      "SELECT place, state FROM listed_inspections WHERE inspection = ?", {inspection_id}, [&](const db::Row& row) {
        const int64_t place = row.Int64(0);
        found = CataloguedInspection{{place - kTop, place - 1}, static_cast<v1::Inspection::State>(row.Int64(1))};
      }));
  return found;
}

absl::StatusOr<std::optional<v1::Finding>> FindingAt(db::Transaction& tx, int64_t place) {
  ASSIGN_OR_RETURN(auto row, Findings().Find(tx, {place}));
  return row ? std::optional(std::move(row->message)) : std::nullopt;
}

absl::StatusOr<std::vector<std::string>> NotCatalogued(db::Transaction& tx, std::string_view after, int limit) {
  std::vector<std::string> ids;
  RETURN_IF_ERROR(tx.Query(
      "SELECT inspections.inspection FROM inspections LEFT JOIN listed_inspections ON listed_inspections.inspection = "
      "inspections.inspection WHERE inspections.inspection > ? AND listed_inspections.place IS NULL ORDER BY "
      "inspections.inspection LIMIT ?",
      {after, limit}, [&](const db::Row& row) { ids.emplace_back(row.Text(0)); }));
  return ids;
}

absl::Status EnterInCatalogue(db::Transaction& tx, const v1::Inspection& inspection, bool is_new) {
  const std::string_view id = IdOf(inspection.name());
  std::optional<int64_t> before;
  absl::flat_hash_map<int64_t, int64_t> entered;  // digests of findings by place
  if (!is_new) {
    RETURN_IF_ERROR(tx.Query("SELECT place FROM listed_inspections WHERE inspection = ?", {id},
                             [&](const db::Row& row) { before = row.Int64(0); }));
    RETURN_IF_ERROR(tx.Query("SELECT place, digest FROM listed_findings WHERE inspection = ?", {id},
                             [&](const db::Row& row) { entered.emplace(row.Int64(0), row.Int64(1)); }));
  }
  int64_t place = 0;
  if (before && *before >= LowestOf(DayNumberOf(inspection.publication_date())) &&
      *before < LowestOf(DayNumberOf(inspection.publication_date()) + 1)) {
    place = *before;
  } else {
    ASSIGN_OR_RETURN(place, FreePlace(tx, inspection));
  }
  if (before) {
    RETURN_IF_ERROR(tx.Execute("DELETE FROM listed_inspections WHERE inspection = ?", {id}).status());
    RETURN_IF_ERROR(InspectionWords().Remove(tx, *before).status());
  }
  RETURN_IF_ERROR(Taken(tx, tx.Execute("INSERT INTO listed_inspections (place, inspection, state) VALUES (?, ?, ?)",
                                       {place, id, static_cast<int>(inspection.state())})
                                .status()));
  RETURN_IF_ERROR(EnterReport(tx, inspection, place));
  return EnterFindings(tx, inspection, place, std::move(entered));
}

}  // namespace section55::registry::store
