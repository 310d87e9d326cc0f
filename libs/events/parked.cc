#include "libs/events/parked.h"

#include <fmt/format.h>

#include "absl/strings/numbers.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/status.h"

namespace section55::events {
namespace {

using google::protobuf::util::TimeUtil;

constexpr std::string_view kCollection = "parkedEvents/";

}  // namespace

std::string ParkedName(std::string_view source, int64_t position) {
  return std::string(kCollection).append(source).append("-").append(std::to_string(position));
}

std::optional<ParkedKey> ParseParkedName(std::string_view name) {
  const size_t dash = name.rfind('-');
  if (!name.starts_with(kCollection) || dash == name.npos || dash <= kCollection.size()) {
    return std::nullopt;
  }
  ParkedKey key;
  key.source = name.substr(kCollection.size(), dash - kCollection.size());
  const std::string number(name.substr(dash + 1));
  // One event has one name: no sign, no leading zeros.
  if (!absl::SimpleAtoi(number, &key.position) || ParkedName(key.source, key.position) != name) {
    return std::nullopt;
  }
  return key;
}

absl::StatusOr<std::vector<admin::v1::ParkedEvent>> ListParked(db::Transaction& tx, std::string_view tenant,
                                                               const ParkedKey& after, int limit) {
  std::string sql =
      "SELECT source, position, type, subject, error, parked_time, attempts, tenant, next_try FROM parked_events "
      "WHERE ";
  std::vector<db::Value> values;
  if (!tenant.empty()) {
    sql.append("tenant = ? AND ");
    values.emplace_back(tenant);
  }
  // In this form both engines seek.
  sql.append("source >= ? AND (source > ? OR position > ?) ORDER BY source, position LIMIT ?");
  values.insert(values.end(), {after.source, after.source, after.position, limit});
  std::vector<admin::v1::ParkedEvent> events;
  RETURN_IF_ERROR(tx.Query(sql, values, [&](const db::Row& row) {
    admin::v1::ParkedEvent& event = events.emplace_back();
    event.set_name(ParkedName(row.Text(0), row.Int64(1)));
    event.set_source(std::string(row.Text(0)));
    event.set_position(row.Int64(1));
    event.set_type(std::string(row.Text(2)));
    event.set_subject(std::string(row.Text(3)));
    event.set_error(std::string(row.Text(4)));
    *event.mutable_parked_time() = TimeUtil::MicrosecondsToTimestamp(row.Int64(5));
    event.set_attempts(static_cast<int>(row.Int64(6)));
    event.set_tenant(std::string(row.Text(7)));
    if (row.Int64(8) != 0) {
      *event.mutable_next_try_time() = TimeUtil::MicrosecondsToTimestamp(row.Int64(8));
    }
  }));
  return events;
}

absl::StatusOr<int> CheckParked(db::Transaction& tx, ParkedKey& after, int limit, std::vector<db::Damage>& damage) {
  int count = 0;
  const ParkedKey from = after;
  RETURN_IF_ERROR(
      tx.Query("SELECT source, position, checksum, event FROM parked_events "
               "WHERE source >= ? AND (source > ? OR position > ?) ORDER BY source, position LIMIT ?",
               {from.source, from.source, from.position, limit}, [&](const db::Row& row) {
                 ++count;
                 after = {std::string(row.Text(0)), row.Int64(1)};
                 db::CheckContent("parked_events", fmt::format("{}/{}", after.source, after.position), row.Text(3),
                                  row.Int64(2), damage);
               }));
  return count;
}

}  // namespace section55::events
