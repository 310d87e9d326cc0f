#include "libs/rpc/watchdog.h"

namespace section55::rpc {
namespace {

int64_t SteadyNow() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Each thread keeps to one shard, so that calls do not wait for each other.
size_t ShardOfThread(size_t shards) {
  static std::atomic<size_t> threads = 0;
  thread_local const size_t mine = threads++;
  return mine % shards;
}

}  // namespace

int64_t Watchdog::Watch::After(absl::Duration time) {
  return time == absl::InfiniteDuration() ? INT64_MAX : SteadyNow() + absl::ToInt64Nanoseconds(time);
}

Watchdog::Watch::Watch(Watchdog& watchdog, grpc::ServerContext& context)
    : watchdog_(watchdog), context_(context), shard_(ShardOfThread(watchdog.shards_.size())) {
  Shard& shard = watchdog_.shards_[shard_];
  absl::MutexLock lock(&shard.mutex);
  next_ = shard.first;
  if (next_ != nullptr) {
    next_->previous_ = this;
  }
  shard.first = this;
}

Watchdog::Watch::~Watch() {
  Shard& shard = watchdog_.shards_[shard_];
  absl::MutexLock lock(&shard.mutex);
  (previous_ == nullptr ? shard.first : previous_->next_) = next_;
  if (next_ != nullptr) {
    next_->previous_ = previous_;
  }
}

Watchdog::Watchdog(absl::Duration tick) : tick_(tick) {
  thread_ = std::thread([this] { Run(); });
}

Watchdog::~Watchdog() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void Watchdog::Run() {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), tick_)) {
        return;
      }
    }
    const int64_t now = SteadyNow();
    for (Shard& shard : shards_) {
      // Under the lock: a call cannot go while it is being cancelled.
      absl::MutexLock lock(&shard.mutex);
      for (Watch* watch = shard.first; watch != nullptr; watch = watch->next_) {
        if (watch->end_ <= now || watch->sent_ <= now) {
          watch->context_.TryCancel();
        }
      }
    }
  }
}

}  // namespace section55::rpc
