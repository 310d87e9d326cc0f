// Deletes what nobody may ask for any more.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace section55::service {

// A thread that deletes a little at a time, so that it holds up neither calls nor the end of the process. Start and Stop are for one
// thread; it can be started again.
class Pruning {
 public:
  struct Kind {
    std::string what;  // for the log: "answers"
    // Deletes at most `limit` rows and returns how many; fewer than `limit`: no more is left.
    std::function<absl::StatusOr<int64_t>(int limit)> delete_some;
  };
  // Starts again `pause` after it has finished.
  Pruning(std::vector<Kind> kinds, absl::Duration pause);
  ~Pruning();

  void Start();
  // Waits for the batch in hand.
  void Stop();

 private:
  void Run();
  bool PauseOrStop(absl::Duration pause);

  const std::vector<Kind> kinds_;
  const absl::Duration pause_;
  std::thread thread_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace section55::service
