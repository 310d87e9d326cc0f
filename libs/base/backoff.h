// Growing pauses between tries.
#pragma once

#include <algorithm>

#include "absl/time/time.h"

namespace section55::base {

// 10 ms, 20 ms, 40 ms and so on up to 1 s. Not thread-safe.
class Backoff {
 public:
  absl::Duration Next() {
    const absl::Duration pause = next_;
    next_ = std::min(next_ * 2, absl::Seconds(1));
    return pause;
  }
  void Reset() { next_ = absl::Milliseconds(10); }

 private:
  absl::Duration next_ = absl::Milliseconds(10);
};

}  // namespace section55::base
