#include "libs/events/follower_store.h"

#include <utility>

#include "libs/base/clock.h"
#include "libs/base/error_text.h"
#include "libs/base/status.h"
#include "libs/db/proto_table.h"
#include "libs/events/parked.h"

namespace section55::events {
namespace {

std::string TypeOf(const common::v1::Event& event) {
  const std::string& url = event.payload().type_url();
  return url.substr(url.rfind('/') + 1);
}

}  // namespace

absl::StatusOr<std::optional<Cursor>> ReadCursor(db::Transaction& tx, std::string_view source) {
  std::optional<Cursor> cursor;
  RETURN_IF_ERROR(tx.Query("SELECT position, incarnation, last_event_id FROM follower_cursors WHERE source = ?",
                           {source}, [&](const db::Row& row) {
                             cursor = Cursor{row.Int64(0), std::string(row.Text(1)), std::string(row.Text(2))};
                           }));
  return cursor;
}

absl::Status BeginCursor(db::Transaction& tx, std::string_view source) {
  const absl::Status inserted = tx.Execute(
                                      "INSERT INTO follower_cursors (source, position, incarnation, last_event_id, "
                                      "retries) VALUES (?, 0, '', '', 0)",
                                      {source})
                                    .status();
  return absl::IsAlreadyExists(inserted) ? absl::OkStatus() : inserted;
}

absl::Status BindCursor(db::Transaction& tx, std::string_view source, std::string_view incarnation) {
  return tx
      .Execute("UPDATE follower_cursors SET incarnation = ? WHERE source = ? AND incarnation = ''",
               {incarnation, source})
      .status();
}

absl::StatusOr<bool> Advance(db::Transaction& tx, std::string_view source, const Cursor& from, const Cursor& to) {
  ASSIGN_OR_RETURN(const int64_t moved,
                   tx.Execute("UPDATE follower_cursors SET position = ?, incarnation = ?, last_event_id = ? "
                              "WHERE source = ? AND position = ? AND incarnation = ? AND last_event_id = ?",
                              {to.position, to.incarnation, to.last_event_id, source, from.position, from.incarnation,
                               from.last_event_id}));
  return moved == 1;
}

absl::Status ResetCursor(db::Transaction& tx, std::string_view source, int64_t position) {
  return tx
      .Execute(
          "UPDATE follower_cursors SET position = ?, incarnation = '', last_event_id = '', retries = retries + 1 "
          "WHERE source = ?",
          {position, source})
      .status();
}

absl::Status TouchCursor(db::Transaction& tx, std::string_view source) {
  // A change and not just a lock: a Galera cluster certifies what was written.
  return tx.Execute("UPDATE follower_cursors SET retries = retries + 1 WHERE source = ?", {source}).status();
}

absl::Status Park(db::Transaction& tx, std::string_view source, const common::v1::Event& event, std::string_view error,
                  int attempts, absl::Time now, std::optional<absl::Time> next_try) {
  const std::string type = TypeOf(event);
  const std::string bytes = db::SerialiseDeterministically(event);
  const std::string text = base::Printable(error);
  return tx
      .Execute(
          "INSERT INTO parked_events (source, position, tenant, subject, type, error, parked_time, next_try, "
          "attempts, checksum, event) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          {source, event.position(), event.tenant(), event.subject(), type, text, base::ToMicros(now),
           next_try ? base::ToMicros(*next_try) : 0, attempts, db::ChecksumOf(bytes), db::Bytes{bytes}})
      .status();
}

absl::Status CountFailure(db::Transaction& tx, std::string_view source, int64_t position, std::string_view error,
                          std::optional<absl::Time> next_try) {
  const std::string text = base::Printable(error);
  RETURN_IF_ERROR(
      tx.Execute("UPDATE parked_events SET attempts = attempts + 1, error = ? WHERE source = ? AND position = ?",
                 {text, source, position})
          .status());
  return next_try ? SetNextTry(tx, source, position, *next_try) : absl::OkStatus();
}

absl::Status SetNextTry(db::Transaction& tx, std::string_view source, int64_t position, absl::Time next_try) {
  return tx
      .Execute("UPDATE parked_events SET next_try = ? WHERE source = ? AND position = ?",
               {base::ToMicros(next_try), source, position})
      .status();
}

absl::Status Unpark(db::Transaction& tx, std::string_view source, int64_t position) {
  return tx.Execute("DELETE FROM parked_events WHERE source = ? AND position = ?", {source, position}).status();
}

absl::StatusOr<std::optional<common::v1::Event>> FindParked(db::Transaction& tx, std::string_view source,
                                                            int64_t position) {
  std::optional<common::v1::Event> event;
  bool intact = true;
  RETURN_IF_ERROR(tx.Query("SELECT event, checksum FROM parked_events WHERE source = ? AND position = ?",
                           {source, position}, [&](const db::Row& row) {
                             const std::string_view bytes = row.Text(0);
                             event.emplace();
                             intact = db::ChecksumOf(bytes) == row.Int64(1) &&
                                      event->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
                           }));
  if (!intact) {
    return absl::DataLossError("the parked event " + ParkedName(source, position) + " is not what was parked");
  }
  return event;
}

absl::StatusOr<std::optional<ParkedEvent>> FirstParked(db::Transaction& tx, std::string_view source,
                                                       std::string_view subject) {
  std::optional<ParkedEvent> first;
  RETURN_IF_ERROR(
      tx.Query("SELECT position, tenant FROM parked_events WHERE source = ? AND subject = ? ORDER BY position LIMIT 1",
               {source, subject}, [&](const db::Row& row) {
                 first = {row.Int64(0), std::string(row.Text(1))};
               }));
  return first;
}

absl::StatusOr<std::vector<int64_t>> ParkedAfter(db::Transaction& tx, std::string_view source, int64_t position) {
  std::vector<int64_t> positions;
  RETURN_IF_ERROR(tx.Query("SELECT position FROM parked_events WHERE source = ? AND position > ? ORDER BY position",
                           {source, position}, [&](const db::Row& row) { positions.push_back(row.Int64(0)); }));
  return positions;
}

absl::StatusOr<absl::flat_hash_set<std::string>> ParkedSubjects(db::Transaction& tx, std::string_view source) {
  absl::flat_hash_set<std::string> subjects;
  RETURN_IF_ERROR(tx.Query("SELECT DISTINCT subject FROM parked_events WHERE source = ?", {source},
                           [&](const db::Row& row) { subjects.emplace(row.Text(0)); }));
  return subjects;
}

absl::StatusOr<int64_t> CountParked(db::Transaction& tx, std::string_view source) {
  int64_t count = 0;
  RETURN_IF_ERROR(tx.Query("SELECT COUNT(*) FROM parked_events WHERE source = ?", {source},
                           [&](const db::Row& row) { count = row.Int64(0); }));
  return count;
}

}  // namespace section55::events
