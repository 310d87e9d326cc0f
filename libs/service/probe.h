// A small row of each replica, written again and again: proof that the database takes changes.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/database.h"

namespace section55::service {

// Writes the row of this replica. `until` as in Database::Write.
absl::Status WriteProbe(db::Database& database, std::string_view replica, absl::Time now, absl::Time until);

// Deletes the rows of replicas that are gone: those not written since `before`. Returns how many there were.
absl::StatusOr<int64_t> PruneProbes(db::Database& database, absl::Time before);

}  // namespace section55::service
