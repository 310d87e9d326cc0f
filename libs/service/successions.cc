#include "libs/service/successions.h"

#include <utility>

#include "libs/base/clock.h"
#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "libs/calendar/london.h"
#include "libs/db/proto_table.h"

namespace section55::service {
namespace {

template <typename Event>
absl::StatusOr<Succession> Read(const Event& event) {
  const auto date = base::ToCivilDay(event.predecessor().succession().date());
  if (!date || event.predecessor().name().empty() || event.successor().name().empty()) {
    return base::Error(absl::StatusCode::kInvalidArgument, "MALFORMED_EVENT",
                       "a succession without its day or its names");
  }
  return Succession{event.predecessor().name(), event.successor().name(), calendar::StartOfLondonDay(*date),
                    event.SerializeAsString()};
}

absl::StatusOr<std::vector<Succession>> Select(db::Transaction& tx, std::string_view tail,
                                               absl::Span<const db::Value> values) {
  std::vector<Succession> found;
  std::string damaged;
  RETURN_IF_ERROR(
      tx.Query(std::string("SELECT predecessor, successor, from_us, checksum, event FROM successions ").append(tail),
               values, [&](const db::Row& row) {
                 found.push_back({std::string(row.Text(0)), std::string(row.Text(1)), base::FromMicros(row.Int64(2)),
                                  std::string(row.Text(4))});
                 if (db::ChecksumOf(found.back().event) != row.Int64(3)) {
                   damaged = found.back().predecessor;
                 }
               }));
  if (!damaged.empty()) {
    return base::Error(absl::StatusCode::kDataLoss, "STORED_DATA_DAMAGED",
                       "the stored succession of " + damaged + " does not match its checksum");
  }
  return found;
}

}  // namespace

absl::StatusOr<Succession> SuccessionOf(const registry::v1::BodySucceeded& event) { return Read(event); }
absl::StatusOr<Succession> SuccessionOf(const registry::v1::ForceSucceeded& event) { return Read(event); }

absl::Status SaveSuccession(db::Transaction& tx, const Succession& succession) {
  const int64_t from = base::ToMicros(succession.from);
  const int64_t checksum = db::ChecksumOf(succession.event);
  ASSIGN_OR_RETURN(
      const int64_t known,
      tx.Execute("UPDATE successions SET successor = ?, from_us = ?, checksum = ?, event = ? "
                 "WHERE predecessor = ?",
                 {succession.successor, from, checksum, db::Bytes{succession.event}, succession.predecessor}));
  if (known > 0) {
    return absl::OkStatus();
  }
  const absl::Status added =
      tx.Execute("INSERT INTO successions (predecessor, successor, from_us, checksum, event) VALUES (?, ?, ?, ?, ?)",
                 {succession.predecessor, succession.successor, from, checksum, db::Bytes{succession.event}})
          .status();
  return absl::IsAlreadyExists(added) ? tx.Conflict() : added;
}

absl::StatusOr<std::optional<Succession>> FindSuccession(db::Transaction& tx, std::string_view predecessor) {
  ASSIGN_OR_RETURN(std::vector<Succession> found, Select(tx, "WHERE predecessor = ?", {predecessor}));
  return found.empty() ? std::nullopt : std::make_optional(std::move(found.front()));
}

absl::StatusOr<std::vector<Succession>> AllSuccessions(db::Transaction& tx) {
  return Select(tx, "ORDER BY from_us, predecessor", {});
}

}  // namespace section55::service
