// What response-authoring does when a body or force changes, or another comes in its place. What was decided ahead of its day is done on
// that day, by jobs.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "libs/db/database.h"
#include "libs/jobs/queue.h"
#include "section55/registry/v1/events.pb.h"
#include "services/response-authoring/changes.h"

namespace section55::authoring {

// Remembers which force the body holds to account, and puts right what open responses say of body and force.
absl::Status OnBodyRegistered(db::Transaction& tx, const registry::v1::BodyRegistered& registered);
absl::Status OnBodyChanged(db::Transaction& tx, const Cause& cause, const registry::v1::BodyChanged& changed,
                           const Changes& changes);
absl::Status OnForceChanged(db::Transaction& tx, const Cause& cause, const registry::v1::ForceChanged& changed,
                            const Changes& changes);

// Remembers it, and puts on the timer what is to be done on the day.
absl::Status OnBodySucceeded(db::Transaction& tx, const registry::v1::BodySucceeded& succeeded, const Changes& changes);
absl::Status OnForceSucceeded(db::Transaction& tx, const registry::v1::ForceSucceeded& succeeded,
                              const Changes& changes);

// To be called when a response of `body` has become open: should another body come, or have come, in its place, it goes along.
absl::Status AwaitSuccession(db::Transaction& tx, std::string_view body, jobs::Queue& jobs);

// Before the queue is started: who does it on the day. `changes` lives longer than the queue runs.
void RegisterSuccessionJobs(jobs::Queue& queue, const Changes& changes);

}  // namespace section55::authoring
