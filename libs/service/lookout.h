// Does something again and again beside everything else, on a thread of its own: what may hang must not hold up a signal.
#pragma once

#include <functional>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace section55::service {

// Start and Stop are for one thread.
class Lookout {
 public:
  // `look` returns how long to wait until it is called again.
  explicit Lookout(std::function<absl::Duration()> look);
  ~Lookout();
  Lookout(const Lookout&) = delete;

  void Start();
  // Ends the wait that is under way, or the next one. Thread-safe.
  void LookNow();
  // Waits until a look that is under way has ended; then there is none any more.
  void Stop();

 private:
  void Run();

  const std::function<absl::Duration()> look_;
  absl::Mutex mutex_;
  bool hurry_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace section55::service
