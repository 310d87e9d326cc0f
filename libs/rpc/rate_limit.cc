#include "libs/rpc/rate_limit.h"

#include <algorithm>
#include <functional>

namespace section55::rpc {
namespace {

constexpr size_t kMaxCallersPerShard = 4096;

}  // namespace

// A rate below one call in two seconds still lets a single call through.
RateLimit::RateLimit(double per_second) : RateLimit(per_second, std::max(1.0, 2 * per_second)) {}

bool RateLimit::Take(std::string_view caller, absl::Time now, double amount, double* left) {
  if (per_second_ <= 0) {
    return true;
  }
  Shard& shard = shards_[std::hash<std::string_view>()(caller) % shards_.size()];
  absl::MutexLock lock(&shard.mutex);
  auto found = shard.buckets.find(absl::string_view(caller.data(), caller.size()));
  if (found == shard.buckets.end()) {
    // Once a second at most: a crowd of new callers must not make each of them pay for the tidying.
    if (shard.buckets.size() >= kMaxCallersPerShard && now - shard.tidied >= absl::Seconds(1)) {
      shard.tidied = now;
      // Buckets that are full again by now: forgetting them changes nothing.
      const absl::Time full = now - absl::Seconds(burst_ / per_second_);
      absl::erase_if(shard.buckets, [&](const auto& entry) { return entry.second.filled <= full; });
    }
    if (shard.buckets.size() >= kMaxCallersPerShard) {
      return false;
    }
    found = shard.buckets.emplace(std::string(caller), Bucket{burst_, now}).first;
  }
  Bucket& bucket = found->second;
  const double since = std::max(0.0, absl::ToDoubleSeconds(now - bucket.filled));
  bucket.tokens = std::min(burst_, bucket.tokens + since * per_second_);
  bucket.filled = now;
  const bool may = bucket.tokens >= amount;
  if (may) {
    bucket.tokens -= amount;
  }
  if (left != nullptr) {
    *left = bucket.tokens;
  }
  return may;
}

}  // namespace section55::rpc
