// A repeated request gets the first answer (AIP-155).
//
// The answer of a mutation is stored under (caller, method, request_id) in the transaction that makes the change. A
// repeat finds it and changes nothing; the same request_id with another request is refused.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "libs/db/database.h"

namespace section55::db {

// How long an answer is kept: 7 days.
inline constexpr absl::Duration kRequestIdLifetime = absl::Hours(24 * 7);

// Runs `change` unless this request was answered before, in which case `response` is the first answer. With an empty
// `request_id` it just runs `change`. `caller` is the caller's stable identity, `method` the full method name.
// INVALID_ARGUMENT (field request_id): the id was used for a different request, or is longer than 128 bytes.
// The body's first statement should be this one: two equal requests at the same moment are then put in a row here, and
// the second finds the answer of the first instead of what its change left behind.
absl::Status Once(Transaction& tx, std::string_view caller, std::string_view method, std::string_view request_id,
                  const google::protobuf::Message& request, google::protobuf::Message& response, absl::Time now,
                  absl::FunctionRef<absl::Status()> change);

// Deletes answers older than kRequestIdLifetime, at most `limit` at a time. Returns how many.
absl::StatusOr<int64_t> PruneRequests(Transaction& tx, absl::Time now, int limit);

}  // namespace section55::db
