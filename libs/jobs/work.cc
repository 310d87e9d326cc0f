// How a claimed job is done, and what becomes of it when that fails.
#include <exception>
#include <string>
#include <utility>

#include "libs/base/backoff.h"
#include "libs/base/error_text.h"
#include "libs/base/log.h"
#include "libs/base/status.h"
#include "libs/jobs/queue_impl.h"

namespace section55::jobs {
namespace {

using store::Claimed;

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
  if (!claimed.intact) {
    Fail(claimed, worker,
         base::Error(absl::StatusCode::kDataLoss, "STORED_DATA_DAMAGED", "its payload does not match its checksum"));
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
  const bool last = !claimed.intact || attempts >= worker.most_attempts || (is_final.ok() && *is_final);
  // Nobody decides by a payload that is not what was scheduled.
  const bool ask = claimed.intact && worker.give_up != nullptr;
  absl::Time due = absl::InfinitePast();
  absl::StatusOr<bool> counts;
  if (last) {
    counts = GiveUp(claimed, worker, error, ask);
    if (!counts.ok() && !IsDatabaseAway(counts.status()) && ask) {
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

}  // namespace section55::jobs
