// The inside of Queue: what its two halves share. Private to libs/jobs.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/random/random.h"
#include "absl/synchronization/mutex.h"
#include "libs/jobs/queue.h"
#include "libs/jobs/store.h"

namespace section55::jobs {

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
  absl::StatusOr<std::vector<store::Claimed>> Claim(const Found& found);
  void Work();
  void Do(store::Claimed& claimed);
  void Fail(const store::Claimed& claimed, const Worker& worker, absl::Status error);
  absl::StatusOr<bool> GiveUp(const store::Claimed& claimed, const Worker& worker, const absl::Status& error, bool ask);
  absl::Status WritePatiently(db::Body body);
  void Keep();

  void Wake(absl::Time due);
  void Hold(const store::Claimed& claimed);
  int64_t NewLease();
  bool Reserve(const Job& job);
  void Begin(const store::Claimed& claimed);
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
  bool first_look = true;  // the dispatcher's

  absl::Mutex mutex;
  absl::BitGen random ABSL_GUARDED_BY(mutex);
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  bool keeper_stopping ABSL_GUARDED_BY(mutex) = false;
  bool keeper_called ABSL_GUARDED_BY(mutex) = false;
  absl::Time gate ABSL_GUARDED_BY(mutex) = absl::InfinitePast();       // nothing is due here before
  absl::Time look_at ABSL_GUARDED_BY(mutex) = absl::InfiniteFuture();  // by the machine's clock
  absl::Time keeper_sleeps_until ABSL_GUARDED_BY(mutex) = absl::InfinitePast();
  std::vector<store::Claimed> ready ABSL_GUARDED_BY(mutex);  // claimed, to be done from the back
  absl::flat_hash_map<int64_t, Held> held ABSL_GUARDED_BY(mutex);
  // Whether what a former process of this name held has been taken back, and a lease of this name is this process's.
  bool leases_are_ours ABSL_GUARDED_BY(mutex) = false;
  // Threads kept free for jobs that a transaction under way has claimed: until when each is.
  std::vector<absl::Time> reserved ABSL_GUARDED_BY(mutex);
};

}  // namespace section55::jobs
