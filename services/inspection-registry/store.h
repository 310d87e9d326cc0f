// All SQL of inspection-registry. Every function works in the transaction it is given and commits nothing by itself. Ids come without
// their collection ("norfolk"); what is returned carries its name and etag. Bytes that cannot be read are DATA_LOSS.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/db/database.h"
#include "libs/db/proto_table.h"
#include "section55/registry/v1/body.pb.h"
#include "section55/registry/v1/force.pb.h"
#include "section55/registry/v1/inspection.pb.h"
#include "services/inspection-registry/rules.h"

namespace section55::registry::store {

// A report and the version it was read at; its etag is set from that.
using StoredInspection = db::Versioned<v1::Inspection>;

// The tables whose rows hold messages, for Admin.CheckStorage.
std::vector<const db::MessageTable*> Tables();

// Adds a force, by its name. ALREADY_EXISTS.
absl::Status InsertForce(db::Transaction& tx, const v1::Force& force);

// NOT_FOUND, naming the resource.
absl::StatusOr<v1::Force> LoadForce(db::Transaction& tx, std::string_view force_id);

// By name, after that one.
absl::StatusOr<std::vector<v1::Force>> ListForces(db::Transaction& tx, std::string_view after, int limit);

// Whether a body can be added. ALREADY_EXISTS; FAILED_PRECONDITION (FORCE_HAS_BODY).
absl::Status CheckNewBody(db::Transaction& tx, const v1::Body& body);

// Adds a body, by its name. Conflicts when it, or another body for its force, was added since CheckNewBody.
absl::Status InsertBody(db::Transaction& tx, const v1::Body& body);

// NOT_FOUND, naming the resource.
absl::StatusOr<v1::Body> LoadBody(db::Transaction& tx, std::string_view body_id);

// By name, after that one.
absl::StatusOr<std::vector<v1::Body>> ListBodies(db::Transaction& tx, std::string_view after, int limit);

// Every force with its body, if it has one, by the force's name. They are some dozens.
absl::StatusOr<std::vector<rules::ForceAndBody>> ListForcesAndBodies(db::Transaction& tx);

// NOT_FOUND, naming the resource.
absl::StatusOr<StoredInspection> LoadInspection(db::Transaction& tx, std::string_view inspection_id);

// Adds a report, by its name, at version 1 and sets its etag. ALREADY_EXISTS, naming the resource.
absl::Status InsertInspection(db::Transaction& tx, StoredInspection& stored);

// Saves a report over the version it was read at, and sets its new version and etag. Conflicts when somebody else was faster.
absl::Status UpdateInspection(db::Transaction& tx, StoredInspection& stored);

// A place in the list of reports.
struct InspectionKey {
  std::string date;  // as in rules::PublicationDateText
  std::string inspection;
};

InspectionKey KeyOf(const v1::Inspection& inspection);

// Which reports a list shows.
struct InspectionQuery {
  bool with_drafts = false;
  std::optional<InspectionKey> after;  // after this key
  int limit = 0;                       // at most this many
  size_t max_bytes = 0;  // and no more than these in all, so that a page fits into a message; the first always comes
};

struct InspectionPage {
  std::vector<v1::Inspection> inspections = {};
  bool more = false;  // whether others follow
};

// The latest publication date first, then by name; those without a date last. No more than a page is read.
absl::StatusOr<InspectionPage> ListInspections(db::Transaction& tx, const InspectionQuery& query);

}  // namespace section55::registry::store
