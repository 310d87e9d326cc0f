// What response-authoring does by itself when a day has passed.
#pragma once

#include <optional>

#include "libs/base/clock.h"
#include "libs/events/event_log.h"
#include "libs/jobs/queue.h"
#include "section55/authoring/v1/response.pb.h"

namespace section55::authoring {

// Tells the queue how silence is recorded once the day set for the chief officer's comments has passed. Before the queue is started.
void RegisterJobs(jobs::Queue& queue, events::EventLog& log, const base::Clock& clock);

// The job that records the silence, to be scheduled with the change that made `response` of `before`; nothing when the response does not
// wait for its chief officer, or did so before until the same day.
std::optional<jobs::Job> SilenceJob(const v1::Response& before, const v1::Response& response);

}  // namespace section55::authoring
