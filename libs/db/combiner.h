// Lets callers that come at the same time share one costly step, such as making a transaction durable. Private to
// libs/db.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
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
      mutex_.Unlock();
      seat.told.WaitForNotification();
      if (!seat.leads) {
        return;
      }
      mutex_.Lock();
    }
    led_ = true;
    std::swap(batch_, waiting_);
    mutex_.Unlock();

    work_(batch_.members);

    // Out of batch_, which is the next leader's from when it is told.
    std::vector<Seat*> done;
    done.swap(batch_.seats);
    batch_.members.clear();
    Seat* next = nullptr;
    {
      absl::MutexLock lock(&mutex_);
      if (waiting_.seats.empty()) {
        led_ = false;
      } else {
        next = waiting_.seats.front();
        next->leads = true;
      }
    }
    // Without the mutex, so that those who wake need not queue for it. The next leader first: it has work to do, the
    // others only leave.
    if (next != nullptr) {
      next->told.Notify();
    }
    for (Seat* left : done) {
      if (left != &seat) {
        left->told.Notify();
      }
    }
  }

 private:
  // On its caller's stack; gone as soon as it has been told.
  struct Seat {
    absl::Notification told;
    bool leads = false;  // written before it is told
  };

  struct Batch {
    std::vector<Seat*> seats;
    std::vector<Member*> members;
  };

  const std::function<void(absl::Span<Member* const>)> work_;
  absl::Mutex mutex_;
  bool led_ ABSL_GUARDED_BY(mutex_) = false;
  Batch waiting_ ABSL_GUARDED_BY(mutex_);
  // Belongs to the leader.
  Batch batch_;
};

}  // namespace section55::db::internal
