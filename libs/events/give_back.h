// What a follower gives back to a source that was restored from a backup: its side of recovery.h. Internal to libs/events.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "libs/db/database.h"
#include "libs/events/follower_store.h"
#include "libs/events/recovery.h"
#include "section55/admin/v1/recovery.pb.h"

namespace section55::events {

struct GivenBack {
  Cursor go_on;        // after what the restored feed and ours have in common
  int64_t events = 0;  // how many were given
};

// Gives back what we hold beyond the point where the two feeds part: what is put aside, then what each of `holdings` hands over. `cursor`
// is how far `source` was followed. `send` makes one call of Recovery.GiveBack; its error ends it. `interrupted` is asked between pages:
// CANCELLED. Changes nothing here.
absl::StatusOr<GivenBack> GiveBack(
    db::Database& database, std::string_view source, const Cursor& cursor, const std::vector<Holding>& holdings,
    absl::FunctionRef<absl::StatusOr<admin::v1::GiveBackResponse>(const admin::v1::GiveBackRequest&)> send,
    absl::FunctionRef<bool()> interrupted);

}  // namespace section55::events
