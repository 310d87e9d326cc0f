#include "services/inspection-registry/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "libs/base/ids.h"
#include "libs/base/status.h"

namespace section55::registry::store {
namespace {

constexpr std::string_view kForces = "forces/";
constexpr std::string_view kBodies = "bodies/";
constexpr std::string_view kInspections = "inspections/";

// A force or body is at this version as long as it cannot be changed.
constexpr int64_t kFirstVersion = 1;

// "forces/norfolk" -> "norfolk".
std::string_view IdOf(std::string_view name) { return name.substr(name.find('/') + 1); }

// What the column `content` holds: the message without its etag, which would repeat the version.
template <typename Message>
std::string ContentOf(const Message& message) {
  Message stored = message;
  stored.clear_etag();
  return stored.SerializeAsString();
}

// Adds what cannot be read to `damage`, which the caller returns when the query is over.
template <typename Message>
Message Parse(const db::Row& row, int version_column, int content_column, absl::Status& damage) {
  Message message;
  const std::string_view content = row.Text(content_column);
  if (!message.ParseFromArray(content.data(), static_cast<int>(content.size()))) {
    damage.Update(absl::DataLossError(fmt::format("a stored {} cannot be read", Message::descriptor()->name())));
  }
  message.set_etag(base::EtagOf(row.Int64(version_column)));
  return message;
}

// All rows of a query whose columns are the version and the content.
template <typename Message>
absl::StatusOr<std::vector<Message>> QueryMessages(db::Transaction& tx, std::string_view sql,
                                                   absl::Span<const db::Value> values) {
  std::vector<Message> messages;
  absl::Status damage;
  RETURN_IF_ERROR(
      tx.Query(sql, values, [&](const db::Row& row) { messages.push_back(Parse<Message>(row, 0, 1, damage)); }));
  RETURN_IF_ERROR(damage);
  return messages;
}

// The one row of such a query, or NOT_FOUND.
template <typename Message>
absl::StatusOr<Message> QueryMessage(db::Transaction& tx, std::string_view sql, std::string_view collection,
                                     std::string_view id) {
  ASSIGN_OR_RETURN(std::vector<Message> messages, QueryMessages<Message>(tx, sql, {id}));
  if (messages.empty()) {
    return base::NotFound(fmt::format("{}{}", collection, id));
  }
  return std::move(messages.front());
}

absl::StatusOr<bool> Exists(db::Transaction& tx, std::string_view sql, std::string_view key) {
  bool exists = false;
  RETURN_IF_ERROR(tx.Query(sql, {key}, [&](const db::Row&) { exists = true; }));
  return exists;
}

// The next `limit` reports after a key with a date, or from the beginning; `each` takes a row of date, version,
// content. Two ranges of an index: the rest of that date, then the earlier dates.
absl::Status QueryInspections(db::Transaction& tx, const InspectionQuery& after, int limit,
                              absl::FunctionRef<void(const db::Row&)> each) {
  // Sorts behind every date.
  constexpr std::string_view kEndOfTime = "~";
  const bool from_start = after.after_inspection.empty();
  const std::string_view date = from_start ? kEndOfTime : std::string_view(after.after_date);
  int found = 0;
  const auto count = [&](const db::Row& row) {
    ++found;
    each(row);
  };
  if (!from_start) {
    RETURN_IF_ERROR(after.with_drafts
                        ? tx.Query("SELECT version, content FROM inspections WHERE publication_date = ? AND "
                                   "inspection > ? ORDER BY inspection LIMIT ?",
                                   {date, after.after_inspection, limit}, count)
                        : tx.Query("SELECT version, content FROM inspections WHERE state = ? AND publication_date = ? "
                                   "AND inspection > ? ORDER BY inspection LIMIT ?",
                                   {v1::Inspection::PUBLISHED, date, after.after_inspection, limit}, count));
  }
  if (found == limit) {
    return absl::OkStatus();
  }
  return after.with_drafts ? tx.Query(
                                 "SELECT version, content FROM inspections WHERE publication_date < ? "
                                 "ORDER BY publication_date DESC, inspection LIMIT ?",
                                 {date, limit - found}, count)
                           : tx.Query(
                                 "SELECT version, content FROM inspections WHERE state = ? AND publication_date < ? "
                                 "ORDER BY publication_date DESC, inspection LIMIT ?",
                                 {v1::Inspection::PUBLISHED, date, limit - found}, count);
}

}  // namespace

absl::Status InsertForce(db::Transaction& tx, v1::Force& force) {
  const std::string content = ContentOf(force);
  const absl::Status status = tx.Execute("INSERT INTO forces (force_id, version, content) VALUES (?, ?, ?)",
                                         {IdOf(force.name()), kFirstVersion, db::Bytes{content}})
                                  .status();
  if (absl::IsAlreadyExists(status)) {
    return base::AlreadyExists(force.name());
  }
  force.set_etag(base::EtagOf(kFirstVersion));
  return status;
}

absl::StatusOr<v1::Force> LoadForce(db::Transaction& tx, std::string_view force_id) {
  return QueryMessage<v1::Force>(tx, "SELECT version, content FROM forces WHERE force_id = ?", kForces, force_id);
}

absl::StatusOr<std::vector<v1::Force>> ListForces(db::Transaction& tx, std::string_view after, int limit) {
  return QueryMessages<v1::Force>(
      tx, "SELECT version, content FROM forces WHERE force_id > ? ORDER BY force_id LIMIT ?", {after, limit});
}

absl::Status InsertBody(db::Transaction& tx, v1::Body& body) {
  const std::string_view force_id = IdOf(body.force());
  ASSIGN_OR_RETURN(const bool exists, Exists(tx, "SELECT 1 FROM bodies WHERE body = ?", IdOf(body.name())));
  if (exists) {
    return base::AlreadyExists(body.name());
  }
  ASSIGN_OR_RETURN(const bool is_held, Exists(tx, "SELECT 1 FROM bodies WHERE force_id = ?", force_id));
  if (is_held) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "FORCE_HAS_BODY",
                       fmt::format("{} is held to account by another body already", body.force()),
                       {{"force", body.force()}});
  }
  const std::string content = ContentOf(body);
  const absl::Status status = tx.Execute("INSERT INTO bodies (body, force_id, version, content) VALUES (?, ?, ?, ?)",
                                         {IdOf(body.name()), force_id, kFirstVersion, db::Bytes{content}})
                                  .status();
  if (absl::IsAlreadyExists(status)) {
    // Somebody was faster since we looked; which of the two keys it was, another look will tell.
    return tx.Conflict();
  }
  body.set_etag(base::EtagOf(kFirstVersion));
  return status;
}

absl::StatusOr<v1::Body> LoadBody(db::Transaction& tx, std::string_view body_id) {
  return QueryMessage<v1::Body>(tx, "SELECT version, content FROM bodies WHERE body = ?", kBodies, body_id);
}

absl::StatusOr<std::vector<v1::Body>> ListBodies(db::Transaction& tx, std::string_view after, int limit) {
  return QueryMessages<v1::Body>(tx, "SELECT version, content FROM bodies WHERE body > ? ORDER BY body LIMIT ?",
                                 {after, limit});
}

absl::StatusOr<std::vector<rules::ForceAndBody>> ListForcesAndBodies(db::Transaction& tx) {
  std::vector<rules::ForceAndBody> all;
  absl::Status damage;
  RETURN_IF_ERROR(
      tx.Query("SELECT forces.version, forces.content, bodies.version, bodies.content FROM forces "
               "LEFT JOIN bodies ON bodies.force_id = forces.force_id ORDER BY forces.force_id",
               {}, [&](const db::Row& row) {
                 rules::ForceAndBody& one = all.emplace_back();
                 one.force = Parse<v1::Force>(row, 0, 1, damage);
                 if (!row.IsNull(2)) {
                   one.body = Parse<v1::Body>(row, 2, 3, damage);
                 }
               }));
  RETURN_IF_ERROR(damage);
  return all;
}

absl::StatusOr<StoredInspection> LoadInspection(db::Transaction& tx, std::string_view inspection_id) {
  std::optional<StoredInspection> stored;
  absl::Status damage;
  RETURN_IF_ERROR(tx.Query("SELECT version, content FROM inspections WHERE inspection = ?", {inspection_id},
                           [&](const db::Row& row) {
                             stored.emplace(StoredInspection{Parse<v1::Inspection>(row, 0, 1, damage), row.Int64(0)});
                           }));
  RETURN_IF_ERROR(damage);
  if (!stored) {
    return base::NotFound(fmt::format("{}{}", kInspections, inspection_id));
  }
  return *std::move(stored);
}

absl::Status InsertInspection(db::Transaction& tx, StoredInspection& stored) {
  v1::Inspection& inspection = stored.inspection;
  const std::string content = ContentOf(inspection);
  const absl::Status status =
      tx.Execute(
            "INSERT INTO inspections (inspection, publication_date, state, version, content) VALUES (?, ?, ?, ?, ?)",
            {IdOf(inspection.name()), rules::PublicationDateText(inspection), inspection.state(), kFirstVersion,
             db::Bytes{content}})
          .status();
  if (absl::IsAlreadyExists(status)) {
    return base::AlreadyExists(inspection.name());
  }
  stored.version = kFirstVersion;
  inspection.set_etag(base::EtagOf(stored.version));
  return status;
}

absl::Status UpdateInspection(db::Transaction& tx, StoredInspection& stored) {
  v1::Inspection& inspection = stored.inspection;
  const std::string content = ContentOf(inspection);
  ASSIGN_OR_RETURN(const int64_t matched,
                   tx.Execute("UPDATE inspections SET publication_date = ?, state = ?, version = ?, content = ? "
                              "WHERE inspection = ? AND version = ?",
                              {rules::PublicationDateText(inspection), inspection.state(), stored.version + 1,
                               db::Bytes{content}, IdOf(inspection.name()), stored.version}));
  if (matched == 0) {
    return tx.Conflict();
  }
  ++stored.version;
  inspection.set_etag(base::EtagOf(stored.version));
  return absl::OkStatus();
}

absl::StatusOr<InspectionPage> ListInspections(db::Transaction& tx, const InspectionQuery& query) {
  // Read in small portions: a report may be large, and a driver may hold all rows of a query in memory.
  constexpr int kPortion = 32;
  InspectionPage page;
  InspectionQuery next = query;
  size_t bytes = 0;
  absl::Status damage;
  for (int found = kPortion; found == kPortion && !page.more;) {
    found = 0;
    RETURN_IF_ERROR(QueryInspections(tx, next, kPortion, [&](const db::Row& row) {
      ++found;
      const size_t size = row.Text(1).size();
      const bool fits = page.inspections.empty() || bytes + size <= query.max_bytes;
      if (page.more || !fits || page.inspections.size() == static_cast<size_t>(query.limit)) {
        page.more = true;
        return;
      }
      bytes += size;
      page.inspections.push_back(Parse<v1::Inspection>(row, 0, 1, damage));
    }));
    RETURN_IF_ERROR(damage);
    if (!page.inspections.empty()) {
      next.after_date = rules::PublicationDateText(page.inspections.back());
      next.after_inspection = IdOf(page.inspections.back().name());
    }
  }
  return page;
}

}  // namespace section55::registry::store
