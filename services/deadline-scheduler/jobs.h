// The timer: a deadline that is still PENDING when its day has passed becomes MISSED, and what is open is handed over on the day on which
// another body comes in the place of its own.
#pragma once

#include "libs/jobs/queue.h"
#include "services/deadline-scheduler/changes.h"

namespace section55::deadlines {

// Before the queue is started: who does the jobs of this service. Each deadline is a job of its own, so one whose row is damaged is parked
// by itself and holds up no other. `changes` lives longer than the queue runs.
void RegisterJobs(jobs::Queue& queue, const Changes& changes);

}  // namespace section55::deadlines
