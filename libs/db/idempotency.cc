#include "libs/db/idempotency.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/status.h"
#include "libs/db/proto_table.h"

namespace section55::db {
namespace {

constexpr size_t kLongestRequestId = 128;

absl::Status Violation(std::string_view description) {
  base::Violations violations;
  violations.Add("request_id", description);
  return violations.ToStatus();
}

// The same request has the same bytes, maps included.
std::string DigestOf(const google::protobuf::Message& request) {
  return base::Sha256Hex(SerialiseDeterministically(request));
}

// The answer that is stored; false when there is none.
absl::StatusOr<bool> Find(Transaction& tx, const RequestKey& key, std::string_view digest,
                          google::protobuf::Message& response) {
  bool found = false, same = false, intact = false;
  RETURN_IF_ERROR(tx.Query(
      "SELECT request_sha256, checksum, response FROM requests WHERE caller = ? AND method = ? AND request_id = ?",
      {key.caller, key.method, key.request_id}, [&](const Row& row) {
        found = true;
        same = row.Text(0) == digest;
        const std::string_view answer = row.Text(2);
        intact = same && ChecksumOf(answer) == row.Int64(1) &&
                 response.ParseFromArray(answer.data(), static_cast<int>(answer.size()));
      }));
  if (found && !same) {
    return Violation("was used before, for a different request");
  }
  if (found && !intact) {
    response.Clear();
    return base::Error(absl::StatusCode::kDataLoss, "STORED_DATA_DAMAGED",
                       fmt::format("the answer stored in the table requests for {} {} {} does not match its checksum",
                                   key.caller, key.method, key.request_id));
  }
  return found;
}

}  // namespace

absl::StatusOr<bool> FindAnswer(Transaction& tx, const RequestKey& key, const google::protobuf::Message& request,
                                std::string& digest, google::protobuf::Message& response) {
  if (key.request_id.empty()) {
    return false;
  }
  if (key.request_id.size() > kLongestRequestId) {
    return Violation(fmt::format("must not be longer than {} bytes", kLongestRequestId));
  }
  digest = DigestOf(request);
  return Find(tx, key, digest, response);
}

absl::Status StoreAnswer(Transaction& tx, const RequestKey& key, std::string_view digest,
                         const google::protobuf::Message& response, absl::Time now) {
  if (key.request_id.empty()) {
    return absl::OkStatus();
  }
  const std::string answer = SerialiseDeterministically(response);
  const absl::Status stored =
      tx.Execute(
            "INSERT INTO requests (caller, method, request_id, request_sha256, created_us, checksum, response) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            {key.caller, key.method, key.request_id, digest, base::ToMicros(now), ChecksumOf(answer), Bytes{answer}})
          .status();
  return absl::IsAlreadyExists(stored) ? tx.Conflict() : stored;
}

absl::StatusOr<int64_t> PruneRequests(Transaction& tx, absl::Time now, int limit) {
  // By key, as neither engine's way of limiting a DELETE is known to the other.
  std::vector<std::array<std::string, 3>> keys;
  RETURN_IF_ERROR(
      tx.Query("SELECT caller, method, request_id FROM requests WHERE created_us < ? ORDER BY created_us LIMIT ?",
               {base::ToMicros(now - kRequestIdLifetime), limit}, [&](const Row& row) {
                 keys.push_back({std::string(row.Text(0)), std::string(row.Text(1)), std::string(row.Text(2))});
               }));
  int64_t deleted = 0;
  for (const auto& [caller, method, request_id] : keys) {
    ASSIGN_OR_RETURN(const int64_t count,
                     tx.Execute("DELETE FROM requests WHERE caller = ? AND method = ? AND request_id = ?",
                                {caller, method, request_id}));
    deleted += count;
  }
  return deleted;
}

absl::StatusOr<int> CheckRequests(Transaction& tx, std::array<std::string, 3>& after, int limit,
                                  std::vector<Damage>& damage) {
  // Few at a time, as an answer may have some MiB.
  constexpr int kAtOnce = 16;
  // The rest of the method's, of the caller's, of all: each begins at a place in the index, which a comparison of the three together would
  // not on every engine.
  constexpr std::array<std::string_view, 3> kRests = {"caller = ? AND method = ? AND request_id > ?",
                                                      "caller = ? AND method > ?", "caller > ?"};
  int checked = 0;
  for (size_t rest = 0; rest < kRests.size() && checked < limit;) {
    const std::array<std::string, 3> from = after;
    std::vector<Value> values(from.begin(), from.end() - static_cast<int>(rest));
    values.emplace_back(std::min(kAtOnce, limit - checked));
    int found = 0;
    RETURN_IF_ERROR(tx.Query(fmt::format("SELECT caller, method, request_id, checksum, response FROM requests WHERE {} "
                                         "ORDER BY caller, method, request_id LIMIT ?",
                                         kRests[rest]),
                             values, [&](const Row& row) {
                               ++found;
                               after = {std::string(row.Text(0)), std::string(row.Text(1)), std::string(row.Text(2))};
                               CheckContent("requests", fmt::format("{}", fmt::join(after, "/")), row.Text(4),
                                            row.Int64(3), damage);
                             }));
    checked += found;
    rest = found == 0 ? rest + 1 : 0;
  }
  return checked;
}

}  // namespace section55::db
