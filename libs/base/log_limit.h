// Keeps what a caller can cause at will from filling the log: so many lines a second, and a count of those left out.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include "absl/synchronization/mutex.h"

namespace section55::base {

// Thread-safe.
class LogLimit {
 public:
  explicit LogLimit(int lines_a_second) : lines_a_second_(lines_a_second) {}

  // Whether to log now; then `left_out` is how many lines were not logged since the last one.
  bool Take(int64_t& left_out) {
    const auto now = std::chrono::steady_clock::now();
    absl::MutexLock lock(&mutex_);
    if (now - second_ >= std::chrono::seconds(1)) {
      second_ = now;
      taken_ = 0;
    }
    if (taken_ >= lines_a_second_) {
      ++left_out_;
      return false;
    }
    ++taken_;
    left_out = std::exchange(left_out_, 0);
    return true;
  }

 private:
  const int lines_a_second_;
  absl::Mutex mutex_;
  std::chrono::steady_clock::time_point second_ ABSL_GUARDED_BY(mutex_);
  int taken_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t left_out_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace section55::base
