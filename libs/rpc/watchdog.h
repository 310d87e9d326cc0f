// Ends calls that hold a handler without getting on.
//
// A handler of gRPC's sync API waits for as long as it takes until a message has left: a caller who does not read would keep it, and the
// room it takes, for ever. Cancelling the call from another thread ends the wait.
#pragma once

#include <grpcpp/grpcpp.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace section55::rpc {

// Looks at all calls under watch every `tick`. Thread-safe.
class Watchdog {
 public:
  explicit Watchdog(absl::Duration tick);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;

  // A call under watch as long as this lives, no longer than the watchdog. Times are durations from now, by a clock that never jumps;
  // InfiniteDuration: no bound. Its methods are for the thread that handles the call.
  class Watch {
   public:
    Watch(Watchdog& watchdog, grpc::ServerContext& context);
    ~Watch();
    Watch(const Watch&) = delete;

    // Cancels the call when it is still there after so long ...
    void EndWithin(absl::Duration time) { end_ = After(time); }
    // ... or when the message that is being sent has not left, or the one that is waited for has not come, after so long.
    void SendWithin(absl::Duration time) { sent_ = After(time); }

   private:
    friend class Watchdog;
    static int64_t After(absl::Duration time);

    Watchdog& watchdog_;
    grpc::ServerContext& context_;
    const size_t shard_;
    // Nanoseconds of the steady clock.
    std::atomic<int64_t> end_ = INT64_MAX;
    std::atomic<int64_t> sent_ = INT64_MAX;
    Watch* previous_ = nullptr;
    Watch* next_ = nullptr;
  };

 private:
  // Aligned, so that threads on different cores do not share a cache line.
  struct alignas(64) Shard {
    absl::Mutex mutex;
    Watch* first ABSL_GUARDED_BY(mutex) = nullptr;
  };

  void Run();

  const absl::Duration tick_;
  std::array<Shard, 16> shards_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace section55::rpc
