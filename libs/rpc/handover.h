// Hands connections to the library on threads of its own.
#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace section55::rpc {

// gRPC keeps the thread that brings it a connection for as long as more arrives on that connection than it has dealt with, which its caller
// decides. So that nobody else waits for it, another thread brings the next one.
//
// Thread-safe but for Stop, which one thread calls.
class Handover {
 public:
  using Take = std::function<void(int socket)>;
  // Gets each descriptor, which is then its own to close, from up to `kMostThreads` threads at once.
  explicit Handover(Take take);
  // Stops.
  ~Handover();

  // Does not wait. Where all threads are kept, the connection is handed over when one of them returns, the oldest first.
  void Give(int socket);

  // When it returns none is being handed over; what nobody took, and what is given from then on, is closed.
  void Stop();

 private:
  // Each connection that keeps one must have found its thread by sending without a pause.
  static constexpr size_t kMostThreads = 16;

  void Run();

  const Take take_;
  std::vector<std::thread> threads_;  // grows under the mutex until it stops
  absl::Mutex mutex_;
  std::deque<int> waiting_ ABSL_GUARDED_BY(mutex_);
  size_t idle_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace section55::rpc
