#include "libs/events/parking.h"

#include <utility>
#include <vector>

#include "libs/base/error_text.h"
#include "libs/base/status.h"
#include "libs/events/follower_store.h"
#include "libs/events/parked.h"

namespace section55::events {

bool IsPassing(const absl::Status& error) {
  switch (error.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
      return true;
    default:
      return false;
  }
}

Parking::Parking(std::string source, db::Database& database, base::Clock& clock, jobs::Queue& jobs, Handlers handlers)
    : source_(std::move(source)),
      job_kind_("parked-event-" + source_),
      database_(database),
      clock_(clock),
      jobs_(jobs),
      handlers_(std::move(handlers)) {}

absl::Status Parking::Apply(db::Transaction& tx, absl::Span<const Event* const> events) {
  ASSIGN_OR_RETURN(const auto parked, ParkedSubjects(tx, source_));
  for (const Event* const event : events) {
    if (parked.contains(event->subject())) {
      RETURN_IF_ERROR(Park(tx, source_, *event, "Waits behind an earlier event of the same subject.", 0, clock_.Now(),
                           std::nullopt));
    } else {
      RETURN_IF_ERROR(handlers_.Apply(tx, *event));
    }
  }
  return absl::OkStatus();
}

absl::Status Parking::PutAside(db::Transaction& tx, const Event& event, std::string_view error) {
  const absl::Time now = clock_.Now();
  const absl::Time next_try = now + jobs::Queue::PauseAfter(0);
  RETURN_IF_ERROR(Park(tx, source_, event, error, 1, now, next_try));
  return ScheduleRetry(tx, event.position(), event.tenant(), next_try);
}

absl::StatusOr<int64_t> Parking::ForgetAfter(db::Transaction& tx, int64_t position) {
  ASSIGN_OR_RETURN(const std::vector<int64_t> beyond, ParkedAfter(tx, source_, position));
  for (const int64_t parked : beyond) {
    RETURN_IF_ERROR(Unpark(tx, source_, parked));
    RETURN_IF_ERROR(jobs_.Cancel(tx, job_kind_, ParkedName(source_, parked)));
  }
  return static_cast<int64_t>(beyond.size());
}

absl::Status Parking::ScheduleRetry(db::Transaction& tx, int64_t position, std::string_view tenant, absl::Time due) {
  return jobs_.Schedule(
      tx, {.kind = job_kind_, .key = ParkedName(source_, position), .tenant = std::string(tenant), .due = due});
}

// Handles one parked event and returns the next of its subject, for which it leaves a job: whoever handles the first
// need not live to handle the next. `refused`: the failure is this event's own.
absl::StatusOr<std::optional<int64_t>> Parking::RetryOne(int64_t position, bool from_job, bool& refused) {
  std::optional<int64_t> next;
  RETURN_IF_ERROR(database_.Write([&](db::Transaction& tx) -> absl::Status {
    next.reset();
    refused = false;
    RETURN_IF_ERROR(TouchCursor(tx, source_));
    const absl::StatusOr<std::optional<Event>> found = FindParked(tx, source_, position);
    refused = absl::IsDataLoss(found.status());
    RETURN_IF_ERROR(found.status());
    if (!*found) {
      return base::NotFound(ParkedName(source_, position));
    }
    const Event& event = **found;
    ASSIGN_OR_RETURN(const std::optional<ParkedEvent> first, FirstParked(tx, source_, event.subject()));
    if (!first || first->position != position) {
      const std::string earlier = ParkedName(source_, first ? first->position : 0);
      return base::Error(absl::StatusCode::kFailedPrecondition, "EARLIER_EVENT_PARKED",
                         "An earlier event of the same subject has to come first: " + earlier + ".",
                         {{"earlier", earlier}});
    }
    const absl::Status applied = handlers_.Apply(tx, event);
    refused = !applied.ok();
    RETURN_IF_ERROR(applied);
    RETURN_IF_ERROR(Unpark(tx, source_, position));
    if (!from_job) {
      RETURN_IF_ERROR(jobs_.Cancel(tx, job_kind_, ParkedName(source_, position)));
    }
    ASSIGN_OR_RETURN(const std::optional<ParkedEvent> behind, FirstParked(tx, source_, event.subject()));
    if (behind) {
      next = behind->position;
      const absl::Time due = clock_.Now() + jobs::Queue::PauseAfter(0);
      RETURN_IF_ERROR(SetNextTry(tx, source_, *next, due));
      RETURN_IF_ERROR(ScheduleRetry(tx, *next, behind->tenant, due));
    }
    return absl::OkStatus();
  }));
  return next;
}

Parking::Retried Parking::RetryFrom(int64_t position, const jobs::Job* job) {
  Retried retried;
  std::optional<int64_t> next = position;
  while (next) {
    const bool from_job = job != nullptr && *next == position;
    absl::StatusOr<std::optional<int64_t>> tried = RetryOne(*next, from_job, retried.refused);
    retried.failure = tried.status();
    if (tried.ok()) {
      ++retried.handled;
      next = *tried;
      continue;
    }
    if (retried.refused && !IsPassing(retried.failure)) {
      std::optional<absl::Time> next_try;
      if (from_job) {
        next_try = clock_.Now() + jobs::Queue::PauseAfter(job->attempts);
      }
      const std::string text = base::ErrorText(retried.failure);
      const absl::Status counted =
          database_.Write([&](db::Transaction& tx) { return CountFailure(tx, source_, *next, text, next_try); });
      if (!counted.ok()) {
        retried.failure = counted;
      }
    }
    break;
  }
  return retried;
}

absl::StatusOr<jobs::Effect> Parking::Run(const jobs::Job& job) {
  const std::optional<ParkedKey> key = ParseParkedName(job.key);
  if (!key) {
    return absl::InvalidArgumentError("the job's key names no parked event");
  }
  const Retried retried = RetryFrom(key->position, &job);
  // Handled by somebody else meanwhile, or its turn comes with an earlier one's job.
  const bool nothing_left =
      absl::IsNotFound(retried.failure) || base::ErrorInfoOf(retried.failure).reason() == "EARLIER_EVENT_PARKED";
  if (retried.handled == 0 && !retried.failure.ok() && (retried.refused || !nothing_left)) {
    return retried.failure;
  }
  return jobs::Effect();
}

absl::StatusOr<int> Parking::Retry(int64_t position) {
  const Retried retried = RetryFrom(position, nullptr);
  // Those before it were handled all the same; the last one says for itself why it was not.
  if (retried.handled > 0 || retried.failure.ok()) {
    return retried.handled;
  }
  if (retried.refused && !IsPassing(retried.failure)) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "STILL_FAILING",
                       "The event failed again and stays parked: " + base::ErrorText(retried.failure));
  }
  return retried.failure;
}

}  // namespace section55::events
