// The machine's clock, watched against one that never jumps.
//
// A clock that jumps 60 days ahead for four seconds must do nothing that cannot be undone. So after a jump the time from before it is
// carried forward, and what waits for a time stands still (Clock::InDoubt), until the clock is back, or the jump is confirmed:
//   - by an operator (Admin.ConfirmClock), at once;
//   - by a database on another machine whose clock says the same, after a minute;
//   - where there is no such database, by itself, after ten minutes. (One that says otherwise forbids that: then only an operator can.)
// A jump is more than a minute, either way. A machine that sleeps does not jump: the steady clock goes on. A virtual machine that was
// paused does, and is confirmed as above. Small steps and slews are followed.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"

namespace section55::base {

// Thread-safe; Look is for one thread.
class GuardedClock : public Clock {
 public:
  static constexpr absl::Duration kTolerance = absl::Minutes(1);
  static constexpr absl::Duration kWithDatabase = absl::Minutes(1);
  static constexpr absl::Duration kAlone = absl::Minutes(10);

  struct Sources {
    // What the machine says; may be set.
    std::function<absl::Time()> wall;
    // Since any beginning; is never set, and goes on while the machine sleeps.
    std::function<absl::Duration()> steady;
  };
  // The kernel's CLOCK_REALTIME and CLOCK_BOOTTIME.
  static Sources Machine();

  explicit GuardedClock(Sources sources = Machine());

  // What the machine says, or while that is in doubt after a jump: what it would say without the jump.
  absl::Time Now() const override;
  // Waits by the steady clock.
  void WaitUntil(absl::Time when) override;
  void Wake() override;
  bool InDoubt() const override;

  // The second look, to be taken about every second. `database`: what the clock of a database on another machine says, where there is
  // one and it answers.
  enum class Change {
    kNone,
    kDoubted,    // the clock jumped, or the database's says otherwise
    kBack,       // without a jump again
    kConfirmed,  // the jump is taken as true
  };
  struct Seen {
    Change change = Change::kNone;
    // Whether the machine's clock was set back since the last look, confirmed or not. Threads that wait by it (all of Abseil's waits with
    // a timeout do) then wait that much longer.
    bool set_back = false;
  };
  Seen Look(std::optional<absl::Time> database);

  // Somebody says that the machine's clock is right. False: nobody doubts it.
  bool Confirm();

  // What is in doubt: by how much the machine's clock has jumped, or differs from the database's, and since when by the steady clock.
  struct Doubt {
    absl::Duration by;
    absl::Duration lasted;
    bool database_disagrees = false;
  };
  std::optional<Doubt> doubt() const;

 private:
  absl::Duration Offset() const;
  bool HasJumped(absl::Duration offset) const;
  void Take(absl::Duration offset);

  const Sources sources_;
  // What is to be added to the steady clock: what was last trusted; microseconds.
  mutable std::atomic<int64_t> trusted_;
  std::atomic<bool> database_disagrees_ = false;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false;
  std::optional<Doubt> doubt_;                        // as the last look found it
  absl::Duration doubted_since_;                      // by the steady clock
  absl::Duration last_offset_;                        // of the wall clock, at the last look
  absl::Duration last_ahead_ = absl::ZeroDuration();  // of the database's clock, likewise
  absl::Duration confirmed_against_ =
      absl::ZeroDuration();  // a difference from the database's clock that an operator knows of
};

}  // namespace section55::base
