// The SQL of what a response was before: its parts as they were saved, from the last one backwards.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/database.h"
#include "libs/db/proto_table.h"
#include "section55/authoring/v1/response.pb.h"

namespace section55::authoring::store {

const db::ProtoTable<v1::Response>& PartHistory();

// A part as it was saved, without its content.
struct HistoryRow {
  int64_t id = 0;
  int64_t previous = 0;  // 0: it is the first
  int64_t revision = 0;
  int64_t version = 0;  // of the response
  std::string part, actor;
  absl::Time time;
  int64_t begun_us = 0;  // when the autosaves that it holds began; 0: it is none
};

// How many are read at once, at most.
inline constexpr int kMostHistoryRows = 500;

// The rows from `id` backwards, the latest first; at most `limit`. None for 0.
absl::StatusOr<std::vector<HistoryRow>> HistoryFrom(db::Transaction& tx, int64_t id, int limit);

// Whether a row is of this response.
absl::StatusOr<bool> IsHistoryOf(db::Transaction& tx, int64_t id, std::string_view body, std::string_view inspection);

// What these rows hold, in the order of the ids: responses that hold one part each, empty where it was removed. DATA_LOSS when one is missing.
absl::StatusOr<std::vector<v1::Response>> HistoryContents(db::Transaction& tx, const std::vector<int64_t>& ids);

}  // namespace section55::authoring::store
