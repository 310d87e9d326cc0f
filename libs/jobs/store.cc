#include "libs/jobs/store.h"

#include <algorithm>
#include <utility>

#include "google/protobuf/util/time_util.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"

namespace section55::jobs::store {
namespace {

// The values of the column `state`.
constexpr int kWaiting = static_cast<int>(Locked::State::kWaiting);
constexpr int kRunning = static_cast<int>(Locked::State::kRunning);
constexpr int kParked = static_cast<int>(Locked::State::kParked);
constexpr int kCancelled = static_cast<int>(Locked::State::kCancelled);

constexpr std::string_view kShown = "id, kind, job_key, tenant, due, attempts, error, state, holder";

absl::Status Refuse(std::string_view what) {
  return base::Error(absl::StatusCode::kInvalidArgument, "JOB_REFUSED", std::string("the job's ").append(what));
}

bool IsKind(std::string_view kind) {
  return !kind.empty() && kind.size() <= 63 && std::all_of(kind.begin(), kind.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// Within what a protobuf timestamp can hold, as Admin shows it.
int64_t DueMicros(absl::Time due) {
  using google::protobuf::util::TimeUtil;
  return std::clamp(base::ToMicros(due), TimeUtil::kTimestampMinSeconds * 1'000'000,
                    TimeUtil::kTimestampMaxSeconds * 1'000'000);
}

admin::v1::Job Show(const db::Row& row) {
  admin::v1::Job job;
  job.set_name("jobs/" + std::to_string(row.Int64(0)));
  job.set_kind(std::string(row.Text(1)));
  job.set_key(std::string(row.Text(2)));
  job.set_tenant(std::string(row.Text(3)));
  *job.mutable_due_time() = google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(row.Int64(4));
  job.set_attempts(static_cast<int>(row.Int64(5)));
  job.set_error(std::string(row.Text(6)));
  job.set_parked(row.Int64(7) == kParked);
  job.set_holder(std::string(row.Text(8)));
  return job;
}

absl::Status Check(const Job& job) {
  if (!IsKind(job.kind)) {
    return Refuse("kind must have 1 to 63 characters [a-z0-9-]");
  }
  if (job.key.empty() || job.key.size() > 500 || !IsPrintable(job.key)) {
    return Refuse("key must have 1 to 500 printable ASCII characters");
  }
  if (job.tenant.size() > 200 || !IsPrintable(job.tenant)) {
    return Refuse("tenant must have at most 200 printable ASCII characters");
  }
  if (job.payload.size() > base::kMebibyte) {
    return Refuse("payload must not be larger than 1 MiB: refer to rows");
  }
  return absl::OkStatus();
}

// False when one of its kind and key is there already: inserted before it is looked for, as looking for a row that is not there would lock
// the gap that another transaction inserts into.
absl::StatusOr<bool> Insert(db::Transaction& tx, Claimed& claimed, int state, std::string_view holder,
                            absl::Time lease_end) {
  const Job& job = claimed.job;
  RETURN_IF_ERROR(Check(job));
  claimed.version = 1;
  const absl::Status inserted =
      tx.Execute(
            "INSERT INTO jobs (kind, job_key, tenant, state, due, attempts, error, version, holder, lease, "
            "lease_end, checksum, payload) VALUES (?, ?, ?, ?, ?, 0, '', ?, ?, ?, ?, ?, ?)",
            {job.kind, job.key, job.tenant, state, DueMicros(job.due), claimed.version, holder, claimed.lease,
             base::ToMicros(lease_end), db::ChecksumOf(job.payload), db::Bytes{job.payload}})
          .status();
  if (absl::IsAlreadyExists(inserted)) {
    return false;
  }
  RETURN_IF_ERROR(inserted);
  return true;
}

}  // namespace

absl::Status Put(db::Transaction& tx, const Job& job) {
  Claimed waiting{.job = job};
  ASSIGN_OR_RETURN(const bool added, Insert(tx, waiting, kWaiting, "", absl::UnixEpoch()));
  if (added) {
    return absl::OkStatus();
  }
  // One that runs keeps its lease, so that nobody runs it a second time beside.
  ASSIGN_OR_RETURN(const int64_t replaced,
                   tx.Execute("UPDATE jobs SET state = CASE WHEN state IN (1, 3) THEN 1 ELSE 0 END, tenant = ?, "
                              "due = ?, attempts = 0, error = '', version = version + 1, checksum = ?, "
                              "payload = ? WHERE kind = ? AND job_key = ?",
                              {job.tenant, DueMicros(job.due), db::ChecksumOf(job.payload), db::Bytes{job.payload},
                               job.kind, job.key}));
  return replaced == 1 ? absl::OkStatus() : tx.Conflict();
}

absl::StatusOr<bool> PutLeased(db::Transaction& tx, Claimed& claimed, std::string_view holder, absl::Time lease_end) {
  ASSIGN_OR_RETURN(const bool added, Insert(tx, claimed, kRunning, holder, lease_end));
  if (!added) {
    return false;
  }
  RETURN_IF_ERROR(tx.Query("SELECT id FROM jobs WHERE kind = ? AND job_key = ?", {claimed.job.kind, claimed.job.key},
                           [&](const db::Row& row) { claimed.id = row.Int64(0); }));
  return true;
}

absl::Status Remove(db::Transaction& tx, std::string_view kind, std::string_view key) {
  ASSIGN_OR_RETURN(const int64_t removed,
                   tx.Execute("DELETE FROM jobs WHERE kind = ? AND job_key = ? AND state IN (0, 2)", {kind, key}));
  if (removed == 1) {
    return absl::OkStatus();
  }
  // One that runs stays until its run ends, so that the key is not run twice at once when it is scheduled again.
  return tx
      .Execute("UPDATE jobs SET state = 3, version = version + 1 WHERE kind = ? AND job_key = ? AND state = 1",
               {kind, key})
      .status();
}

absl::StatusOr<std::vector<Waiting>> FindWaiting(db::Transaction& tx, std::string_view kind, int limit) {
  std::vector<Waiting> found;
  RETURN_IF_ERROR(tx.Query("SELECT id, due FROM jobs WHERE state = 0 AND kind = ? ORDER BY due, id LIMIT ?",
                           {kind, limit}, [&](const db::Row& row) {
                             found.push_back({row.Int64(0), base::FromMicros(row.Int64(1))});
                           }));
  return found;
}

absl::StatusOr<std::vector<Leased>> FindLeased(db::Transaction& tx) {
  std::vector<Leased> found;
  RETURN_IF_ERROR(tx.Query("SELECT id, kind, holder, lease, lease_end FROM jobs WHERE state IN (1, 3)", {},
                           [&](const db::Row& row) {
                             found.push_back({row.Int64(0), std::string(row.Text(1)), std::string(row.Text(2)),
                                              row.Int64(3), base::FromMicros(row.Int64(4))});
                           }));
  return found;
}

absl::StatusOr<std::vector<Locked>> Lock(db::Transaction& tx, const std::vector<int64_t>& ids) {
  // Always as many values, so that the statement is prepared once; no row has the id 0.
  static const std::string* const kSql = [] {
    auto* sql = new std::string(
        "SELECT id, kind, job_key, tenant, due, payload, attempts, version, lease, state, lease_end, checksum FROM "
        "jobs WHERE id IN (?");
    for (int i = 1; i < kMostClaimed; ++i) {
      sql->append(", ?");
    }
    sql->append(")");
    return sql;
  }();
  std::vector<db::Value> values(kMostClaimed, db::Value(0));
  std::copy_n(ids.begin(), std::min<size_t>(ids.size(), kMostClaimed), values.begin());
  std::vector<Locked> found;
  RETURN_IF_ERROR(tx.QueryAndLock(*kSql, values, [&](const db::Row& row) {
    Locked& locked = found.emplace_back();
    Claimed& claimed = locked.claimed;
    claimed.id = row.Int64(0);
    claimed.job.kind = row.Text(1);
    claimed.job.key = row.Text(2);
    claimed.job.tenant = row.Text(3);
    claimed.job.due = base::FromMicros(row.Int64(4));
    claimed.job.payload = row.Text(5);
    claimed.job.attempts = static_cast<int>(row.Int64(6));
    claimed.version = row.Int64(7);
    claimed.lease = row.Int64(8);
    locked.state = static_cast<Locked::State>(row.Int64(9));
    locked.lease_end = base::FromMicros(row.Int64(10));
    claimed.intact = db::ChecksumOf(claimed.job.payload) == row.Int64(11);
  }));
  return found;
}

absl::Status Lease(db::Transaction& tx, const Claimed& claimed, std::string_view holder, absl::Time lease_end) {
  return tx
      .Execute("UPDATE jobs SET state = ?, attempts = ?, holder = ?, lease = ?, lease_end = ? WHERE id = ?",
               {kRunning, claimed.job.attempts, holder, claimed.lease, base::ToMicros(lease_end), claimed.id})
      .status();
}

absl::Status Renew(db::Transaction& tx, int64_t id, int64_t lease, absl::Time lease_end) {
  return tx.Execute("UPDATE jobs SET lease_end = ? WHERE id = ? AND lease = ?", {base::ToMicros(lease_end), id, lease})
      .status();
}

absl::StatusOr<bool> Delete(db::Transaction& tx, const Claimed& claimed) {
  ASSIGN_OR_RETURN(const int64_t matched, tx.Execute("DELETE FROM jobs WHERE id = ? AND lease = ? AND version = ?",
                                                     {claimed.id, claimed.lease, claimed.version}));
  return matched == 1;
}

absl::StatusOr<bool> PutBack(db::Transaction& tx, const Claimed& claimed, int attempts, absl::Time due,
                             std::string_view error) {
  ASSIGN_OR_RETURN(
      const int64_t matched,
      tx.Execute("UPDATE jobs SET state = 0, attempts = ?, due = ?, error = ?, holder = '', lease = 0, lease_end = 0 "
                 "WHERE id = ? AND lease = ? AND version = ?",
                 {attempts, DueMicros(due), error, claimed.id, claimed.lease, claimed.version}));
  return matched == 1;
}

absl::StatusOr<bool> ParkJob(db::Transaction& tx, const Claimed& claimed, int attempts, std::string_view error) {
  ASSIGN_OR_RETURN(
      const int64_t matched,
      tx.Execute("UPDATE jobs SET state = 2, attempts = ?, error = ?, holder = '', lease = 0, lease_end = 0 "
                 "WHERE id = ? AND lease = ? AND version = ?",
                 {attempts, error, claimed.id, claimed.lease, claimed.version}));
  return matched == 1;
}

absl::Status Release(db::Transaction& tx, const Claimed& claimed) {
  ASSIGN_OR_RETURN(const int64_t cancelled, tx.Execute("DELETE FROM jobs WHERE id = ? AND lease = ? AND state = 3",
                                                       {claimed.id, claimed.lease}));
  if (cancelled == 1) {
    return absl::OkStatus();
  }
  return tx
      .Execute("UPDATE jobs SET state = 0, holder = '', lease = 0, lease_end = 0 WHERE id = ? AND lease = ?",
               {claimed.id, claimed.lease})
      .status();
}

absl::Status DeleteLocked(db::Transaction& tx, int64_t id) {
  return tx.Execute("DELETE FROM jobs WHERE id = ?", {id}).status();
}

absl::StatusOr<int> Check(db::Transaction& tx, int64_t& id, int limit, std::vector<db::Damage>& damage) {
  int count = 0;
  RETURN_IF_ERROR(tx.Query("SELECT id, checksum, payload FROM jobs WHERE id > ? ORDER BY id LIMIT ?", {id, limit},
                           [&](const db::Row& row) {
                             ++count;
                             id = row.Int64(0);
                             db::CheckContent("jobs", std::to_string(id), row.Text(2), row.Int64(1), damage);
                           }));
  return count;
}

absl::StatusOr<std::vector<admin::v1::Job>> List(db::Transaction& tx, std::string_view tenant, bool parked_only,
                                                 const Queue::Place& after, int limit) {
  std::string sql = std::string("SELECT ").append(kShown).append(" FROM jobs WHERE ");
  std::vector<db::Value> values;
  if (!tenant.empty()) {
    sql.append("tenant = ? AND ");
    values.emplace_back(tenant);
  }
  sql.append(parked_only ? "state = 2" : "state <> 3");
  // In this form both engines seek.
  sql.append(" AND due >= ? AND (due > ? OR id > ?) ORDER BY due, id LIMIT ?");
  values.insert(values.end(), {after.due_us, after.due_us, after.id, limit});
  std::vector<admin::v1::Job> jobs;
  RETURN_IF_ERROR(tx.Query(sql, values, [&](const db::Row& row) { jobs.push_back(Show(row)); }));
  return jobs;
}

absl::StatusOr<admin::v1::Job> Retry(db::Transaction& tx, int64_t id, absl::Time now) {
  // One that was parked gets all its tries again.
  RETURN_IF_ERROR(tx.Execute("UPDATE jobs SET attempts = CASE WHEN state = 2 THEN 0 ELSE attempts END, due = ? "
                             "WHERE id = ? AND state IN (0, 2)",
                             {DueMicros(now), id})
                      .status());
  RETURN_IF_ERROR(tx.Execute("UPDATE jobs SET state = 0 WHERE id = ? AND state = 2", {id}).status());
  std::optional<admin::v1::Job> job;
  RETURN_IF_ERROR(tx.Query(std::string("SELECT ").append(kShown).append(" FROM jobs WHERE id = ? AND state <> 3"), {id},
                           [&](const db::Row& row) { job = Show(row); }));
  if (!job) {
    return base::NotFound("jobs/" + std::to_string(id));
  }
  return *std::move(job);
}

absl::StatusOr<Queue::Counts> Count(db::Transaction& tx, absl::Time now) {
  Queue::Counts counts;
  RETURN_IF_ERROR(tx.Query("SELECT state, COUNT(*), MIN(due) FROM jobs GROUP BY state", {}, [&](const db::Row& row) {
    if (row.Int64(0) == kWaiting) {
      counts.overdue = std::max(absl::ZeroDuration(), now - base::FromMicros(row.Int64(2)));
    }
    if (row.Int64(0) == kParked) {
      counts.parked += row.Int64(1);
    } else if (row.Int64(0) != kCancelled) {
      counts.waiting += row.Int64(1);
    }
  }));
  return counts;
}

}  // namespace section55::jobs::store
