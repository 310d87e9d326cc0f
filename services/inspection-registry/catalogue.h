// What lists and searches of reports and findings go by: where each stands, its words, its facets. SQL, like store.h: every function works
// in the transaction it is given.
//
// A report has a place in the order of all, made from its publication date and, within a day, from its name; its findings stand at it, in
// the order printed. Places are the keys of pages, and of the full-text indexes (libs/search).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "libs/db/database.h"
#include "libs/db/proto_table.h"
#include "libs/search/text_index.h"
#include "section55/registry/v1/inspection.pb.h"

namespace section55::registry::store {

// The table of findings by themselves, for Admin.CheckStorage.
const db::MessageTable& ListedFindings();

// Enters a report and its findings, or enters them anew where they have changed: to be called in the transaction that saves the report.
// `is_new`: it was never entered. Conflicts when its place was taken meanwhile.
absl::Status EnterInCatalogue(db::Transaction& tx, const v1::Inspection& inspection, bool is_new);

// The ids of reports that are not in the catalogue although they are stored, after that one: they were saved before there was one.
absl::StatusOr<std::vector<std::string>> NotCatalogued(db::Transaction& tx, std::string_view after, int limit);

// The indexes: of reports by title, and of findings by summary.
const search::TextIndex& InspectionWords();
const search::TextIndex& FindingWords();

// Facets, as the indexes hold them. `text` is compared as its words are: without case and accents.
std::string EnumFacet(std::string_view field, const std::string& value);
std::string TextFacet(std::string_view field, std::string_view text);

// Places from those of a day to those of another, both included.
struct Places {
  int64_t lowest = 0;
  int64_t highest = 0;
};
Places PlacesOf(absl::CivilDay first, absl::CivilDay last);

// The places of a report's findings, and its state. Nothing when there is no such report.
struct CataloguedInspection {
  Places findings;
  v1::Inspection::State state;
};
absl::StatusOr<std::optional<CataloguedInspection>> FindCatalogued(db::Transaction& tx, std::string_view inspection_id);

// The finding at a place, with its name, title and date; nothing when there is none.
absl::StatusOr<std::optional<v1::Finding>> FindingAt(db::Transaction& tx, int64_t place);

// The day that counts when a due date is compared: a month's last; nothing without a date.
std::optional<absl::CivilDay> DueDay(const v1::Due& due);

}  // namespace section55::registry::store
