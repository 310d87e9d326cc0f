#include "libs/base/guarded_clock.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/time/clock.h"

namespace section55::base {
namespace {

// How often a wait looks at the clock again.
constexpr absl::Duration kLongestWait = absl::Minutes(1);
// Smaller differences come from reading two clocks one after the other.
constexpr absl::Duration kNoise = absl::Milliseconds(1);

absl::Duration Size(absl::Duration difference) { return absl::AbsDuration(difference); }

}  // namespace

GuardedClock::Sources GuardedClock::Machine() {
  return {.wall = [] { return absl::Now(); },
          .steady =
              [] {
                timespec time = {};
                clock_gettime(CLOCK_BOOTTIME, &time);
                return absl::DurationFromTimespec(time);
              }};
}

GuardedClock::GuardedClock(Sources sources) : sources_(std::move(sources)), trusted_(0), last_offset_(Offset()) {
  Take(last_offset_);
}

absl::Duration GuardedClock::Offset() const { return sources_.wall() - absl::UnixEpoch() - sources_.steady(); }

bool GuardedClock::HasJumped(absl::Duration offset) const {
  return Size(offset - absl::Microseconds(trusted_.load(std::memory_order_relaxed))) > kTolerance;
}

void GuardedClock::Take(absl::Duration offset) {
  trusted_.store(absl::ToInt64Microseconds(offset), std::memory_order_relaxed);
}

absl::Time GuardedClock::Now() const {
  const absl::Time wall = sources_.wall();
  const absl::Duration steady = sources_.steady();
  const absl::Duration offset = wall - absl::UnixEpoch() - steady;
  const absl::Duration trusted = absl::Microseconds(trusted_.load(std::memory_order_relaxed));
  if (Size(offset - trusted) > kTolerance) {
    return absl::UnixEpoch() + steady + trusted;
  }
  if (Size(offset - trusted) > kNoise) {
    trusted_.store(absl::ToInt64Microseconds(offset), std::memory_order_relaxed);
  }
  return wall;
}

bool GuardedClock::InDoubt() const { return database_disagrees_ || HasJumped(Offset()); }

void GuardedClock::WaitUntil(absl::Time when) {
  std::unique_lock lock(mutex_);
  while (!woken_) {
    const absl::Duration left = when - Now();
    if (left <= absl::ZeroDuration()) {
      break;
    }
    wake_.wait_for(lock, absl::ToChronoNanoseconds(std::min(left, kLongestWait)));
  }
  woken_ = false;
}

void GuardedClock::Wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  wake_.notify_all();
}

GuardedClock::Seen GuardedClock::Look(std::optional<absl::Time> database) {
  Seen seen;
  {
    const std::lock_guard lock(mutex_);
    const absl::Duration steady = sources_.steady();
    const absl::Time wall = sources_.wall();
    const absl::Duration offset = wall - absl::UnixEpoch() - steady;
    seen.set_back = offset < last_offset_ - kTolerance;
    last_offset_ = offset;

    const absl::Duration ahead = database ? wall - *database : absl::ZeroDuration();
    last_ahead_ = ahead;
    if (Size(ahead) <= kTolerance) {
      confirmed_against_ = absl::ZeroDuration();
    }
    const bool disagrees = Size(ahead) > kTolerance && Size(ahead - confirmed_against_) > kTolerance;
    const bool jumped = HasJumped(offset);
    if (!jumped && !disagrees) {
      seen.change = std::exchange(doubt_, std::nullopt) ? Change::kBack : Change::kNone;
    } else {
      const absl::Duration by = jumped ? offset - absl::Microseconds(trusted_.load(std::memory_order_relaxed)) : ahead;
      if (!doubt_ || Size(doubt_->by - by) > kTolerance) {
        doubted_since_ = steady;
        seen.change = Change::kDoubted;
      }
      doubt_ = {.by = by, .lasted = steady - doubted_since_, .database_disagrees = disagrees};
      if (jumped && !disagrees && doubt_->lasted >= (database ? kWithDatabase : kAlone)) {
        Take(offset);
        doubt_.reset();
        seen.change = Change::kConfirmed;
      }
    }
    database_disagrees_ = disagrees;
  }
  if (seen.change == Change::kBack || seen.change == Change::kConfirmed) {
    Wake();
  }
  return seen;
}

bool GuardedClock::Confirm() {
  {
    const std::lock_guard lock(mutex_);
    const absl::Duration offset = Offset();
    if (!doubt_ && !HasJumped(offset)) {
      return false;
    }
    confirmed_against_ = last_ahead_;
    Take(offset);
    doubt_.reset();
    database_disagrees_ = false;
  }
  Wake();
  return true;
}

std::optional<GuardedClock::Doubt> GuardedClock::doubt() const {
  const std::lock_guard lock(mutex_);
  return doubt_;
}

}  // namespace section55::base
