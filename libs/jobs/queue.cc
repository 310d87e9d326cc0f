#include "libs/jobs/queue.h"

#include <algorithm>
#include <exception>
#include <map>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/random/random.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "libs/base/backoff.h"
#include "libs/base/error_text.h"
#include "libs/base/log.h"
#include "libs/base/status.h"
#include "libs/jobs/store.h"

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

// Whether our own database was away, which says nothing about the job.
bool IsDatabaseAway(const absl::Status& status) {
  if (!absl::IsUnavailable(status)) {
    return false;
  }
  const std::string reason = base::ErrorInfoOf(status).reason();
  return reason == "DATABASE_UNAVAILABLE" || reason == "COMMIT_OUTCOME_UNKNOWN";
}

// Calls what a service gave us; what it throws is an error like any other.
template <typename Call>
auto Guarded(Call&& call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::exception& exception) {
    return absl::InternalError(std::string("exception: ").append(exception.what()));
  } catch (...) {
    return absl::InternalError("exception of an unknown type");
  }
}

}  // namespace

struct Queue::Impl {
  Impl(db::Database& database, base::Clock& clock, std::string holder, int threads)
      : database(database), clock(clock), holder(std::move(holder)), threads(std::max(threads, 1)) {}

  struct Held {
    int64_t lease = 0;
    absl::Duration length;
    absl::Time renew_at;
  };

  // What a look at the table found.
  struct Found {
    std::vector<int64_t> ids;                       // what can be claimed, in the order of their time
    absl::flat_hash_map<int64_t, int64_t> expired;  // of those: whose lease ran out, and which lease that was
    bool more_leases = false;
    absl::Time next_due = absl::InfiniteFuture();
    absl::Time next_lease_end = absl::InfiniteFuture();
  };

  void Dispatch();
  absl::StatusOr<Found> Look(size_t most);
  absl::StatusOr<std::vector<Claimed>> Claim(const Found& found);
  void Work();
  void Do(Claimed& claimed);
  void Fail(const Claimed& claimed, const Worker& worker, absl::Status error);
  absl::StatusOr<bool> GiveUp(const Claimed& claimed, const Worker& worker, const absl::Status& error, bool ask);
  absl::Status WritePatiently(db::Body body);
  void Keep();

  void Wake(absl::Time due);
  void Hold(const Claimed& claimed);
  bool Pause(absl::Duration pause);
  bool HeldHere(int64_t id, int64_t lease) {
    absl::MutexLock lock(&mutex);
    const auto found = held.find(id);
    return found != held.end() && found->second.lease == lease;
  }

  db::Database& database;
  base::Clock& clock;
  const std::string holder;
  const int threads;
  std::map<std::string, Worker, std::less<>> workers;  // not changed while it runs
  std::vector<std::thread> running;
  std::thread dispatcher;
  std::thread keeper;
  absl::BitGen random;     // the dispatcher's
  bool first_look = true;  // likewise

  absl::Mutex mutex;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  bool keeper_stopping ABSL_GUARDED_BY(mutex) = false;
  bool keeper_called ABSL_GUARDED_BY(mutex) = false;
  absl::Time gate ABSL_GUARDED_BY(mutex) = absl::InfinitePast();       // nothing is due here before
  absl::Time look_at ABSL_GUARDED_BY(mutex) = absl::InfiniteFuture();  // by the machine's clock
  absl::Time keeper_sleeps_until ABSL_GUARDED_BY(mutex) = absl::InfinitePast();
  std::vector<Claimed> ready ABSL_GUARDED_BY(mutex);  // claimed, to be done from the back
  absl::flat_hash_map<int64_t, Held> held ABSL_GUARDED_BY(mutex);
};

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
      job.lease = absl::Uniform<int64_t>(absl::IntervalClosed, random, 1, INT64_MAX);
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

void Queue::Impl::Work() {
  while (true) {
    Claimed claimed;
    {
      absl::MutexLock lock(&mutex);
      const auto wanted = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return stopping || !ready.empty(); };
      mutex.Await(absl::Condition(&wanted));
      if (stopping) {
        return;
      }
      claimed = std::move(ready.back());
      ready.pop_back();
    }
    Do(claimed);
    absl::MutexLock lock(&mutex);
    held.erase(claimed.id);
  }
}

// Writes, and tries again while the database is away, until the queue is stopped.
absl::Status Queue::Impl::WritePatiently(db::Body body) {
  base::Backoff backoff;
  while (true) {
    const absl::Status written = database.Write(body);
    if (!IsDatabaseAway(written) || !Pause(backoff.Next())) {
      return written;
    }
  }
}

void Queue::Impl::Do(Claimed& claimed) {
  const Worker& worker = workers.find(claimed.job.kind)->second;
  if (claimed.job.attempts >= worker.most_attempts) {
    // Only one whose runs were cut off gets here: the others were parked when they failed.
    --claimed.job.attempts;
    Fail(claimed, worker, absl::InternalError("it was begun again and again, and each time its process ended"));
    return;
  }
  base::Backoff backoff;
  absl::StatusOr<Effect> effect = Guarded([&] { return worker.run(claimed.job); });
  while (!effect.ok() && IsDatabaseAway(effect.status())) {
    if (!Pause(backoff.Next())) {
      // Begun again by whoever takes the lease over.
      return;
    }
    effect = Guarded([&] { return worker.run(claimed.job); });
  }
  if (!effect.ok()) {
    Fail(claimed, worker, effect.status());
    return;
  }
  bool counts = false;
  const absl::Status ended = WritePatiently([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(counts, store::Delete(tx, claimed));
    if (!counts) {
      return store::Release(tx, claimed);
    }
    return *effect ? (*effect)(tx) : absl::OkStatus();
  });
  if (ended.ok()) {
    if (!counts) {
      Wake(absl::InfinitePast());
    }
    return;
  }
  if (!IsDatabaseAway(ended)) {
    Fail(claimed, worker, ended);
  }
}

// Parks the job, or lets the service deal with it. False when the run does not count any more.
absl::StatusOr<bool> Queue::Impl::GiveUp(const Claimed& claimed, const Worker& worker, const absl::Status& error,
                                         bool ask) {
  const int attempts = claimed.job.attempts + 1;
  const std::string text = base::ErrorText(error);
  bool counts = false;
  RETURN_IF_ERROR(WritePatiently([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(counts, store::ParkJob(tx, claimed, attempts, text));
    if (!counts || !ask) {
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const bool dealt_with, Guarded([&] { return worker.give_up(tx, claimed.job, error); }));
    return dealt_with ? store::DeleteLocked(tx, claimed.id) : absl::OkStatus();
  }));
  return counts;
}

void Queue::Impl::Fail(const Claimed& claimed, const Worker& worker, absl::Status error) {
  const int attempts = claimed.job.attempts + 1;
  const absl::StatusOr<bool> is_final =
      Guarded([&]() -> absl::StatusOr<bool> { return worker.is_final && worker.is_final(error); });
  const bool last = attempts >= worker.most_attempts || (is_final.ok() && *is_final);
  absl::Time due = absl::InfinitePast();
  absl::StatusOr<bool> counts;
  if (last) {
    counts = GiveUp(claimed, worker, error, worker.give_up != nullptr);
    if (!counts.ok() && !IsDatabaseAway(counts.status()) && worker.give_up != nullptr) {
      error = absl::Status(error.code(), std::string(error.message())
                                             .append("; giving it up failed as well: ")
                                             .append(base::ErrorText(counts.status())));
      counts = GiveUp(claimed, worker, error, false);
    }
  } else {
    due = clock.Now() + PauseAfter(claimed.job.attempts);
    const std::string text = base::ErrorText(error);
    bool put_back = false;
    const absl::Status written = WritePatiently([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(put_back, store::PutBack(tx, claimed, attempts, due, text));
      return absl::OkStatus();
    });
    counts = written.ok() ? absl::StatusOr<bool>(put_back) : written;
  }
  base::Log(last ? base::Severity::kError : base::Severity::kWarning, last ? "job given up" : "job failed",
            {{"kind", claimed.job.kind},
             {"key", claimed.job.key},
             {"attempts", attempts},
             {"error", base::ErrorText(counts.ok() ? error : counts.status())}});
  if (counts.ok() && !*counts) {
    // Scheduled anew or cancelled while it ran: what it failed at does not matter any more.
    WritePatiently([&](db::Transaction& tx) { return store::Release(tx, claimed); }).IgnoreError();
    due = absl::InfinitePast();
  }
  if (!last || (counts.ok() && !*counts)) {
    Wake(due);
  }
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
  RETURN_IF_ERROR(store::Put(tx, job));
  if (impl_->workers.contains(job.kind)) {
    tx.AfterCommit([impl = impl_.get(), due = job.due] { impl->Wake(due); });
  }
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

absl::StatusOr<Queue::Counts> Queue::Count() {
  Counts counts;
  RETURN_IF_ERROR(impl_->database.Lookup([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(counts, store::Count(tx, impl_->clock.Now()));
    return absl::OkStatus();
  }));
  return counts;
}

}  // namespace section55::jobs
