#include "libs/jobs/queue.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "libs/base/backoff.h"
#include "libs/base/error_text.h"
#include "libs/base/log.h"
#include "libs/base/status.h"
#include "libs/jobs/queue_impl.h"

namespace section55::jobs {
namespace {

using store::Claimed;

// How long a job that a replica scheduled before it went away for good can go unseen by the others.
constexpr absl::Duration kLookEvery = absl::Seconds(30);
// After another replica was faster: about as long as its claim takes.
constexpr absl::Duration kAfterLosing = absl::Milliseconds(10);
// A batch that is done within this time could have been larger.
constexpr absl::Duration kQuickBatch = absl::Milliseconds(200);
constexpr absl::Duration kLongestPause = absl::Hours(1);
// By then a transaction that claims what it schedules is durable, or counts as rolled back.
constexpr absl::Duration kLongestCommit = absl::Seconds(1);

}  // namespace

// Opens the gate at `due`, if it would have stayed closed for longer.
void Queue::Impl::Wake(absl::Time due) {
  {
    absl::MutexLock lock(&mutex);
    if (due >= gate) {
      return;
    }
    gate = due;
  }
  clock.Wake();
}

// False when the queue was stopped meanwhile.
bool Queue::Impl::Pause(absl::Duration pause) {
  absl::MutexLock lock(&mutex);
  return !mutex.AwaitWithTimeout(absl::Condition(&stopping), pause);
}

void Queue::Impl::Hold(const Claimed& claimed) {
  const absl::Duration length = workers.find(claimed.job.kind)->second.lease;
  absl::MutexLock lock(&mutex);
  Held& entry = held[claimed.id];
  entry = {claimed.lease, length, absl::Now() + length / 3};
  keeper_called = keeper_called || entry.renew_at < keeper_sleeps_until;
}

int64_t Queue::Impl::NewLease() {
  absl::MutexLock lock(&mutex);
  return absl::Uniform<int64_t>(absl::IntervalClosed, random, 1, INT64_MAX);
}

// Keeps a thread free for a job that is due, if there is one and nothing waits for it.
bool Queue::Impl::Reserve(const Job& job) {
  if (job.due > clock.Now() || clock.InDoubt()) {
    return false;
  }
  const absl::Time now = absl::Now();
  absl::MutexLock lock(&mutex);
  std::erase_if(reserved, [&](absl::Time until) { return until <= now; });
  if (stopping || !leases_are_ours || held.size() + reserved.size() >= static_cast<size_t>(threads)) {
    return false;
  }
  reserved.push_back(now + kLongestCommit);
  return true;
}

// Begins a job whose claim has become durable.
void Queue::Impl::Begin(const Claimed& claimed) {
  Hold(claimed);
  absl::MutexLock lock(&mutex);
  if (!reserved.empty()) {
    reserved.pop_back();
  }
  ready.insert(ready.begin(), claimed);
}

void Queue::Impl::Dispatch() {
  base::Backoff backoff;
  bool failing = false;
  size_t batch = threads;
  absl::Time last_claim = absl::InfinitePast();
  while (true) {
    absl::Time opens;
    {
      absl::MutexLock lock(&mutex);
      const auto wanted = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
        return stopping || ready.size() < static_cast<size_t>(threads);
      };
      mutex.Await(absl::Condition(&wanted));
      if (stopping) {
        return;
      }
      opens = gate;
    }
    if (clock.InDoubt()) {
      // The end of the doubt wakes us.
      clock.WaitUntil(absl::InfiniteFuture());
      continue;
    }
    if (clock.Now() < opens) {
      clock.WaitUntil(opens);
      continue;
    }
    {
      // Before the look, so that what is scheduled during it opens the gate again.
      absl::MutexLock lock(&mutex);
      gate = absl::InfiniteFuture();
      look_at = absl::Now() + kLookEvery;
    }
    absl::StatusOr<Found> found = Look(batch);
    absl::StatusOr<std::vector<Claimed>> claimed = found.ok() ? Claim(*found) : found.status();
    if (!claimed.ok()) {
      if (!std::exchange(failing, true)) {
        base::Log(base::Severity::kError, "cannot claim jobs; trying until it works",
                  {{"error", base::ErrorText(claimed.status())}});
      }
      {
        absl::MutexLock lock(&mutex);
        gate = absl::InfinitePast();
      }
      Pause(backoff.Next());
      continue;
    }
    if (std::exchange(failing, false)) {
      base::Log(base::Severity::kInfo, "claiming jobs again");
    }
    backoff.Reset();
    first_look = first_look && found->more_leases;
    const bool lost = claimed->size() < found->ids.size();
    for (const Claimed& one : *claimed) {
      Hold(one);
    }
    {
      absl::MutexLock lock(&mutex);
      leases_are_ours = !first_look;
      ready.insert(ready.begin(), claimed->rbegin(), claimed->rend());
      gate = std::min(gate, lost ? absl::InfinitePast() : found->next_due);
      look_at = std::min(look_at, found->next_lease_end);
      keeper_called = keeper_called || look_at < keeper_sleeps_until;
    }
    const bool quick = absl::Now() - last_claim < kQuickBatch;
    last_claim = absl::Now();
    batch = quick && claimed->size() == batch ? std::min<size_t>(batch * 2, store::kMostClaimed)
                                              : std::min<size_t>(threads, store::kMostClaimed);
    if (lost && claimed->empty()) {
      Pause(kAfterLosing);
    }
  }
}

absl::StatusOr<Queue::Impl::Found> Queue::Impl::Look(size_t most) {
  const absl::Time now = clock.Now();
  const absl::Time machine_now = absl::Now();
  Found found;
  RETURN_IF_ERROR(database.Read([&](db::Transaction& tx) -> absl::Status {
    found = Found();
    ASSIGN_OR_RETURN(const std::vector<store::Leased> leased, store::FindLeased(tx));
    for (const store::Leased& other : leased) {
      if (!workers.contains(other.kind) || HeldHere(other.id, other.lease)) {
        continue;
      }
      // What a former process of this name held is ours: it does not run any more.
      if (other.lease_end <= machine_now || (first_look && other.holder == holder)) {
        if (found.ids.size() < most) {
          found.ids.push_back(other.id);
          found.expired[other.id] = other.lease;
        } else {
          found.more_leases = true;
          found.next_due = absl::InfinitePast();
        }
      } else {
        found.next_lease_end = std::min(found.next_lease_end, other.lease_end);
      }
    }
    std::vector<store::Waiting> waiting;
    for (const auto& [kind, worker] : workers) {
      ASSIGN_OR_RETURN(const std::vector<store::Waiting> of_kind,
                       store::FindWaiting(tx, kind, static_cast<int>(most) + 1));
      waiting.insert(waiting.end(), of_kind.begin(), of_kind.end());
    }
    std::sort(waiting.begin(), waiting.end(), [](const store::Waiting& a, const store::Waiting& b) {
      return a.due != b.due ? a.due < b.due : a.id < b.id;
    });
    for (const store::Waiting& one : waiting) {
      if (one.due > now || found.ids.size() >= most) {
        found.next_due = std::min(found.next_due, one.due);
        break;
      }
      found.ids.push_back(one.id);
    }
    return absl::OkStatus();
  }));
  return found;
}

absl::StatusOr<std::vector<Claimed>> Queue::Impl::Claim(const Found& found) {
  std::vector<Claimed> claimed;
  if (found.ids.empty()) {
    return claimed;
  }
  const absl::Time now = clock.Now();
  RETURN_IF_ERROR(database.Write([&](db::Transaction& tx) -> absl::Status {
    claimed.clear();
    ASSIGN_OR_RETURN(std::vector<store::Locked> locked, store::Lock(tx, found.ids));
    const absl::Time machine_now = absl::Now();
    for (store::Locked& one : locked) {
      using State = store::Locked::State;
      Claimed& job = one.claimed;
      const auto expired = found.expired.find(job.id);
      if (expired == found.expired.end()) {
        if (one.state != State::kWaiting || job.job.due > now) {
          continue;
        }
      } else {
        const bool same_lease = one.state != State::kWaiting && one.state != State::kParked &&
                                job.lease == expired->second && (one.lease_end <= machine_now || first_look);
        if (!same_lease) {
          continue;
        }
        if (one.state == State::kCancelled) {
          RETURN_IF_ERROR(store::DeleteLocked(tx, job.id));
          continue;
        }
        // It counts as a try: the job itself may be what ends the process that does it.
        ++job.job.attempts;
      }
      job.lease = NewLease();
      const absl::Duration length = workers.find(job.job.kind)->second.lease;
      RETURN_IF_ERROR(store::Lease(tx, job, holder, machine_now + length));
      claimed.push_back(std::move(job));
    }
    return absl::OkStatus();
  }));
  const auto place = [&](const Claimed& one) { return std::find(found.ids.begin(), found.ids.end(), one.id); };
  std::sort(claimed.begin(), claimed.end(), [&](const Claimed& a, const Claimed& b) { return place(a) < place(b); });
  return claimed;
}

// Renews the leases held here, and has the table looked at again when another's lease may have run out.
void Queue::Impl::Keep() {
  while (true) {
    std::vector<std::pair<int64_t, Held>> to_renew;
    bool look = false;
    {
      absl::MutexLock lock(&mutex);
      absl::Time next = look_at;
      for (const auto& [id, entry] : held) {
        next = std::min(next, entry.renew_at);
      }
      keeper_sleeps_until = next;
      keeper_called = false;
      const auto wanted = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return keeper_stopping || keeper_called; };
      mutex.AwaitWithDeadline(absl::Condition(&wanted), next);
      if (keeper_stopping) {
        return;
      }
      const absl::Time now = absl::Now();
      if (look_at <= now) {
        look_at = now + kLookEvery;
        look = true;
      }
      for (auto& [id, entry] : held) {
        if (entry.renew_at <= now) {
          entry.renew_at = now + entry.length / 3;
          to_renew.emplace_back(id, entry);
        }
      }
    }
    if (look) {
      Wake(absl::InfinitePast());
    }
    // A lease written by a clock that is wrong could last for days.
    if (to_renew.empty() || clock.InDoubt()) {
      continue;
    }
    // A renewal that fails is tried again at its next turn; a lease that is lost costs a second run, never a second
    // effect.
    database
        .Write([&](db::Transaction& tx) -> absl::Status {
          for (const auto& [id, entry] : to_renew) {
            RETURN_IF_ERROR(store::Renew(tx, id, entry.lease, absl::Now() + entry.length));
          }
          return absl::OkStatus();
        })
        .IgnoreError();
  }
}

Queue::Queue(db::Database& database, base::Clock& clock, std::string holder, int threads)
    : impl_(std::make_unique<Impl>(database, clock, std::move(holder), threads)) {}

Queue::~Queue() { Stop(); }

absl::Duration Queue::PauseAfter(int attempts) {
  return attempts > 12 ? kLongestPause : std::min(kLongestPause, absl::Seconds(1) * (int64_t{1} << attempts));
}

void Queue::Handle(std::string kind, Worker worker) {
  impl_->workers.insert_or_assign(std::move(kind), std::move(worker));
}

absl::Status Queue::Schedule(db::Transaction& tx, const Job& job) {
  const auto worker = impl_->workers.find(job.kind);
  if (worker == impl_->workers.end()) {
    return store::Put(tx, job);
  }
  // Claimed by the transaction that schedules it, where it can begin at once: that spares a commit.
  if (impl_->Reserve(job)) {
    store::Claimed claimed{.job = job, .lease = impl_->NewLease()};
    ASSIGN_OR_RETURN(const bool added,
                     store::PutLeased(tx, claimed, impl_->holder, absl::Now() + worker->second.lease));
    if (added) {
      tx.AfterCommit([impl = impl_.get(), claimed = std::move(claimed)] { impl->Begin(claimed); });
      return absl::OkStatus();
    }
  }
  RETURN_IF_ERROR(store::Put(tx, job));
  tx.AfterCommit([impl = impl_.get(), due = job.due] { impl->Wake(due); });
  return absl::OkStatus();
}

absl::Status Queue::Cancel(db::Transaction& tx, std::string_view kind, std::string_view key) {
  return store::Remove(tx, kind, key);
}

void Queue::Start() {
  {
    absl::MutexLock lock(&impl_->mutex);
    impl_->stopping = false;
    impl_->keeper_stopping = false;
    impl_->gate = absl::InfinitePast();
    impl_->leases_are_ours = false;
  }
  impl_->first_look = true;
  impl_->dispatcher = std::thread([impl = impl_.get()] { impl->Dispatch(); });
  impl_->keeper = std::thread([impl = impl_.get()] { impl->Keep(); });
  for (int i = 0; i < impl_->threads; ++i) {
    impl_->running.emplace_back([impl = impl_.get()] { impl->Work(); });
  }
}

void Queue::Stop() {
  {
    absl::MutexLock lock(&impl_->mutex);
    impl_->stopping = true;
  }
  if (!impl_->dispatcher.joinable()) {
    return;
  }
  impl_->clock.Wake();
  impl_->dispatcher.join();
  for (std::thread& thread : impl_->running) {
    thread.join();
  }
  impl_->running.clear();
  std::vector<Claimed> left;
  {
    absl::MutexLock lock(&impl_->mutex);
    impl_->keeper_stopping = true;
    left = std::exchange(impl_->ready, {});
    impl_->held.clear();
  }
  impl_->keeper.join();
  if (left.empty()) {
    return;
  }
  // For the other replicas, so that they need not wait for the leases to run out.
  impl_->database
      .Write([&](db::Transaction& tx) -> absl::Status {
        for (const Claimed& claimed : left) {
          RETURN_IF_ERROR(store::Release(tx, claimed));
        }
        return absl::OkStatus();
      })
      .IgnoreError();
}

absl::StatusOr<std::vector<admin::v1::Job>> Queue::List(std::string_view tenant, bool parked_only, const Place& after,
                                                        int limit) {
  std::vector<admin::v1::Job> jobs;
  RETURN_IF_ERROR(impl_->database.Lookup([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(jobs, store::List(tx, tenant, parked_only, after, limit));
    return absl::OkStatus();
  }));
  return jobs;
}

absl::StatusOr<admin::v1::Job> Queue::Retry(int64_t id) {
  admin::v1::Job job;
  RETURN_IF_ERROR(impl_->database.Write([&](db::Transaction& tx) -> absl::Status {
    const absl::Time now = impl_->clock.Now();
    ASSIGN_OR_RETURN(job, store::Retry(tx, id, now));
    tx.AfterCommit([impl = impl_.get(), now] { impl->Wake(now); });
    return absl::OkStatus();
  }));
  return job;
}

absl::StatusOr<int> Queue::CheckStorage(int64_t& id, int limit, std::vector<db::Damage>& damage) {
  int count = 0;
  RETURN_IF_ERROR(impl_->database.Lookup([&, after = id](db::Transaction& tx) -> absl::Status {
    id = after;
    damage.clear();
    ASSIGN_OR_RETURN(count, store::Check(tx, id, limit, damage));
    return absl::OkStatus();
  }));
  return count;
}

absl::StatusOr<Queue::Counts> Queue::Count() {
  Counts counts;
  RETURN_IF_ERROR(impl_->database.Lookup([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(counts, store::Count(tx, impl_->clock.Now()));
    return absl::OkStatus();
  }));
  return counts;
}

}  // namespace section55::jobs
