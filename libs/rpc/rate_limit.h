// How often a caller may call, and how much it may have kept.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace section55::rpc {

// A token bucket for each caller: `per_second` on average, `burst` at once, by default twice that. Thread-safe. Forgets callers who have
// been quiet, so its size is bounded.
class RateLimit {
 public:
  // 0: no limit.
  explicit RateLimit(double per_second);
  RateLimit(double per_second, double burst) : per_second_(per_second), burst_(burst) {}

  // Whether the caller may call now, or have so much more. A negative amount gives back what was taken. `left`: what may be taken at once
  // after that.
  bool Take(std::string_view caller, absl::Time now, double amount = 1, double* left = nullptr);

  double per_second() const { return per_second_; }

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
  const double burst_;
  std::array<Shard, 16> shards_;
};

}  // namespace section55::rpc
