// What response-authoring does when a report is published, corrected or withdrawn.
#pragma once

#include "absl/status/status.h"
#include "libs/db/database.h"
#include "section55/registry/v1/events.pb.h"
#include "services/response-authoring/changes.h"

namespace section55::authoring {

// Opens the responses that are owed. Nothing for those that are open already.
absl::Status OnInspectionPublished(db::Transaction& tx, const Cause& cause,
                                   const registry::v1::InspectionPublished& published, const Changes& changes);

// Brings every response that is not published up to date, opens those that are owed now, and closes those that are no longer.
absl::Status OnInspectionCorrected(db::Transaction& tx, const Cause& cause,
                                   const registry::v1::InspectionCorrected& corrected, const Changes& changes);

// Closes every response that is not published.
absl::Status OnInspectionWithdrawn(db::Transaction& tx, const Cause& cause,
                                   const registry::v1::InspectionWithdrawn& withdrawn, const Changes& changes);

// Publication refused what was approved: takes up what came in the meantime. `stored` is IN_REVIEW again and not saved yet; the events
// to tell are added.
absl::Status TakeUpWaiting(db::Transaction& tx, store::StoredResponse& stored,
                           std::vector<std::unique_ptr<google::protobuf::Message>>& events);

}  // namespace section55::authoring
