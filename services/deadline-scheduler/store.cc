#include "services/deadline-scheduler/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "libs/base/clock.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"

namespace section55::deadlines::store {
namespace {

using db::Value;

const db::ProtoTable<registry::v1::Inspection>& Inspections() {
  static const auto* const table =
      new db::ProtoTable<registry::v1::Inspection>({.name = "inspections", .key = {"inspection"}, .columns = {}});
  return *table;
}

const db::ProtoTable<v1::Deadline>& Deadlines() {
  static const auto* const table = new db::ProtoTable<v1::Deadline>(
      {.name = "deadlines", .key = {"body", "inspection"}, .columns = {"state", "missed_from"}});
  return *table;
}

// A stretch of an index: the conditions that make it, all of which hold, and their values.
class Stretch {
 public:
  // `index`: whose stretch it is. A comment to SQLite, which takes it anyway; MariaDB would otherwise, while it knows too little of what is
  // stored, read the index from the first row that fulfils the equalities instead of from the first day asked for.
  explicit Stretch(std::string_view index) : conditions_(fmt::format("/*! FORCE INDEX ({}) */", index)) {}

  void Where(std::string_view condition, std::initializer_list<Value> values) {
    conditions_ += fmt::format(" {} {}", values_.empty() ? "WHERE" : "AND", condition);
    values_.insert(values_.end(), values);
  }

  // Its first rows.
  absl::StatusOr<std::vector<StoredDeadline>> Read(db::Transaction& tx, std::string_view order, int limit) const {
    std::vector<Value> values = values_;
    values.emplace_back(limit);
    return Deadlines().Select(tx, fmt::format("{} ORDER BY {} LIMIT ?", conditions_, order), values);
  }

 private:
  std::string conditions_;
  std::vector<Value> values_;
};

// The index that has a list in its order: one body's, or everybody's.
std::string_view IndexFor(const DeadlineQuery& query, bool of_one_body) {
  if (!query.inspection.empty()) {
    return of_one_body ? "PRIMARY" : "deadlines_by_inspection";
  }
  if (of_one_body) {
    return query.state ? "deadlines_by_body_and_state" : "deadlines_by_body";
  }
  return query.state ? "deadlines_by_state" : "deadlines_by_missed_from";
}

// What a query asks of every row, the equalities first, as in the indexes.
Stretch StretchOf(const DeadlineQuery& query, bool of_one_body) {
  Stretch stretch(IndexFor(query, of_one_body));
  if (query.state) {
    stretch.Where("state = ?", {*query.state});
  }
  if (!query.inspection.empty()) {
    stretch.Where("inspection = ?", {query.inspection});
  }
  if (query.earliest == query.latest) {
    // Said so, MariaDB goes on in the order of the index behind it.
    stretch.Where("missed_from = ?", {query.earliest});
  } else {
    stretch.Where("missed_from BETWEEN ? AND ?", {query.earliest, query.latest});
  }
  return stretch;
}

// One body's, up to `latest`.
absl::StatusOr<std::vector<StoredDeadline>> ListOfBody(db::Transaction& tx, DeadlineQuery query,
                                                       const std::string& body, int64_t latest) {
  query.latest = std::min(query.latest, latest);
  if (query.after) {
    // At the instant where the last page ended, it ended within one body: those before it have been shown.
    query.earliest = std::max(query.earliest, query.after->missed_from + (body < query.after->id.body ? 1 : 0));
  }
  Stretch stretch = StretchOf(query, /*of_one_body=*/true);
  stretch.Where("body = ?", {body});
  if (query.after && body == query.after->id.body) {
    stretch.Where("(missed_from > ? OR inspection > ?)", {query.after->missed_from, query.after->id.inspection});
  }
  return stretch.Read(tx, "missed_from, inspection", query.limit);
}

absl::StatusOr<std::vector<StoredDeadline>> ListOfBodies(db::Transaction& tx, const DeadlineQuery& query) {
  const auto in_order = [](const StoredDeadline& a, const StoredDeadline& b) {
    return KeyOf(a.message) < KeyOf(b.message);
  };
  std::vector<StoredDeadline> found;
  int64_t latest = query.latest;
  for (const std::string& body : query.bodies) {
    ASSIGN_OR_RETURN(std::vector<StoredDeadline> more, ListOfBody(tx, query, body, latest));
    const auto middle =
        found.insert(found.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    std::inplace_merge(found.begin(), middle, found.end(), in_order);
    if (found.size() >= static_cast<size_t>(query.limit)) {
      found.resize(query.limit);
      latest = KeyOf(found.back().message).missed_from;  // what is later does not come onto this page any more
    }
  }
  return found;
}

absl::StatusOr<std::vector<StoredDeadline>> ListOfEverybody(db::Transaction& tx, DeadlineQuery query) {
  constexpr std::string_view kOrder = "missed_from, body, inspection";
  std::vector<StoredDeadline> found;
  if (query.after) {
    // The rest of the instant at which the last page ended, then what is later.
    DeadlineQuery rest = query;
    rest.earliest = std::max(query.earliest, query.after->missed_from);
    rest.latest = std::min(query.latest, query.after->missed_from);
    Stretch stretch = StretchOf(rest, /*of_one_body=*/false);
    stretch.Where("body >= ? AND (body > ? OR inspection > ?)",
                  {query.after->id.body, query.after->id.body, query.after->id.inspection});
    ASSIGN_OR_RETURN(found, stretch.Read(tx, kOrder, query.limit));
    query.earliest = std::max(query.earliest, query.after->missed_from + 1);
    query.limit -= static_cast<int>(found.size());
  }
  if (query.limit > 0) {
    ASSIGN_OR_RETURN(std::vector<StoredDeadline> later,
                     StretchOf(query, /*of_one_body=*/false).Read(tx, kOrder, query.limit));
    found.insert(found.end(), std::make_move_iterator(later.begin()), std::make_move_iterator(later.end()));
  }
  return found;
}

}  // namespace

std::vector<const db::MessageTable*> Tables() { return {&Inspections(), &Deadlines()}; }

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
    return base::NotFound(base::MakeName(base::kBodyName, {body}));
  }
  return force;
}

absl::StatusOr<std::vector<std::string>> BodiesOf(db::Transaction& tx, std::string_view force) {
  std::vector<std::string> bodies;
  RETURN_IF_ERROR(tx.Query("SELECT body FROM bodies WHERE force_id = ?", {force},
                           [&](const db::Row& row) { bodies.emplace_back(row.Text(0)); }));
  return bodies;
}

absl::Status SaveInspection(db::Transaction& tx, std::string_view id, const registry::v1::Inspection& inspection) {
  ASSIGN_OR_RETURN(auto stored, Inspections().Find(tx, {id}));
  db::Versioned<registry::v1::Inspection> facts;
  facts.version = stored ? stored->version : 0;
  facts.message.set_name(inspection.name());
  facts.message.set_title(inspection.title());
  *facts.message.mutable_publication_date() = inspection.publication_date();
  facts.message.set_basis(inspection.basis());
  facts.message.set_state(inspection.state());
  facts.message.set_revision(inspection.revision());
  if (inspection.has_update_time()) {
    *facts.message.mutable_update_time() = inspection.update_time();
  }
  facts.message.set_clock_reason(inspection.clock_reason());
  facts.message.set_withdrawal_reason(inspection.withdrawal_reason());
  if (inspection.has_clock_start_date()) {
    *facts.message.mutable_clock_start_date() = inspection.clock_start_date();
  }
  if (stored) {
    return Inspections().Update(tx, {id}, {}, facts);
  }
  const absl::Status added = Inspections().Insert(tx, {id}, {}, facts);
  return absl::IsAlreadyExists(added) ? tx.Conflict() : added;
}

absl::StatusOr<registry::v1::Inspection> LoadInspection(db::Transaction& tx, std::string_view id) {
  ASSIGN_OR_RETURN(auto stored, Inspections().Load(tx, {id}, base::MakeName(base::kInspectionName, {id})));
  return std::move(stored.message);
}

absl::StatusOr<std::vector<registry::v1::Inspection>> InspectionsAfter(db::Transaction& tx, std::string_view after,
                                                                       int limit) {
  ASSIGN_OR_RETURN(auto rows,
                   Inspections().Select(tx, "WHERE inspection > ? ORDER BY inspection LIMIT ?", {after, limit}));
  std::vector<registry::v1::Inspection> inspections;
  for (auto& row : rows) {
    inspections.push_back(std::move(row.message));
  }
  return inspections;
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
  ASSIGN_OR_RETURN(const std::optional<absl::Time> published, PublishedTime(tx, id));
  if (!published) {
    return tx.Conflict();  // it was committed after this transaction's snapshot was taken
  }
  return published;
}

absl::StatusOr<std::optional<absl::Time>> PublishedTime(db::Transaction& tx, const DeadlineId& id) {
  std::optional<absl::Time> published;
  RETURN_IF_ERROR(tx.Query("SELECT published_time FROM publications WHERE body = ? AND inspection = ?",
                           {id.body, id.inspection}, [&](const db::Row& row) {
                             if (!row.IsNull(0)) {
                               published = base::FromMicros(row.Int64(0));
                             }
                           }));
  return published;
}

absl::StatusOr<std::vector<FirstPublication>> PublicationsAfter(db::Transaction& tx, const DeadlineId& after,
                                                                int limit) {
  std::vector<FirstPublication> found;
  RETURN_IF_ERROR(tx.Query(
      "SELECT body, inspection, published_time FROM publications WHERE published_time IS NOT NULL AND body >= ? AND "
      "(body > ? OR inspection > ?) ORDER BY body, inspection LIMIT ?",
      {after.body, after.body, after.inspection, limit}, [&](const db::Row& row) {
        found.push_back({{std::string(row.Text(0)), std::string(row.Text(1))}, base::FromMicros(row.Int64(2))});
      }));
  return found;
}

absl::StatusOr<StoredDeadline> LoadDeadline(db::Transaction& tx, const DeadlineId& id) {
  return Deadlines().Load(tx, {id.body, id.inspection}, rules::DeadlineName(id));
}

absl::Status InsertDeadline(db::Transaction& tx, StoredDeadline& stored) {
  const DeadlineKey key = KeyOf(stored.message);
  const absl::Status added =
      Deadlines().Insert(tx, {key.id.body, key.id.inspection}, {stored.message.state(), key.missed_from}, stored);
  return absl::IsAlreadyExists(added) ? base::AlreadyExists(stored.message.name()) : added;
}

absl::Status UpdateDeadline(db::Transaction& tx, StoredDeadline& stored) {
  const DeadlineKey key = KeyOf(stored.message);
  return Deadlines().Update(tx, {key.id.body, key.id.inspection}, {stored.message.state(), key.missed_from}, stored);
}

DeadlineKey KeyOf(const v1::Deadline& deadline) {
  // A name that is no name gives an empty key, which no row has.
  return {base::ToMicros(rules::MissedFrom(deadline)),
          rules::ParseDeadlineName(deadline.name()).value_or(DeadlineId())};
}

absl::StatusOr<std::vector<StoredDeadline>> ListDeadlines(db::Transaction& tx, const DeadlineQuery& query) {
  return query.everything ? ListOfEverybody(tx, query) : ListOfBodies(tx, query);
}

absl::StatusOr<int64_t> CountDeadlines(db::Transaction& tx, v1::Deadline::State state, absl::Time from, absl::Time to) {
  int64_t count = 0;
  RETURN_IF_ERROR(tx.Query("SELECT COUNT(*) FROM deadlines WHERE state = ? AND missed_from >= ? AND missed_from < ?",
                           {state, base::ToMicros(from), base::ToMicros(to)},
                           [&](const db::Row& row) { count = row.Int64(0); }));
  return count;
}

}  // namespace section55::deadlines::store
