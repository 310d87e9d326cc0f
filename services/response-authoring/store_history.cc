#include "services/response-authoring/store_history.h"

#include <algorithm>
#include <bit>
#include <map>
#include <utility>

#include "libs/base/clock.h"
#include "libs/base/status.h"

namespace section55::authoring::store {

const db::ProtoTable<v1::Response>& PartHistory() {
  static const db::ProtoTable<v1::Response> table({.name = "part_history", .key = {"id"}, .columns = {}});
  return table;
}

absl::StatusOr<std::vector<HistoryRow>> HistoryFrom(db::Transaction& tx, int64_t id, int limit) {
  std::vector<HistoryRow> rows;
  if (id == 0) {
    return rows;
  }
  // MariaDB works out all of what is recursive before it looks at a LIMIT outside of it, so the depth is bounded within.
  RETURN_IF_ERROR(
      tx.Query("WITH RECURSIVE found (depth, id) AS (SELECT 1, CAST(? AS SIGNED) UNION ALL "
               "SELECT f.depth + 1, h.previous FROM found f JOIN part_history h ON h.id = f.id "
               "WHERE f.depth < ? AND h.previous > 0) "
               "SELECT h.id, h.previous, h.revision, h.version, h.part, h.actor, h.time_us, h.begun_us "
               "FROM found f JOIN part_history h ON h.id = f.id ORDER BY f.depth",
               {id, std::min(limit, kMostHistoryRows)}, [&](const db::Row& row) {
                 rows.push_back({.id = row.Int64(0),
                                 .previous = row.Int64(1),
                                 .revision = row.Int64(2),
                                 .version = row.Int64(3),
                                 .part = std::string(row.Text(4)),
                                 .actor = std::string(row.Text(5)),
                                 .time = base::FromMicros(row.Int64(6)),
                                 .begun_us = row.Int64(7)});
               }));
  return rows;
}

absl::StatusOr<bool> IsHistoryOf(db::Transaction& tx, int64_t id, std::string_view body, std::string_view inspection) {
  bool own = false;
  RETURN_IF_ERROR(tx.Query("SELECT body, inspection FROM part_history WHERE id = ?", {id},
                           [&](const db::Row& row) { own = row.Text(0) == body && row.Text(1) == inspection; }));
  return own;
}

absl::StatusOr<std::vector<v1::Response>> HistoryContents(db::Transaction& tx, const std::vector<int64_t>& ids) {
  std::map<int64_t, v1::Response> found;
  std::vector<int64_t> sorted = ids;
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  // In a handful of prepared texts.
  constexpr size_t kMostAtOnce = 64;
  for (size_t done = 0; done < sorted.size();) {
    const size_t count = std::bit_floor(std::min(sorted.size() - done, kMostAtOnce));
    std::string tail = "WHERE id IN (?";
    for (size_t i = 1; i < count; ++i) {
      tail += ", ?";
    }
    std::vector<db::Value> values(sorted.begin() + static_cast<std::ptrdiff_t>(done),
                                  sorted.begin() + static_cast<std::ptrdiff_t>(done + count));
    ASSIGN_OR_RETURN(auto rows, PartHistory().Select(tx, tail + ") ORDER BY id", values));
    if (rows.size() != count) {
      return base::Error(absl::StatusCode::kDataLoss, "STORED_DATA_DAMAGED",
                         "a part of a response's history is missing");
    }
    for (size_t i = 0; i < count; ++i) {
      found[sorted[done + i]] = std::move(rows[i].message);
    }
    done += count;
  }
  std::vector<v1::Response> contents;
  contents.reserve(ids.size());
  for (const int64_t id : ids) {
    contents.push_back(found[id]);
    contents.back().clear_etag();
  }
  return contents;
}

}  // namespace section55::authoring::store
