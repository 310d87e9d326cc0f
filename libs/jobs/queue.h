// A durable queue in the service's own database: what is to be done later, or beside the calls.
//
// A job is scheduled in the transaction that makes it necessary and done at least once after its time; its effect and
// its end are one transaction, so the effect happens exactly once whatever crashes. Rendering, copies, mail, timers,
// imports: all are jobs.
//
//   queue.Handle("publish", {.run = [&](const Job& job) -> absl::StatusOr<Effect> {
//     const std::string pdf = Render(...);                                  // outside of any transaction
//     return [pdf](db::Transaction& tx) { return store::Save(tx, pdf); };   // with the end of the job
//   }});
//   queue.Schedule(tx, {.kind = "publish", .key = name, .tenant = body, .due = now, .payload = bytes});
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/db/proto_table.h"
#include "section55/admin/v1/admin.pb.h"

namespace section55::jobs {

// What is to be done.
struct Job {
  std::string kind = {};     // which worker does it; 1 to 63 characters [a-z0-9-]
  std::string key = {};      // which one, unique within the kind; 1 to 500 characters
  std::string tenant = {};   // "bodies/norfolk-pcc"; empty for what is national
  absl::Time due = {};       // not before this, by the service's clock
  std::string payload = {};  // for the worker; at most 1 MiB: refer to rows for what is longer
  int attempts = 0;          // how often it failed, or was cut off, before; set by the queue
};

// Changes that end a job: run in the transaction that removes it, perhaps several times (see Database::Write).
using Effect = std::function<absl::Status(db::Transaction& tx)>;

// How the jobs of one kind are done.
struct Worker {
  // Does the slow part outside of any transaction and returns the effect (or OK with an empty one). Runs on a thread of
  // the queue; two jobs of one key never run at once in one deployment, but after a crash or a lost lease the same job
  // may run again. An exception counts as INTERNAL.
  std::function<absl::StatusOr<Effect>(const Job& job)> run;

  // A failure of `run` or of its effect is tried again with growing pauses (1 s, doubling to 1 h). A job whose stored payload is damaged is
  // not run but parked (DATA_LOSS); scheduled anew it is whole again. After
  // `most_attempts`, or at once on an error for which `is_final` says so, the job is parked; `give_up`, if there is
  // one, is run in that transaction instead, and the job is removed if it returns true (it dealt with it) and parked
  // otherwise.
  int most_attempts = 12;
  std::function<bool(const absl::Status& error)> is_final = {};
  std::function<absl::StatusOr<bool>(db::Transaction& tx, const Job& job, const absl::Status& error)> give_up = {};

  // How long a run may take before another replica may take the job over. Renewed while it runs.
  absl::Duration lease = absl::Seconds(30);
};

// Thread-safe. One for each process; the queue is the only one in its process that waits on the clock. While the clock is in doubt
// (base::Clock::InDoubt) no job is begun.
class Queue {
 public:
  // `holder` names this replica in leases and in Admin, "HOST:PORT", at most 300 characters. It must be its own: what a
  // former process of the same name held is taken back at once when a queue starts. `threads` jobs run at once here.
  Queue(db::Database& database, base::Clock& clock, std::string holder, int threads = 2);
  // Stops.
  ~Queue();

  // Before Start: who does the jobs of a kind. A job of a kind that nobody handles waits (another version of the
  // program may).
  void Handle(std::string kind, Worker worker);

  // How long a job waits that has failed after this many earlier tries: 1 s, doubling to 1 h.
  static absl::Duration PauseAfter(int attempts);

  // Adds a job to the transaction. A job of the same kind and key that waits, or is parked, is replaced (new time, new
  // payload, no attempts); one that is running is run again after it. When the transaction is durable and the job is
  // due, it starts at once.
  absl::Status Schedule(db::Transaction& tx, const Job& job);
  // Removes the job, if there is one. One that is running loses its effect.
  absl::Status Cancel(db::Transaction& tx, std::string_view kind, std::string_view key);

  // Starts and stops the threads; it can be started again. Stop waits for the jobs under way.
  void Start();
  void Stop();

  // For Admin: up to `limit` jobs after the one with (due, id), the longest due first; of one tenant only unless it is
  // empty.
  struct Place {
    int64_t due_us = INT64_MIN;
    int64_t id = 0;
  };
  absl::StatusOr<std::vector<admin::v1::Job>> List(std::string_view tenant, bool parked_only, const Place& after,
                                                   int limit);
  // Makes a job due now. NOT_FOUND.
  absl::StatusOr<admin::v1::Job> Retry(int64_t id);
  struct Counts {
    int64_t waiting = 0;
    int64_t parked = 0;
    // How long the longest due of those that wait has been due.
    absl::Duration overdue = absl::ZeroDuration();
  };
  absl::StatusOr<Counts> Count();
  // For Admin: compares the payloads of at most `limit` jobs after `id` (0: from the first) with their checksums, and moves `id` to the last.
  // How many there were: call again while that is `limit`.
  absl::StatusOr<int> CheckStorage(int64_t& id, int limit, std::vector<db::Damage>& damage);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace section55::jobs
