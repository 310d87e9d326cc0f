// The SQL of the queue. Internal to libs/jobs.
//
// What may be claimed is looked for in a snapshot and locked afterwards, row by row: a locking search would also lock
// the gaps that other transactions are about to insert jobs into.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/database.h"
#include "libs/db/proto_table.h"
#include "libs/jobs/queue.h"

namespace section55::jobs::store {

// What one claim takes at most.
inline constexpr int kMostClaimed = 32;

// A job that this replica holds.
struct Claimed {
  Job job;
  int64_t id = 0;
  int64_t version = 0;
  int64_t lease = 0;
  // Whether the payload is what was scheduled.
  bool intact = true;
};

absl::Status Put(db::Transaction& tx, const Job& job);
// Adds a job that is under a lease from its first moment, and sets the id and version it has. False, and nothing is changed, when one of
// its kind and key is there already.
absl::StatusOr<bool> PutLeased(db::Transaction& tx, Claimed& claimed, std::string_view holder, absl::Time lease_end);
absl::Status Remove(db::Transaction& tx, std::string_view kind, std::string_view key);

// A job that waits.
struct Waiting {
  int64_t id = 0;
  absl::Time due;
};
// The first `limit` waiting jobs of a kind.
absl::StatusOr<std::vector<Waiting>> FindWaiting(db::Transaction& tx, std::string_view kind, int limit);

// A job that some replica holds.
struct Leased {
  int64_t id = 0;
  std::string kind;
  std::string holder;
  int64_t lease = 0;
  absl::Time lease_end;
};
absl::StatusOr<std::vector<Leased>> FindLeased(db::Transaction& tx);

// Locks those of `ids` (at most kMostClaimed) that are still there and that no other transaction is changing.
struct Locked {
  Claimed claimed;
  enum class State { kWaiting, kRunning, kParked, kCancelled } state = State::kWaiting;
  absl::Time lease_end;
};
absl::StatusOr<std::vector<Locked>> Lock(db::Transaction& tx, const std::vector<int64_t>& ids);

// Takes a locked job under a lease.
absl::Status Lease(db::Transaction& tx, const Claimed& claimed, std::string_view holder, absl::Time lease_end);
absl::Status Renew(db::Transaction& tx, int64_t id, int64_t lease, absl::Time lease_end);

// Each returns whether the run still counts: the lease is ours and the job was neither scheduled anew nor cancelled.
absl::StatusOr<bool> Delete(db::Transaction& tx, const Claimed& claimed);
absl::StatusOr<bool> PutBack(db::Transaction& tx, const Claimed& claimed, int attempts, absl::Time due,
                             std::string_view error);
absl::StatusOr<bool> ParkJob(db::Transaction& tx, const Claimed& claimed, int attempts, std::string_view error);

// Gives a lease back, if it is still ours: the job waits as it was scheduled, or goes if it was cancelled.
absl::Status Release(db::Transaction& tx, const Claimed& claimed);
absl::Status DeleteLocked(db::Transaction& tx, int64_t id);

// Compares the payloads of at most `limit` jobs after `id` with their checksums, and moves `id` to the last; how many there were.
absl::StatusOr<int> Check(db::Transaction& tx, int64_t& id, int limit, std::vector<db::Damage>& damage);

absl::StatusOr<std::vector<admin::v1::Job>> List(db::Transaction& tx, std::string_view tenant, bool parked_only,
                                                 const Queue::Place& after, int limit);
// The job as Admin shows it, due now. NOT_FOUND.
absl::StatusOr<admin::v1::Job> Retry(db::Transaction& tx, int64_t id, absl::Time now);
absl::StatusOr<Queue::Counts> Count(db::Transaction& tx, absl::Time now);

}  // namespace section55::jobs::store
