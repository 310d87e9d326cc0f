#include "services/inspection-registry/store.h"

#include <fmt/format.h>

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"

namespace section55::registry::store {
namespace {

using db::Value;

const db::ProtoTable<v1::Force>& Forces() {
  static const auto* const table =
      new db::ProtoTable<v1::Force>({.name = "forces", .key = {"force_id"}, .columns = {}});
  return *table;
}

const db::ProtoTable<v1::Body>& Bodies() {
  static const auto* const table =
      new db::ProtoTable<v1::Body>({.name = "bodies", .key = {"body"}, .columns = {"force_id"}});
  return *table;
}

const db::ProtoTable<v1::Inspection>& Inspections() {
  static const auto* const table = new db::ProtoTable<v1::Inspection>(
      {.name = "inspections", .key = {"inspection"}, .columns = {"publication_date", "state"}});
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

absl::StatusOr<bool> Exists(db::Transaction& tx, std::string_view sql, absl::Span<const Value> values) {
  bool exists = false;
  RETURN_IF_ERROR(tx.Query(sql, values, [&](const db::Row&) { exists = true; }));
  return exists;
}

// The conditions of a list of reports, and their values, which point into `query`.
std::string ConditionsOf(const InspectionQuery& query, std::vector<Value>& values) {
  std::string conditions = "WHERE 1 = 1";
  if (!query.with_drafts) {
    conditions += " AND state = ?";
    values.emplace_back(v1::Inspection::PUBLISHED);
  }
  if (query.after) {
    conditions += " AND publication_date <= ? AND (publication_date < ? OR inspection > ?)";
    values.insert(values.end(), {query.after->date, query.after->date, query.after->inspection});
  }
  return conditions;
}

}  // namespace

std::vector<const db::MessageTable*> Tables() { return {&Forces(), &Bodies(), &Inspections()}; }

absl::Status InsertForce(db::Transaction& tx, const v1::Force& force) {
  db::Versioned<v1::Force> row{force};
  const absl::Status added = Forces().Insert(tx, {IdOf(force.name())}, {}, row);
  return absl::IsAlreadyExists(added) ? base::AlreadyExists(force.name()) : added;
}

absl::StatusOr<v1::Force> LoadForce(db::Transaction& tx, std::string_view force_id) {
  return LoadMessage(tx, Forces(), base::kForceName, force_id);
}

absl::StatusOr<std::vector<v1::Force>> ListForces(db::Transaction& tx, std::string_view after, int limit) {
  ASSIGN_OR_RETURN(auto rows, Forces().Select(tx, "WHERE force_id > ? ORDER BY force_id LIMIT ?", {after, limit}));
  return MessagesOf(std::move(rows));
}

absl::Status CheckNewBody(db::Transaction& tx, const v1::Body& body) {
  ASSIGN_OR_RETURN(const bool exists, Exists(tx, "SELECT 1 FROM bodies WHERE body = ?", {IdOf(body.name())}));
  if (exists) {
    return base::AlreadyExists(body.name());
  }
  ASSIGN_OR_RETURN(const bool is_held, Exists(tx, "SELECT 1 FROM bodies WHERE force_id = ?", {IdOf(body.force())}));
  if (is_held) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "FORCE_HAS_BODY",
                       fmt::format("{} is held to account by another body already", body.force()),
                       {{"force", body.force()}});
  }
  return absl::OkStatus();
}

absl::Status InsertBody(db::Transaction& tx, const v1::Body& body) {
  db::Versioned<v1::Body> row{body};
  const absl::Status added = Bodies().Insert(tx, {IdOf(body.name())}, {IdOf(body.force())}, row);
  return absl::IsAlreadyExists(added) ? tx.Conflict() : added;
}

absl::StatusOr<v1::Body> LoadBody(db::Transaction& tx, std::string_view body_id) {
  return LoadMessage(tx, Bodies(), base::kBodyName, body_id);
}

absl::StatusOr<std::vector<v1::Body>> ListBodies(db::Transaction& tx, std::string_view after, int limit) {
  ASSIGN_OR_RETURN(auto rows, Bodies().Select(tx, "WHERE body > ? ORDER BY body LIMIT ?", {after, limit}));
  return MessagesOf(std::move(rows));
}

absl::StatusOr<std::vector<rules::ForceAndBody>> ListForcesAndBodies(db::Transaction& tx) {
  ASSIGN_OR_RETURN(auto forces, Forces().Select(tx, "ORDER BY force_id", {}));
  ASSIGN_OR_RETURN(auto bodies, Bodies().Select(tx, "ORDER BY body", {}));
  absl::flat_hash_map<std::string, v1::Body> by_force;
  for (db::Versioned<v1::Body>& body : bodies) {
    std::string force = body.message.force();
    by_force.emplace(std::move(force), std::move(body.message));
  }
  std::vector<rules::ForceAndBody> all;
  all.reserve(forces.size());
  for (db::Versioned<v1::Force>& force : forces) {
    rules::ForceAndBody& one = all.emplace_back();
    one.force = std::move(force.message);
    if (const auto body = by_force.find(one.force.name()); body != by_force.end()) {
      one.body = std::move(body->second);
    }
  }
  return all;
}

absl::StatusOr<StoredInspection> LoadInspection(db::Transaction& tx, std::string_view inspection_id) {
  return Inspections().Load(tx, {inspection_id}, base::MakeName(base::kInspectionName, {inspection_id}));
}

absl::Status InsertInspection(db::Transaction& tx, StoredInspection& stored) {
  const InspectionKey key = KeyOf(stored.message);
  const absl::Status added = Inspections().Insert(tx, {key.inspection}, {key.date, stored.message.state()}, stored);
  return absl::IsAlreadyExists(added) ? base::AlreadyExists(stored.message.name()) : added;
}

absl::Status UpdateInspection(db::Transaction& tx, StoredInspection& stored) {
  const InspectionKey key = KeyOf(stored.message);
  return Inspections().Update(tx, {key.inspection}, {key.date, stored.message.state()}, stored);
}

InspectionKey KeyOf(const v1::Inspection& inspection) {
  return {rules::PublicationDateText(inspection), std::string(IdOf(inspection.name()))};
}

absl::StatusOr<InspectionPage> ListInspections(db::Transaction& tx, const InspectionQuery& query) {
  std::vector<Value> values;
  const std::string conditions = ConditionsOf(query, values);
  values.emplace_back(query.limit);
  ASSIGN_OR_RETURN(auto rows, Inspections().SelectFitting(
                                  tx, fmt::format("{} ORDER BY publication_date DESC, inspection LIMIT ?", conditions),
                                  values, query.max_bytes));
  InspectionPage page{.inspections = MessagesOf(std::move(rows))};
  if (page.inspections.empty()) {
    return page;
  }
  InspectionQuery rest = query;
  rest.after = KeyOf(page.inspections.back());
  std::vector<Value> rest_values;
  const std::string rest_conditions = ConditionsOf(rest, rest_values);
  ASSIGN_OR_RETURN(page.more,
                   Exists(tx,
                          fmt::format("SELECT 1 FROM inspections {} ORDER BY publication_date DESC, inspection LIMIT 1",
                                      rest_conditions),
                          rest_values));
  return page;
}

}  // namespace section55::registry::store
