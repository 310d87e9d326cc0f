// What response-authoring does by itself when a day has passed.
#pragma once

#include "libs/base/clock.h"
#include "libs/events/event_log.h"
#include "libs/jobs/queue.h"
#include "section55/authoring/v1/response.pb.h"

namespace section55::authoring {

// Tells the queue how silence is recorded once the day set for the chief officer's comments has passed. Before the queue is started.
void RegisterJobs(jobs::Queue& queue, events::EventLog& log, const base::Clock& clock);

// Schedules or cancels the job that records the silence, together with the change that made `response` of `before`; nullptr when the
// response waits for its chief officer until the same day as before, or waits no more than before.
jobs::Effect AdjustSilenceJob(jobs::Queue& queue, const v1::Response& before, const v1::Response& response);

}  // namespace section55::authoring
