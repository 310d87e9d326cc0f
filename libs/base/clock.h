// The time, injected. Domain code takes an absl::Time as an argument; loops and servers hold a Clock.
#pragma once

#include <cstdint>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace section55::base {

// Thread-safe. One loop waits on a clock at a time: a Wake is taken by the first who finds it.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual absl::Time Now() const = 0;

  // Blocks until the clock reads `when` or later, or until Wake is called; returns at once when the time has come.
  // Used by timer loops, which must also wake when their next instant changes.
  virtual void WaitUntil(absl::Time when) = 0;

  // Ends every WaitUntil under way and, if none is, the next one.
  virtual void Wake() = 0;

  // Whether the time is not to be trusted now, because the machine's clock has jumped and nobody has confirmed it (guarded_clock.h):
  // whatever is done because a time has come waits. The end of the doubt wakes who waits.
  virtual bool InDoubt() const { return false; }
};

// A clock that stands still until it is set: for tests, and for playing the sample data at the dates they belong to.
// It may be set backwards, as a machine's clock may.
class DrivenClock : public Clock {
 public:
  explicit DrivenClock(absl::Time now) : now_(now) {}

  absl::Time Now() const override;
  void WaitUntil(absl::Time when) override;
  void Wake() override;

  void Set(absl::Time now);
  void Advance(absl::Duration by);

 private:
  mutable absl::Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
};

// Times are stored as whole microseconds since the Unix epoch, on both engines.
int64_t ToMicros(absl::Time time);
absl::Time FromMicros(int64_t micros);

}  // namespace section55::base
