#include "services/deadline-scheduler/jobs.h"

#include <string>

#include "libs/base/status.h"

namespace section55::deadlines {

namespace {

// Trying again mends no damage: somebody has to look at it.
bool IsFinal(const absl::Status& error) {
  return absl::IsDataLoss(error) || absl::IsNotFound(error) || absl::IsInvalidArgument(error);
}

using Step = absl::Status (Changes::*)(db::Transaction&, const std::string&) const;

jobs::Worker Succeeding(const Changes& changes, Step step) {
  return {.run = [&changes, step](const jobs::Job& job) -> absl::StatusOr<jobs::Effect> {
            return [&changes, step, name = job.key](db::Transaction& tx) { return (changes.*step)(tx, name); };
          },
          .is_final = IsFinal};
}

}  // namespace

void RegisterJobs(jobs::Queue& queue, const Changes& changes) {
  queue.Handle(std::string(kSucceedBody), Succeeding(changes, &Changes::SucceedBody));
  queue.Handle(std::string(kSucceedForce), Succeeding(changes, &Changes::SucceedForce));
  queue.Handle(std::string(kMissedDeadline),
               {.run = [&changes](const jobs::Job& job) -> absl::StatusOr<jobs::Effect> {
                  ASSIGN_OR_RETURN(rules::DeadlineId id, rules::ParseDeadlineName(job.key));
                  return [&changes, id = std::move(id)](db::Transaction& tx) { return changes.Miss(tx, id); };
                },
                .is_final = IsFinal});
}

}  // namespace section55::deadlines
