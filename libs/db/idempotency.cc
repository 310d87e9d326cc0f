#include "libs/db/idempotency.h"

#include <fmt/format.h>

#include <array>
#include <string>
#include <vector>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/status.h"

namespace section55::db {
namespace {

constexpr size_t kLongestRequestId = 128;

// Deterministic: the same request has the same bytes, maps included.
std::string Digest(const google::protobuf::Message& request) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    request.SerializeToCodedStream(&coded);
  }
  return base::Sha256Hex(bytes);
}

absl::Status Violation(std::string_view description) {
  base::Violations violations;
  violations.Add("request_id", description);
  return violations.ToStatus();
}

}  // namespace

absl::Status Once(Transaction& tx, std::string_view caller, std::string_view method, std::string_view request_id,
                  const google::protobuf::Message& request, google::protobuf::Message& response, absl::Time now,
                  absl::FunctionRef<absl::Status()> change) {
  if (request_id.empty()) {
    return change();
  }
  if (request_id.size() > kLongestRequestId) {
    return Violation(fmt::format("must not be longer than {} bytes", kLongestRequestId));
  }
  const std::string digest = Digest(request);
  // The row is claimed before the change is made: on MySQL a second, equal request waits here until the first is
  // committed.
  const auto claimed = tx.Execute(
      "INSERT INTO requests (caller, method, request_id, request_sha256, response, created_us) VALUES (?, ?, ?, ?, ?, "
      "?)",
      {caller, method, request_id, digest, Bytes{}, base::ToMicros(now)});
  if (claimed.ok()) {
    RETURN_IF_ERROR(change());
    const std::string answer = response.SerializeAsString();
    return tx
        .Execute("UPDATE requests SET response = ? WHERE caller = ? AND method = ? AND request_id = ?",
                 {Bytes{answer}, caller, method, request_id})
        .status();
  }
  if (!absl::IsAlreadyExists(claimed.status())) {
    return claimed.status();
  }
  bool found = false, same = false, parsed = false;
  RETURN_IF_ERROR(
      tx.Query("SELECT request_sha256, response FROM requests WHERE caller = ? AND method = ? AND request_id = ?",
               {caller, method, request_id}, [&](const Row& row) {
                 const std::string_view answer = row.Text(1);
                 found = true;
                 same = row.Text(0) == digest;
                 parsed = same && response.ParseFromArray(answer.data(), static_cast<int>(answer.size()));
               }));
  if (!found) {
    // The snapshot is older than the answer that is in the way.
    return tx.Conflict();
  }
  if (!same) {
    return Violation("was used before, for a different request");
  }
  return parsed ? absl::OkStatus()
                : base::Error(absl::StatusCode::kInternal, "DATABASE_ERROR", "a stored answer cannot be read");
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

}  // namespace section55::db
