// The SQL of a follower: its cursor and its parked events. Internal to libs/events; what Admin shows is in parked.h.
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
#include "section55/common/v1/event_feed.pb.h"

namespace section55::events {

// How far a source was followed.
struct Cursor {
  int64_t position = 0;
  std::string incarnation;    // of the feed that `position` belongs to; empty before the first contact
  std::string last_event_id;  // of the event at `position`; empty when it is not known
  bool operator==(const Cursor&) const = default;
};
// Nothing before the source was ever followed.
absl::StatusOr<std::optional<Cursor>> ReadCursor(db::Transaction& tx, std::string_view source);
// Begins at 0, unless somebody else has begun.
absl::Status BeginCursor(db::Transaction& tx, std::string_view source);
// Notes which feed it is, unless that is noted.
absl::Status BindCursor(db::Transaction& tx, std::string_view source, std::string_view incarnation);
// Moves the cursor; false when it does not stand at `from`.
absl::StatusOr<bool> Advance(db::Transaction& tx, std::string_view source, const Cursor& from, const Cursor& to);
// Puts the cursor into whichever feed the source offers next.
absl::Status ResetCursor(db::Transaction& tx, std::string_view source, int64_t position);
absl::Status TouchCursor(db::Transaction& tx, std::string_view source);

// Puts an event aside. `attempts` is 0, and `next_try` nothing, for one that only waits behind another.
absl::Status Park(db::Transaction& tx, std::string_view source, const common::v1::Event& event, std::string_view error,
                  int attempts, absl::Time now, std::optional<absl::Time> next_try);
// `next_try`: unless it stays as it was.
absl::Status CountFailure(db::Transaction& tx, std::string_view source, int64_t position, std::string_view error,
                          std::optional<absl::Time> next_try);
absl::Status SetNextTry(db::Transaction& tx, std::string_view source, int64_t position, absl::Time next_try);
absl::Status Unpark(db::Transaction& tx, std::string_view source, int64_t position);

// DATA_LOSS when it is not what was parked.
absl::StatusOr<std::optional<common::v1::Event>> FindParked(db::Transaction& tx, std::string_view source,
                                                            int64_t position);
// The earliest parked event of a subject.
struct ParkedEvent {
  int64_t position = 0;
  std::string tenant;
};
absl::StatusOr<std::optional<ParkedEvent>> FirstParked(db::Transaction& tx, std::string_view source,
                                                       std::string_view subject);
// The positions of a source's parked events after one.
absl::StatusOr<std::vector<int64_t>> ParkedAfter(db::Transaction& tx, std::string_view source, int64_t position);
absl::StatusOr<absl::flat_hash_set<std::string>> ParkedSubjects(db::Transaction& tx, std::string_view source);
absl::StatusOr<int64_t> CountParked(db::Transaction& tx, std::string_view source);

}  // namespace section55::events
