// Parked events as Admin shows them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/db/database.h"
#include "libs/db/proto_table.h"
#include "section55/admin/v1/admin.pb.h"

namespace section55::events {

// "parkedEvents/inspection-registry-17", and back; nothing for any other text.
struct ParkedKey {
  std::string source;
  int64_t position = 0;
};
std::string ParkedName(std::string_view source, int64_t position);
std::optional<ParkedKey> ParseParkedName(std::string_view name);

// Up to `limit` of all sources after a key, ordered by source and position; of one tenant only unless it is empty.
absl::StatusOr<std::vector<admin::v1::ParkedEvent>> ListParked(db::Transaction& tx, std::string_view tenant,
                                                               const ParkedKey& after, int limit);

// Compares up to `limit` parked events after a key with their checksums. Returns how many it read, and sets `after` to
// the last.
absl::StatusOr<int> CheckParked(db::Transaction& tx, ParkedKey& after, int limit, std::vector<db::Damage>& damage);

}  // namespace section55::events
