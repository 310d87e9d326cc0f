#include "libs/testing/plans.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "libs/base/status.h"

namespace section55::testing {

absl::Status ExplainingTransaction::Query(std::string_view sql, absl::Span<const db::Value> values,
                                          absl::FunctionRef<void(const db::Row&)> each) {
  ++queries_;
  if (engine_ == db::Engine::kSqlite) {
    RETURN_IF_ERROR(tx_.Query(fmt::format("EXPLAIN QUERY PLAN {}", sql), values,
                              [&](const db::Row& row) { plans_.emplace_back(row.Text(3)); }));
  } else {
    // Of MariaDB: id, select_type, table, type, possible_keys, key, key_len, ref, rows, Extra.
    RETURN_IF_ERROR(tx_.Query(fmt::format("EXPLAIN {}", sql), values, [&](const db::Row& row) {
      plans_.push_back(fmt::format("{} {} {}", row.Text(3), row.Text(5), row.Text(9)));
    }));
  }
  return tx_.Query(sql, values, each);
}

void UpdateStatistics(db::Database& database, std::string_view table) {
  if (database.engine() == db::Engine::kSqlite) {
    return;
  }
  const absl::Status status = database.Read(
      [&](db::Transaction& tx) { return tx.Query(fmt::format("ANALYZE TABLE {}", table), {}, [](const db::Row&) {}); });
  if (!status.ok()) {
    fmt::print(stderr, "the statistics of {} cannot be updated: {}\n", table, status.ToString());
    std::exit(1);
  }
}

}  // namespace section55::testing
