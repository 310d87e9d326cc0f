// All SQL of inspection-registry. Every function works in the transaction it is given and commits nothing by itself. Ids come without
// their collection ("norfolk"); what is returned carries its name and etag. Bytes that cannot be read are DATA_LOSS.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/db/database.h"
#include "libs/db/proto_table.h"
#include "section55/registry/v1/body.pb.h"
#include "section55/registry/v1/force.pb.h"
#include "section55/registry/v1/inspection.pb.h"
#include "services/inspection-registry/register.h"

namespace section55::registry::store {

// A report and the version it was read at; its etag is set from that.
using StoredInspection = db::Versioned<v1::Inspection>;

// The tables whose rows hold messages, for Admin.CheckStorage.
std::vector<const db::MessageTable*> Tables();

// Adds a force, by its name. ALREADY_EXISTS.
absl::Status InsertForce(db::Transaction& tx, const v1::Force& force);

// NOT_FOUND, naming the resource.
absl::StatusOr<v1::Force> LoadForce(db::Transaction& tx, std::string_view force_id);

// Where a page of forces or bodies begins, in the order of their names.
struct AfterId {
  std::string id;  // behind this one; empty: at the beginning
  bool descending = false;
};
absl::StatusOr<std::vector<v1::Force>> ListForces(db::Transaction& tx, const AfterId& after, int limit);

// Saves a force over the version it was read at. Conflicts when somebody else was faster.
absl::Status UpdateForce(db::Transaction& tx, const v1::Force& force, int64_t version);

// Adds a body, by its name. ALREADY_EXISTS.
absl::Status InsertBody(db::Transaction& tx, const v1::Body& body);

// Saves a body over the version it was read at. Conflicts when somebody else was faster.
absl::Status UpdateBody(db::Transaction& tx, const v1::Body& body, int64_t version);

// NOT_FOUND, naming the resource.
absl::StatusOr<v1::Body> LoadBody(db::Transaction& tx, std::string_view body_id);

absl::StatusOr<std::vector<v1::Body>> ListBodies(db::Transaction& tx, const AfterId& after, int limit);

// Puts in place a force or body that others hold, at the version that it had when they were told of it. `here`: the version of the one that
// is replaced; 0: there is none. For a register that was restored from a backup.
absl::Status RestoreForce(db::Transaction& tx, const v1::Force& force, int64_t here, int64_t version);
absl::Status RestoreBody(db::Transaction& tx, const v1::Body& body, int64_t here, int64_t version);

// Every force and body there is. They are some dozens.
struct StoredRegister {
  rules::Register all;
  absl::flat_hash_map<std::string, int64_t> versions;  // of each force and body, by name
  int64_t version = 0;                                 // of the whole
};
absl::StatusOr<StoredRegister> LoadRegister(db::Transaction& tx);

// What was decided by the whole register is written only while the whole is what it was: a day on which two bodies hold one force, or a
// report that overlooks a body, would be no conflict of any one row. To be called by what changes the register, and by what relies on it.
// Conflicts when it was changed since.
absl::Status ChangeRegister(db::Transaction& tx, int64_t version);
absl::Status HoldRegister(db::Transaction& tx, int64_t version);

// NOT_FOUND, naming the resource.
absl::StatusOr<StoredInspection> LoadInspection(db::Transaction& tx, std::string_view inspection_id);

// Adds a report, by its name, at version 1 and sets its etag. ALREADY_EXISTS, naming the resource.
absl::Status InsertInspection(db::Transaction& tx, StoredInspection& stored);

// The report at a place of the catalogue (catalogue.h); nothing when there is none.
absl::StatusOr<std::optional<v1::Inspection>> InspectionAt(db::Transaction& tx, int64_t place);

// The report of this one's name, if there is one.
absl::StatusOr<std::optional<StoredInspection>> FindInspection(db::Transaction& tx, const v1::Inspection& named);

// By name, after that one, as many as fit into `max_bytes` and one at least. Two queries: for a Read.
absl::StatusOr<std::vector<v1::Inspection>> ListInspectionsByName(db::Transaction& tx, std::string_view after,
                                                                  int limit, size_t max_bytes);

// Saves a report over the version it was read at, and sets its new version and etag. Conflicts when somebody else was faster.
absl::Status UpdateInspection(db::Transaction& tx, StoredInspection& stored);

// Adds a step to the history of a report; its name says which report and which step.
absl::Status InsertRevision(db::Transaction& tx, const v1::InspectionRevision& revision);

// NOT_FOUND, naming the resource.
absl::StatusOr<v1::InspectionRevision> LoadRevision(db::Transaction& tx, std::string_view inspection_id,
                                                    int64_t revision);

// The steps before one, the latest first, at most as many as fit into `max_bytes`. They are counted down to 1 without a gap.
absl::StatusOr<std::vector<v1::InspectionRevision>> ListRevisions(db::Transaction& tx, std::string_view inspection_id,
                                                                  int64_t before, int limit, size_t max_bytes);

// A report, or one of its findings: ids.
struct Related {
  std::string inspection;
  std::string finding = {};  // empty: the report

  auto operator<=>(const Related&) const = default;
};

// What one says of another. `kind` is of v1::FindingRelation between findings, else of v1::Relation.
struct RelationRow {
  Related from;
  Related to;
  int kind = 0;
};

// Puts the relations of a published report and of its findings in the place of those it had.
absl::Status ReplaceRelations(db::Transaction& tx, const v1::Inspection& inspection);

// What `one` says of others, or what others say of it; at most `limit`.
absl::StatusOr<std::vector<RelationRow>> RelationsFrom(db::Transaction& tx, const Related& one, int limit);
absl::StatusOr<std::vector<RelationRow>> RelationsTo(db::Transaction& tx, const Related& one, int limit);

}  // namespace section55::registry::store
