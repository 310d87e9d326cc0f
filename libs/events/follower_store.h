// The SQL of a follower: its cursor and its parked events. Internal to libs/events.
//
// Advance or TouchCursor comes first in every transaction that writes here. It locks the cursor's row before the
// snapshot is taken, so that replicas of a follower and retries of parked events come one after the other, each seeing
// what the one before it did.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/database.h"
#include "section55/admin/v1/admin.pb.h"
#include "section55/common/v1/event_feed.pb.h"

namespace section55::events {

// The last position handled; nothing before the source was ever followed.
absl::StatusOr<std::optional<int64_t>> ReadCursor(db::Transaction& tx, std::string_view source);
// Begins at 0, unless somebody else has begun.
absl::Status BeginCursor(db::Transaction& tx, std::string_view source);
// Moves the cursor; false when it does not stand at `from`.
absl::StatusOr<bool> Advance(db::Transaction& tx, std::string_view source, int64_t from, int64_t to);
absl::Status TouchCursor(db::Transaction& tx, std::string_view source);

// "parkedEvents/inspection-registry-17", and back; nothing for any other text.
std::string ParkedName(std::string_view source, int64_t position);
struct ParkedKey {
  std::string source;
  int64_t position = 0;
};
std::optional<ParkedKey> ParseParkedName(std::string_view name);

// Puts an event aside. `attempts` is 0 for one that only waits behind another.
absl::Status Park(db::Transaction& tx, std::string_view source, const common::v1::Event& event, std::string_view error,
                  int attempts, absl::Time now);
absl::Status CountFailure(db::Transaction& tx, std::string_view source, int64_t position, std::string_view error);
absl::Status Unpark(db::Transaction& tx, std::string_view source, int64_t position);

absl::StatusOr<std::optional<common::v1::Event>> FindParked(db::Transaction& tx, std::string_view source,
                                                            int64_t position);
// The earliest parked event of a subject.
absl::StatusOr<std::optional<int64_t>> FirstParked(db::Transaction& tx, std::string_view source,
                                                   std::string_view subject);
absl::StatusOr<absl::flat_hash_set<std::string>> ParkedSubjects(db::Transaction& tx, std::string_view source);
absl::StatusOr<int64_t> CountParked(db::Transaction& tx, std::string_view source);
// Up to `limit` of all sources after a key, ordered by source and position.
absl::StatusOr<std::vector<admin::v1::ParkedEvent>> ListParked(db::Transaction& tx, const ParkedKey& after, int limit);

}  // namespace section55::events
