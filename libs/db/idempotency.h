// A repeated request gets the first answer (AIP-155).
//
// The answer of a mutation is stored under (caller, method, request_id) in the transaction that makes the change. A
// repeat finds it and changes nothing; the same request_id with another request is refused.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "libs/db/database.h"
#include "libs/db/proto_table.h"

namespace section55::db {

// How long an answer is kept: 7 days.
inline constexpr absl::Duration kRequestIdLifetime = absl::Hours(24 * 7);

// Whose request it is: the caller's stable identity, the full method name, the id that the caller chose.
struct RequestKey {
  std::string_view caller, method, request_id;
};

// For rpc::Change, in its decision. True when this request was answered before; `response` is then the first answer. False
// for a new one, whose digest is set for StoreAnswer, and for an empty request_id. INVALID_ARGUMENT
// (field request_id): the id was used for a different request, or is longer than 128 bytes. DATA_LOSS: the stored answer is damaged.
absl::StatusOr<bool> FindAnswer(Transaction& tx, const RequestKey& key, const google::protobuf::Message& request,
                                std::string& digest, google::protobuf::Message& response);

// Keeps the answer with the change; to be the first statement of what is applied, so that two equal requests at the same
// moment are put in a row here. Conflicts when the same request was answered meanwhile, and the new decision then finds
// that answer. Nothing for an empty request_id.
absl::Status StoreAnswer(Transaction& tx, const RequestKey& key, std::string_view digest,
                         const google::protobuf::Message& response, absl::Time now);

// Deletes answers older than kRequestIdLifetime, the oldest first, at most `limit` at a time. Returns how many: call again
// while that is `limit`. Reads no more than it deletes.
absl::StatusOr<int64_t> PruneRequests(Transaction& tx, absl::Time now, int limit);

// For Admin.CheckStorage: compares at most `limit` kept answers with their checksums. `after` is the last key (caller, method, request_id;
// empty: from the beginning), and is moved. Returns how many were read: call again while that is `limit`.
absl::StatusOr<int> CheckRequests(Transaction& tx, std::array<std::string, 3>& after, int limit,
                                  std::vector<Damage>& damage);

}  // namespace section55::db
