// Lets callers that come at the same time share one costly step, such as making a transaction durable. Private to
// libs/db.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"

namespace section55::db::internal {

// Thread-safe. There is no thread of its own: whoever comes while nobody works leads, and works for all who wait. Who
// comes while a batch is under way waits for the next one, which its first member leads; so nobody leads twice for
// others, and a lone caller never changes threads.
template <typename Member>
class Combiner {
 public:
  // `work` deals with a whole batch, in the order of arrival; it must not throw. It is never run twice at the same
  // time.
  explicit Combiner(std::function<void(absl::Span<Member* const>)> work) : work_(std::move(work)) {}

  // Returns when `member` has been worked on, perhaps by another thread.
  void Submit(Member& member) {
    Seat seat;
    mutex_.Lock();
    waiting_.seats.push_back(&seat);
    waiting_.members.push_back(&member);
    if (led_) {
      while (seat.state == State::kWaiting) {
        seat.changed.Wait(&mutex_);
      }
      if (seat.state == State::kDone) {
        mutex_.Unlock();
        return;
      }
    }
    led_ = true;
    std::swap(batch_, waiting_);
    mutex_.Unlock();

    work_(batch_.members);

    mutex_.Lock();
    // The next leader first: it has work to do, the others only leave.
    if (waiting_.seats.empty()) {
      led_ = false;
    } else {
      waiting_.seats.front()->Tell(State::kLeads);
    }
    // A seat lives on its caller's stack and may be gone once the mutex is released.
    for (Seat* done : batch_.seats) {
      if (done != &seat) {
        done->Tell(State::kDone);
      }
    }
    batch_.seats.clear();
    batch_.members.clear();
    mutex_.Unlock();
  }

 private:
  enum class State { kWaiting, kLeads, kDone };

  struct Seat {
    void Tell(State now) {
      state = now;
      changed.Signal();
    }
    State state = State::kWaiting;
    absl::CondVar changed;
  };

  struct Batch {
    std::vector<Seat*> seats;
    std::vector<Member*> members;
  };

  const std::function<void(absl::Span<Member* const>)> work_;
  absl::Mutex mutex_;
  bool led_ ABSL_GUARDED_BY(mutex_) = false;
  Batch waiting_ ABSL_GUARDED_BY(mutex_);
  // Belongs to the leader. Swapped with waiting_ so that neither allocates once they have grown.
  Batch batch_;
};

}  // namespace section55::db::internal
