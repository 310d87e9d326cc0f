// What a follower does with the events of its source, one after the other: what a handler refuses is put aside and tried again. Internal to
// libs/events; what Admin shows of it is in parked.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/events/handlers.h"
#include "libs/jobs/queue.h"

namespace section55::events {

// Whether a handler's error says that our own database is away, or that we are stopping, and nothing about the event.
bool IsPassing(const absl::Status& error);

// Thread-safe. The functions that take a transaction are for the one that moves the cursor past those events (Advance, ResetCursor), so
// that they and retries come one after the other (follower_store.h).
class Parking {
 public:
  Parking(std::string source, db::Database& database, base::Clock& clock, jobs::Queue& jobs, Handlers handlers);

  const Handlers& handlers() const { return handlers_; }

  // Handles events that the handlers know, in order; those of a subject that has parked ones are put behind them.
  absl::Status Apply(db::Transaction& tx, absl::Span<const Event* const> events);
  // Puts an event aside whose handler refused it, and leaves a job that tries it again.
  absl::Status PutAside(db::Transaction& tx, const Event& event, std::string_view error);
  // Forgets what is put aside from after a position. Returns how many.
  absl::StatusOr<int64_t> ForgetAfter(db::Transaction& tx, int64_t position);

  // Follower::RetryParked.
  absl::StatusOr<int> Retry(int64_t position);

  // The kind of its jobs, and the work of one of them.
  const std::string& job_kind() const { return job_kind_; }
  absl::StatusOr<jobs::Effect> Run(const jobs::Job& job);

 private:
  // What became of trying a parked event and those behind it.
  struct Retried {
    int handled = 0;
    absl::Status failure;  // of the last one tried
    bool refused = false;  // by its handler
  };

  Retried RetryFrom(int64_t position, const jobs::Job* job);
  absl::StatusOr<std::optional<int64_t>> RetryOne(int64_t position, bool from_job, bool& refused);
  absl::Status ScheduleRetry(db::Transaction& tx, int64_t position, std::string_view tenant, absl::Time due);

  const std::string source_;
  const std::string job_kind_;
  db::Database& database_;
  base::Clock& clock_;
  jobs::Queue& jobs_;
  const Handlers handlers_;
};

}  // namespace section55::events
