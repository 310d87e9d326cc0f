#include "services/inspection-registry/store.h"

#include <fmt/format.h>

#include <utility>

#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "services/inspection-registry/catalogue.h"
#include "services/inspection-registry/findings.h"
#include "services/inspection-registry/rules.h"

namespace section55::registry::store {
namespace {

const db::ProtoTable<v1::Force>& Forces() {
  static const auto* const table =
      new db::ProtoTable<v1::Force>({.name = "forces", .key = {"force_id"}, .columns = {}});
  return *table;
}

const db::ProtoTable<v1::Body>& Bodies() {
  static const auto* const table = new db::ProtoTable<v1::Body>({.name = "bodies", .key = {"body"}, .columns = {}});
  return *table;
}

const db::ProtoTable<v1::Inspection>& Inspections() {
  static const auto* const table = new db::ProtoTable<v1::Inspection>(
      {.name = "inspections", .key = {"inspection"}, .columns = {"publication_date", "state"}});
  return *table;
}

const db::ProtoTable<v1::InspectionRevision>& Revisions() {
  static const auto* const table = new db::ProtoTable<v1::InspectionRevision>(
      {.name = "inspection_revisions", .key = {"inspection", "revision"}, .columns = {}});
  return *table;
}

// "forces/norfolk" -> "norfolk".
std::string_view IdOf(std::string_view name) { return name.substr(name.find('/') + 1); }

template <typename Message>
std::vector<Message> MessagesOf(std::vector<db::Versioned<Message>> rows) {
  std::vector<Message> messages;
  messages.reserve(rows.size());
  for (db::Versioned<Message>& row : rows) {
    messages.push_back(std::move(row.message));
  }
  return messages;
}

template <typename Message>
absl::StatusOr<Message> LoadMessage(db::Transaction& tx, const db::ProtoTable<Message>& table, std::string_view pattern,
                                    std::string_view id) {
  ASSIGN_OR_RETURN(db::Versioned<Message> row, table.Load(tx, {id}, base::MakeName(pattern, {id})));
  return std::move(row.message);
}

template <typename Message>
absl::StatusOr<std::vector<Message>> ListById(db::Transaction& tx, const db::ProtoTable<Message>& table,
                                              std::string_view key, const AfterId& after, int limit) {
  constexpr std::string_view kBehindAll = "~";  // ids are of [a-z0-9-]
  const std::string_view from = after.descending && after.id.empty() ? kBehindAll : std::string_view(after.id);
  ASSIGN_OR_RETURN(auto rows, table.Select(tx,
                                           fmt::format("WHERE {0} {1} ? ORDER BY {0} {2} LIMIT ?", key,
                                                       after.descending ? "<" : ">", after.descending ? "DESC" : "ASC"),
                                           {from, limit}));
  return MessagesOf(std::move(rows));
}

}  // namespace

std::vector<const db::MessageTable*> Tables() {
  return {&Forces(), &Bodies(), &Inspections(), &Revisions(), &ListedFindings()};
}

absl::Status InsertForce(db::Transaction& tx, const v1::Force& force) {
  db::Versioned<v1::Force> row{force};
  const absl::Status added = Forces().Insert(tx, {IdOf(force.name())}, {}, row);
  return absl::IsAlreadyExists(added) ? base::AlreadyExists(force.name()) : added;
}

absl::StatusOr<v1::Force> LoadForce(db::Transaction& tx, std::string_view force_id) {
  return LoadMessage(tx, Forces(), base::kForceName, force_id);
}

absl::StatusOr<std::vector<v1::Force>> ListForces(db::Transaction& tx, const AfterId& after, int limit) {
  return ListById(tx, Forces(), "force_id", after, limit);
}

absl::Status UpdateForce(db::Transaction& tx, const v1::Force& force, int64_t version) {
  db::Versioned<v1::Force> row{force, version};
  return Forces().Update(tx, {IdOf(force.name())}, {}, row);
}

absl::Status InsertBody(db::Transaction& tx, const v1::Body& body) {
  db::Versioned<v1::Body> row{body};
  const absl::Status added = Bodies().Insert(tx, {IdOf(body.name())}, {}, row);
  return absl::IsAlreadyExists(added) ? base::AlreadyExists(body.name()) : added;
}

absl::Status UpdateBody(db::Transaction& tx, const v1::Body& body, int64_t version) {
  db::Versioned<v1::Body> row{body, version};
  return Bodies().Update(tx, {IdOf(body.name())}, {}, row);
}

absl::StatusOr<v1::Body> LoadBody(db::Transaction& tx, std::string_view body_id) {
  return LoadMessage(tx, Bodies(), base::kBodyName, body_id);
}

absl::StatusOr<std::vector<v1::Body>> ListBodies(db::Transaction& tx, const AfterId& after, int limit) {
  return ListById(tx, Bodies(), "body", after, limit);
}

absl::Status RestoreForce(db::Transaction& tx, const v1::Force& force, int64_t here, int64_t version) {
  RETURN_IF_ERROR(here == 0 ? InsertForce(tx, force) : UpdateForce(tx, force, here));
  return version <= here + 1
             ? absl::OkStatus()
             : tx.Execute("UPDATE forces SET version = ? WHERE force_id = ?", {version, IdOf(force.name())}).status();
}

absl::Status RestoreBody(db::Transaction& tx, const v1::Body& body, int64_t here, int64_t version) {
  RETURN_IF_ERROR(here == 0 ? InsertBody(tx, body) : UpdateBody(tx, body, here));
  return version <= here + 1
             ? absl::OkStatus()
             : tx.Execute("UPDATE bodies SET version = ? WHERE body = ?", {version, IdOf(body.name())}).status();
}

absl::StatusOr<StoredRegister> LoadRegister(db::Transaction& tx) {
  StoredRegister stored;
  ASSIGN_OR_RETURN(auto forces, Forces().Select(tx, "ORDER BY force_id", {}));
  ASSIGN_OR_RETURN(auto bodies, Bodies().Select(tx, "ORDER BY body", {}));
  for (const auto& row : forces) {
    stored.versions.emplace(row.message.name(), row.version);
  }
  for (const auto& row : bodies) {
    stored.versions.emplace(row.message.name(), row.version);
  }
  stored.all.forces = MessagesOf(std::move(forces));
  stored.all.bodies = MessagesOf(std::move(bodies));
  RETURN_IF_ERROR(tx.Query("SELECT version FROM register_version WHERE id = 1", {},
                           [&](const db::Row& row) { stored.version = row.Int64(0); }));
  return stored;
}

absl::Status ChangeRegister(db::Transaction& tx, int64_t version) {
  if (version == 0) {
    const absl::Status first = tx.Execute("INSERT INTO register_version (id, version) VALUES (1, 1)", {}).status();
    return absl::IsAlreadyExists(first) ? tx.Conflict() : first;
  }
  ASSIGN_OR_RETURN(
      const int64_t matched,
      tx.Execute("UPDATE register_version SET version = version + 1 WHERE id = 1 AND version = ?", {version}));
  return matched == 0 ? tx.Conflict() : absl::OkStatus();
}

absl::Status HoldRegister(db::Transaction& tx, int64_t version) {
  // A write, so that whoever changes the register waits for the end of this transaction.
  ASSIGN_OR_RETURN(const int64_t matched,
                   tx.Execute("UPDATE register_version SET version = version WHERE id = 1 AND version = ?", {version}));
  return matched == 0 ? tx.Conflict() : absl::OkStatus();
}

absl::StatusOr<StoredInspection> LoadInspection(db::Transaction& tx, std::string_view inspection_id) {
  return Inspections().Load(tx, {inspection_id}, base::MakeName(base::kInspectionName, {inspection_id}));
}

absl::Status InsertInspection(db::Transaction& tx, StoredInspection& stored) {
  const absl::Status added = Inspections().Insert(
      tx, {IdOf(stored.message.name())}, {rules::PublicationDateText(stored.message), stored.message.state()}, stored);
  if (!added.ok()) {
    return absl::IsAlreadyExists(added) ? base::AlreadyExists(stored.message.name()) : added;
  }
  return EnterInCatalogue(tx, stored.message, /*is_new=*/true);
}

absl::Status UpdateInspection(db::Transaction& tx, StoredInspection& stored) {
  RETURN_IF_ERROR(Inspections().Update(tx, {IdOf(stored.message.name())},
                                       {rules::PublicationDateText(stored.message), stored.message.state()}, stored));
  return EnterInCatalogue(tx, stored.message, /*is_new=*/false);
}

absl::StatusOr<std::optional<v1::Inspection>> InspectionAt(db::Transaction& tx, int64_t place) {
  ASSIGN_OR_RETURN(auto rows, Inspections().Select(tx,
                                                   "JOIN listed_inspections ON listed_inspections.inspection = "
                                                   "inspections.inspection WHERE listed_inspections.place = ?",
                                                   {place}));
  return rows.empty() ? std::nullopt : std::optional(std::move(rows[0].message));
}

absl::StatusOr<std::optional<StoredInspection>> FindInspection(db::Transaction& tx, const v1::Inspection& named) {
  return Inspections().Find(tx, {IdOf(named.name())});
}

absl::StatusOr<std::vector<v1::Inspection>> ListInspectionsByName(db::Transaction& tx, std::string_view after,
                                                                  int limit, size_t max_bytes) {
  ASSIGN_OR_RETURN(auto rows, Inspections().SelectFitting(tx, "WHERE inspection > ? ORDER BY inspection LIMIT ?",
                                                          {after, limit}, max_bytes));
  return MessagesOf(std::move(rows));
}

absl::Status InsertRevision(db::Transaction& tx, const v1::InspectionRevision& revision) {
  db::Versioned<v1::InspectionRevision> row{revision};
  const absl::Status added =
      Revisions().Insert(tx, {IdOf(revision.inspection().name()), revision.inspection().revision()}, {}, row);
  return absl::IsAlreadyExists(added) ? tx.Conflict() : added;
}

absl::StatusOr<v1::InspectionRevision> LoadRevision(db::Transaction& tx, std::string_view inspection_id,
                                                    int64_t revision) {
  ASSIGN_OR_RETURN(auto row, Revisions().Load(tx, {inspection_id, revision},
                                              fmt::format("inspections/{}/revisions/{}", inspection_id, revision)));
  return std::move(row.message);
}

absl::StatusOr<std::vector<v1::InspectionRevision>> ListRevisions(db::Transaction& tx, std::string_view inspection_id,
                                                                  int64_t before, int limit, size_t max_bytes) {
  ASSIGN_OR_RETURN(auto rows,
                   Revisions().SelectFitting(tx, "WHERE inspection = ? AND revision < ? ORDER BY revision DESC LIMIT ?",
                                             {inspection_id, before, limit}, max_bytes));
  return MessagesOf(std::move(rows));
}

absl::Status ReplaceRelations(db::Transaction& tx, const v1::Inspection& inspection) {
  const std::string_view id = IdOf(inspection.name());
  RETURN_IF_ERROR(tx.Execute("DELETE FROM relations WHERE from_inspection = ?", {id}).status());
  const auto insert = [&](std::string_view finding, int kind, std::string_view to, std::string_view to_finding) {
    return tx
        .Execute(
            "INSERT INTO relations (from_inspection, from_finding, kind, to_inspection, to_finding) VALUES (?, ?, ?, "
            "?, ?)",
            {id, finding, kind, to, to_finding})
        .status();
  };
  for (const v1::Relation& relation : inspection.relations()) {
    RETURN_IF_ERROR(insert("", relation.kind(), IdOf(relation.inspection()), ""));
  }
  for (const v1::Finding& finding : inspection.findings()) {
    for (const v1::FindingRelation& relation : finding.relations()) {
      if (const auto to = base::ParseName(relation.finding(), rules::kFindingName)) {
        RETURN_IF_ERROR(insert(finding.id(), relation.kind(), (*to)[0], (*to)[1]));
      }
    }
  }
  return absl::OkStatus();
}

namespace {

absl::StatusOr<std::vector<RelationRow>> SelectRelations(db::Transaction& tx, std::string_view condition,
                                                         const Related& one, int limit) {
  std::vector<RelationRow> rows;
  RETURN_IF_ERROR(tx.Query(
      fmt::format(
          "SELECT from_inspection, from_finding, to_inspection, to_finding, kind FROM relations WHERE {} LIMIT ?",
          condition),
      {one.inspection, one.finding, limit}, [&](const db::Row& row) {
        rows.push_back({{std::string(row.Text(0)), std::string(row.Text(1))},
                        {std::string(row.Text(2)), std::string(row.Text(3))},
                        static_cast<int>(row.Int64(4))});
      }));
  return rows;
}

}  // namespace

absl::StatusOr<std::vector<RelationRow>> RelationsFrom(db::Transaction& tx, const Related& one, int limit) {
  return SelectRelations(tx,
                         "from_inspection = ? AND from_finding = ? ORDER BY from_inspection, from_finding, kind, "
                         "to_inspection, to_finding",
                         one, limit);
}

absl::StatusOr<std::vector<RelationRow>> RelationsTo(db::Transaction& tx, const Related& one, int limit) {
  return SelectRelations(
      tx,
      "to_inspection = ? AND to_finding = ? ORDER BY to_inspection, to_finding, from_inspection, from_finding, kind",
      one, limit);
}

}  // namespace section55::registry::store
