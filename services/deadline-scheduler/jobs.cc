#include "services/deadline-scheduler/jobs.h"

#include <string>

#include "libs/base/status.h"

namespace section55::deadlines {

void RegisterJobs(jobs::Queue& queue, const Changes& changes) {
  queue.Handle(std::string(kMissedDeadline),
               {.run = [&changes](const jobs::Job& job) -> absl::StatusOr<jobs::Effect> {
                  ASSIGN_OR_RETURN(rules::DeadlineId id, rules::ParseDeadlineName(job.key));
                  return [&changes, id = std::move(id)](db::Transaction& tx) { return changes.Miss(tx, id); };
                },
                // Trying again mends no damage: somebody has to look at it.
                .is_final =
                    [](const absl::Status& error) {
                      return absl::IsDataLoss(error) || absl::IsNotFound(error) || absl::IsInvalidArgument(error);
                    }});
}

}  // namespace section55::deadlines
