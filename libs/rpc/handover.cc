#include "libs/rpc/handover.h"

#include <unistd.h>

#include <utility>

namespace section55::rpc {

Handover::Handover(Take take) : take_(std::move(take)) {}

Handover::~Handover() { Stop(); }

void Handover::Give(int socket) {
  const absl::MutexLock lock(&mutex_);
  if (stopping_) {
    close(socket);
    return;
  }
  waiting_.push_back(socket);
  if (waiting_.size() > idle_ && threads_.size() < kMostThreads) {
    threads_.emplace_back([this] { Run(); });
  }
}

void Handover::Run() {
  const auto called = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ || !waiting_.empty(); };
  while (true) {
    int socket = -1;
    {
      const absl::MutexLock lock(&mutex_);
      ++idle_;
      mutex_.Await(absl::Condition(&called));
      --idle_;
      if (stopping_) {
        return;
      }
      socket = waiting_.front();
      waiting_.pop_front();
    }
    take_(socket);
  }
}

void Handover::Stop() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
    for (const int socket : std::exchange(waiting_, {})) {
      close(socket);
    }
  }
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

}  // namespace section55::rpc
