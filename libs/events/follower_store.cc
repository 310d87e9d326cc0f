#include "libs/events/follower_store.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/clock.h"
#include "libs/base/status.h"

namespace section55::events {
namespace {

constexpr std::string_view kParkedCollection = "parkedEvents/";
constexpr size_t kErrorLength = 1000;

// What is kept of an error: printable ASCII of bounded length, because nothing in a message may hinder the parking.
std::string Printable(std::string_view error) {
  std::string text(error.substr(0, kErrorLength));
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

std::string TypeOf(const common::v1::Event& event) {
  const std::string& url = event.payload().type_url();
  return url.substr(url.rfind('/') + 1);
}

}  // namespace

absl::StatusOr<std::optional<int64_t>> ReadCursor(db::Transaction& tx, std::string_view source) {
  std::optional<int64_t> position;
  RETURN_IF_ERROR(tx.Query("SELECT position FROM follower_cursors WHERE source = ?", {source},
                           [&](const db::Row& row) { position = row.Int64(0); }));
  return position;
}

absl::Status BeginCursor(db::Transaction& tx, std::string_view source) {
  const absl::Status inserted =
      tx.Execute("INSERT INTO follower_cursors (source, position, retries) VALUES (?, 0, 0)", {source}).status();
  return absl::IsAlreadyExists(inserted) ? absl::OkStatus() : inserted;
}

absl::StatusOr<bool> Advance(db::Transaction& tx, std::string_view source, int64_t from, int64_t to) {
  ASSIGN_OR_RETURN(
      const int64_t moved,
      tx.Execute("UPDATE follower_cursors SET position = ? WHERE source = ? AND position = ?", {to, source, from}));
  return moved == 1;
}

absl::Status TouchCursor(db::Transaction& tx, std::string_view source) {
  // A change and not just a lock: a Galera cluster certifies what was written.
  return tx.Execute("UPDATE follower_cursors SET retries = retries + 1 WHERE source = ?", {source}).status();
}

std::string ParkedName(std::string_view source, int64_t position) {
  return std::string(kParkedCollection).append(source).append("-").append(std::to_string(position));
}

std::optional<ParkedKey> ParseParkedName(std::string_view name) {
  const size_t dash = name.rfind('-');
  if (!name.starts_with(kParkedCollection) || dash == name.npos || dash <= kParkedCollection.size())
    return std::nullopt;
  ParkedKey key;
  key.source = name.substr(kParkedCollection.size(), dash - kParkedCollection.size());
  const std::string number(name.substr(dash + 1));
  // One event has one name: no sign, no leading zeros.
  if (!absl::SimpleAtoi(number, &key.position) || ParkedName(key.source, key.position) != name) return std::nullopt;
  return key;
}

absl::Status Park(db::Transaction& tx, std::string_view source, const common::v1::Event& event, std::string_view error,
                  int attempts, absl::Time now) {
  const std::string type = TypeOf(event);
  const std::string bytes = event.SerializeAsString();
  const std::string text = Printable(error);
  return tx
      .Execute(
          "INSERT INTO parked_events (source, position, subject, type, event, error, parked_time, attempts) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
          {source, event.position(), event.subject(), type, db::Bytes{bytes}, text, base::ToMicros(now), attempts})
      .status();
}

absl::Status CountFailure(db::Transaction& tx, std::string_view source, int64_t position, std::string_view error) {
  const std::string text = Printable(error);
  return tx
      .Execute("UPDATE parked_events SET attempts = attempts + 1, error = ? WHERE source = ? AND position = ?",
               {text, source, position})
      .status();
}

absl::Status Unpark(db::Transaction& tx, std::string_view source, int64_t position) {
  return tx.Execute("DELETE FROM parked_events WHERE source = ? AND position = ?", {source, position}).status();
}

absl::StatusOr<std::optional<common::v1::Event>> FindParked(db::Transaction& tx, std::string_view source,
                                                            int64_t position) {
  std::optional<common::v1::Event> event;
  bool intact = true;
  RETURN_IF_ERROR(tx.Query("SELECT event FROM parked_events WHERE source = ? AND position = ?", {source, position},
                           [&](const db::Row& row) {
                             const std::string_view bytes = row.Text(0);
                             event.emplace();
                             intact = event->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
                           }));
  if (!intact) return absl::DataLossError("the parked event " + ParkedName(source, position) + " cannot be read");
  return event;
}

absl::StatusOr<std::optional<int64_t>> FirstParked(db::Transaction& tx, std::string_view source,
                                                   std::string_view subject) {
  std::optional<int64_t> position;
  RETURN_IF_ERROR(
      tx.Query("SELECT position FROM parked_events WHERE source = ? AND subject = ? ORDER BY position LIMIT 1",
               {source, subject}, [&](const db::Row& row) { position = row.Int64(0); }));
  return position;
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

absl::StatusOr<std::vector<admin::v1::ParkedEvent>> ListParked(db::Transaction& tx, const ParkedKey& after, int limit) {
  std::vector<admin::v1::ParkedEvent> events;
  RETURN_IF_ERROR(
      tx.Query("SELECT source, position, type, subject, error, parked_time, attempts FROM parked_events "
               "WHERE (source, position) > (?, ?) ORDER BY source, position LIMIT ?",
               {after.source, after.position, limit}, [&](const db::Row& row) {
                 admin::v1::ParkedEvent& event = events.emplace_back();
                 event.set_name(ParkedName(row.Text(0), row.Int64(1)));
                 event.set_source(std::string(row.Text(0)));
                 event.set_position(row.Int64(1));
                 event.set_type(std::string(row.Text(2)));
                 event.set_subject(std::string(row.Text(3)));
                 event.set_error(std::string(row.Text(4)));
                 *event.mutable_parked_time() = google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(row.Int64(5));
                 event.set_attempts(static_cast<int>(row.Int64(6)));
               }));
  return events;
}

}  // namespace section55::events
