// All SQL of inspection-registry. Every function works in the transaction it is given and commits nothing by itself.
// Ids come without their collection ("norfolk"); what is returned carries its name and etag.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/db/database.h"
#include "section55/registry/v1/body.pb.h"
#include "section55/registry/v1/force.pb.h"
#include "section55/registry/v1/inspection.pb.h"
#include "services/inspection-registry/rules.h"

namespace section55::registry::store {

// Adds a force, by its name, and sets its etag. ALREADY_EXISTS.
absl::Status InsertForce(db::Transaction& tx, v1::Force& force);

// NOT_FOUND, naming the resource.
absl::StatusOr<v1::Force> LoadForce(db::Transaction& tx, std::string_view force_id);

// By name, after that one.
absl::StatusOr<std::vector<v1::Force>> ListForces(db::Transaction& tx, std::string_view after, int limit);

// Adds a body, by its name, and sets its etag. ALREADY_EXISTS; FAILED_PRECONDITION (FORCE_HAS_BODY).
absl::Status InsertBody(db::Transaction& tx, v1::Body& body);

// NOT_FOUND, naming the resource.
absl::StatusOr<v1::Body> LoadBody(db::Transaction& tx, std::string_view body_id);

// By name, after that one.
absl::StatusOr<std::vector<v1::Body>> ListBodies(db::Transaction& tx, std::string_view after, int limit);

// Every force with its body, if it has one, by the force's name. They are some dozens.
absl::StatusOr<std::vector<rules::ForceAndBody>> ListForcesAndBodies(db::Transaction& tx);

// A report and the version it was read at; its etag is set from that.
struct StoredInspection {
  v1::Inspection inspection;
  int64_t version = 0;
};

// NOT_FOUND, naming the resource.
absl::StatusOr<StoredInspection> LoadInspection(db::Transaction& tx, std::string_view inspection_id);

// Adds a report, by its name, at version 1 and sets its etag. ALREADY_EXISTS.
absl::Status InsertInspection(db::Transaction& tx, StoredInspection& stored);

// Saves a report over the version it was read at, and sets its new version and etag. Conflicts when somebody else was
// faster.
absl::Status UpdateInspection(db::Transaction& tx, StoredInspection& stored);

// Which reports a list shows.
struct InspectionQuery {
  bool with_drafts = false;
  std::string after_date;        // after this key, whose date is as in rules::PublicationDateText;
  std::string after_inspection;  // from the beginning when this is empty
  int limit = 0;                 // at most this many
  size_t max_bytes = 0;  // and no more than these in all, so that a page fits into a message; the first always comes
};

struct InspectionPage {
  std::vector<v1::Inspection> inspections;
  bool more = false;  // whether others follow
};

// The latest publication date first, then by name; those without a date last.
absl::StatusOr<InspectionPage> ListInspections(db::Transaction& tx, const InspectionQuery& query);

}  // namespace section55::registry::store
