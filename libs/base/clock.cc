#include "libs/base/clock.h"

namespace section55::base {

absl::Time DrivenClock::Now() const {
  absl::MutexLock lock(&mutex_);
  return now_;
}

void DrivenClock::WaitUntil(absl::Time when) {
  absl::MutexLock lock(&mutex_);
  auto due = [this, when]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return woken_ || now_ >= when; };
  mutex_.Await(absl::Condition(&due));
  woken_ = false;
}

void DrivenClock::Wake() {
  absl::MutexLock lock(&mutex_);
  woken_ = true;
}

void DrivenClock::Set(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  now_ = now;
}

void DrivenClock::Advance(absl::Duration by) {
  absl::MutexLock lock(&mutex_);
  now_ += by;
}

int64_t ToMicros(absl::Time time) { return absl::ToUnixMicros(time); }

absl::Time FromMicros(int64_t micros) { return absl::FromUnixMicros(micros); }

}  // namespace section55::base
