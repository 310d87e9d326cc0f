// How often a caller may call.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace section55::rpc {

// A token bucket for each caller: `per_second` on average, twice that at once. Thread-safe. Forgets callers who have
// been quiet, so its size is bounded.
class RateLimit {
 public:
  // 0: no limit.
  explicit RateLimit(double per_second) : per_second_(per_second) {}

  // Whether the caller may call now.
  bool Take(std::string_view caller, absl::Time now);

 private:
  struct Bucket {
    double tokens;
    absl::Time filled;
  };
  struct Shard {
    absl::Mutex mutex;
    absl::flat_hash_map<std::string, Bucket> buckets ABSL_GUARDED_BY(mutex);
    absl::Time tidied ABSL_GUARDED_BY(mutex) = absl::InfinitePast();
  };

  const double per_second_;
  std::array<Shard, 16> shards_;
};

}  // namespace section55::rpc
