#include "services/deadline-scheduler/store.h"

#include <fmt/format.h>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/status.h"

namespace section55::deadlines::store {
namespace {

using db::Value;

constexpr std::string_view kColumns = "version, content";

// The bytes of a message as they are stored.
std::string ContentOf(const v1::Deadline& deadline) {
  v1::Deadline content = deadline;
  content.clear_etag();
  return content.SerializeAsString();
}

StoredDeadline ToStored(const db::Row& row) {
  StoredDeadline stored;
  stored.version = row.Int64(0);
  const std::string_view content = row.Text(1);
  stored.deadline.ParseFromArray(content.data(), static_cast<int>(content.size()));
  stored.deadline.set_etag(base::EtagOf(stored.version));
  return stored;
}

// "?, ?, ?" for as many values, which are added to `values`.
std::string Placeholders(const std::vector<std::string>& texts, std::vector<Value>& values) {
  std::string marks;
  for (const std::string& text : texts) {
    marks += marks.empty() ? "?" : ", ?";
    values.emplace_back(text);
  }
  return marks;
}

absl::StatusOr<std::vector<StoredDeadline>> QueryDeadlines(db::Transaction& tx, const std::string& sql,
                                                           absl::Span<const Value> values) {
  std::vector<StoredDeadline> found;
  RETURN_IF_ERROR(tx.Query(sql, values, [&](const db::Row& row) { found.push_back(ToStored(row)); }));
  return found;
}

}  // namespace

absl::Status SaveBody(db::Transaction& tx, std::string_view body, std::string_view force) {
  ASSIGN_OR_RETURN(const int64_t known, tx.Execute("UPDATE bodies SET force_id = ? WHERE body = ?", {force, body}));
  if (known > 0) {
    return absl::OkStatus();
  }
  const auto added = tx.Execute("INSERT INTO bodies (body, force_id) VALUES (?, ?)", {body, force});
  return absl::IsAlreadyExists(added.status()) ? tx.Conflict() : added.status();
}

absl::StatusOr<std::string> ForceOf(db::Transaction& tx, std::string_view body) {
  std::string force;
  RETURN_IF_ERROR(
      tx.Query("SELECT force_id FROM bodies WHERE body = ?", {body}, [&](const db::Row& row) { force = row.Text(0); }));
  if (force.empty()) {
    return base::NotFound(fmt::format("bodies/{}", body));
  }
  return force;
}

absl::Status SaveInspection(db::Transaction& tx, std::string_view id, const registry::v1::Inspection& inspection) {
  registry::v1::Inspection facts;
  facts.set_name(inspection.name());
  facts.set_title(inspection.title());
  *facts.mutable_publication_date() = inspection.publication_date();
  facts.set_basis(inspection.basis());
  const std::string content = facts.SerializeAsString();
  ASSIGN_OR_RETURN(const int64_t known,
                   tx.Execute("UPDATE inspections SET content = ? WHERE inspection = ?", {db::Bytes{content}, id}));
  if (known > 0) {
    return absl::OkStatus();
  }
  const auto added =
      tx.Execute("INSERT INTO inspections (inspection, content) VALUES (?, ?)", {id, db::Bytes{content}});
  return absl::IsAlreadyExists(added.status()) ? tx.Conflict() : added.status();
}

absl::StatusOr<registry::v1::Inspection> LoadInspection(db::Transaction& tx, std::string_view id) {
  std::optional<registry::v1::Inspection> facts;
  RETURN_IF_ERROR(tx.Query("SELECT content FROM inspections WHERE inspection = ?", {id}, [&](const db::Row& row) {
    const std::string_view content = row.Text(0);
    facts.emplace().ParseFromArray(content.data(), static_cast<int>(content.size()));
  }));
  if (!facts) {
    return base::NotFound(fmt::format("inspections/{}", id));
  }
  return *std::move(facts);
}

absl::StatusOr<Publication> RecordPublication(db::Transaction& tx, const DeadlineId& id, absl::Time published) {
  const int64_t time = base::ToMicros(published);
  const auto added = tx.Execute("INSERT INTO publications (body, inspection, published_time) VALUES (?, ?, ?)",
                                {id.body, id.inspection, time});
  if (!absl::IsAlreadyExists(added.status())) {
    RETURN_IF_ERROR(added.status());
    return Publication::kBeforeDeadline;
  }
  ASSIGN_OR_RETURN(const int64_t waited,
                   tx.Execute("UPDATE publications SET published_time = ? WHERE body = ? AND inspection = ? AND "
                              "published_time IS NULL",
                              {time, id.body, id.inspection}));
  return waited > 0 ? Publication::kDeadlineIsWaiting : Publication::kRepeat;
}

absl::StatusOr<std::optional<absl::Time>> AwaitPublication(db::Transaction& tx, const DeadlineId& id) {
  const auto added = tx.Execute("INSERT INTO publications (body, inspection, published_time) VALUES (?, ?, NULL)",
                                {id.body, id.inspection});
  if (!absl::IsAlreadyExists(added.status())) {
    RETURN_IF_ERROR(added.status());
    return std::nullopt;
  }
  std::optional<absl::Time> published;
  RETURN_IF_ERROR(tx.Query("SELECT published_time FROM publications WHERE body = ? AND inspection = ?",
                           {id.body, id.inspection}, [&](const db::Row& row) {
                             if (!row.IsNull(0)) {
                               published = base::FromMicros(row.Int64(0));
                             }
                           }));
  if (!published) {
    return tx.Conflict();  // it was committed after this transaction's snapshot was taken
  }
  return published;
}

absl::StatusOr<StoredDeadline> LoadDeadline(db::Transaction& tx, const DeadlineId& id) {
  ASSIGN_OR_RETURN(
      std::vector<StoredDeadline> found,
      QueryDeadlines(tx, fmt::format("SELECT {} FROM deadlines WHERE body = ? AND inspection = ?", kColumns),
                     {id.body, id.inspection}));
  if (found.empty()) {
    return base::NotFound(rules::DeadlineName(id));
  }
  return std::move(found.front());
}

absl::Status InsertDeadline(db::Transaction& tx, StoredDeadline& stored) {
  const DeadlineKey key = KeyOf(stored.deadline);
  const std::string content = ContentOf(stored.deadline);
  const auto added = tx.Execute(
      "INSERT INTO deadlines (body, inspection, state, missed_from, version, content) VALUES (?, ?, ?, ?, ?, ?)",
      {key.body, key.inspection, stored.deadline.state(), key.missed_from, 1, db::Bytes{content}});
  if (absl::IsAlreadyExists(added.status())) {
    return base::AlreadyExists(stored.deadline.name());
  }
  RETURN_IF_ERROR(added.status());
  stored.version = 1;
  stored.deadline.set_etag(base::EtagOf(stored.version));
  return absl::OkStatus();
}

absl::Status UpdateDeadline(db::Transaction& tx, StoredDeadline& stored) {
  const DeadlineKey key = KeyOf(stored.deadline);
  const std::string content = ContentOf(stored.deadline);
  ASSIGN_OR_RETURN(
      const int64_t changed,
      tx.Execute("UPDATE deadlines SET state = ?, missed_from = ?, version = ?, content = ? WHERE body = ? "
                 "AND inspection = ? AND version = ?",
                 {stored.deadline.state(), key.missed_from, stored.version + 1, db::Bytes{content}, key.body,
                  key.inspection, stored.version}));
  if (changed == 0) {
    return tx.Conflict();
  }
  ++stored.version;
  stored.deadline.set_etag(base::EtagOf(stored.version));
  return absl::OkStatus();
}

DeadlineKey KeyOf(const v1::Deadline& deadline) {
  // A name that is no name gives an empty key, which no row has.
  const auto id = rules::ParseDeadlineName(deadline.name()).value_or(DeadlineId());
  return {base::ToMicros(rules::MissedFrom(deadline)), id.body, id.inspection};
}

absl::StatusOr<std::vector<StoredDeadline>> ListDeadlines(db::Transaction& tx, const DeadlineQuery& query) {
  std::string sql = fmt::format("SELECT {} FROM deadlines WHERE 1 = 1", kColumns);
  std::vector<Value> values;
  if (!query.body.empty()) {
    sql += " AND body = ?";
    values.emplace_back(query.body);
  } else if (!query.all) {
    // An empty IN () is not portable; NULL is in no list.
    std::string seen = "body IN (NULL)";
    if (!query.bodies.empty()) {
      seen = fmt::format("body IN ({})", Placeholders(query.bodies, values));
    }
    if (!query.forces.empty()) {
      seen += fmt::format(" OR body IN (SELECT body FROM bodies WHERE force_id IN ({}))",
                          Placeholders(query.forces, values));
    }
    sql += fmt::format(" AND ({})", seen);
  }
  if (query.state) {
    sql += " AND state = ?";
    values.emplace_back(*query.state);
  }
  if (!query.inspection.empty()) {
    sql += " AND inspection = ?";
    values.emplace_back(query.inspection);
  }
  if (query.after) {
    // The first condition follows from the second, but MySQL seeks in an index only by the first.
    sql += " AND missed_from >= ? AND (missed_from, body, inspection) > (?, ?, ?)";
    values.insert(values.end(),
                  {query.after->missed_from, query.after->missed_from, query.after->body, query.after->inspection});
  }
  sql += " ORDER BY missed_from, body, inspection LIMIT ?";
  values.emplace_back(query.limit);
  return QueryDeadlines(tx, sql, values);
}

absl::StatusOr<std::vector<StoredDeadline>> ListDue(db::Transaction& tx, absl::Time now, int limit) {
  return QueryDeadlines(tx,
                        fmt::format("SELECT {} FROM deadlines WHERE state = ? AND missed_from <= ? "
                                    "ORDER BY missed_from, body, inspection LIMIT ?",
                                    kColumns),
                        {v1::Deadline::PENDING, base::ToMicros(now), limit});
}

absl::StatusOr<absl::Time> NextDue(db::Transaction& tx) {
  absl::Time next = absl::InfiniteFuture();
  RETURN_IF_ERROR(tx.Query("SELECT missed_from FROM deadlines WHERE state = ? ORDER BY missed_from LIMIT 1",
                           {v1::Deadline::PENDING},
                           [&](const db::Row& row) { next = base::FromMicros(row.Int64(0)); }));
  return next;
}

}  // namespace section55::deadlines::store
