// Publishing, as a durable job: what was approved becomes readable, then it gets its instant.
//
//   1. outside of any transaction: read what was approved, make every rendition (or take what the check made)
//   2. a transaction: the renditions are stored, so everybody can read the page; it says that it is being published
//   3. the clock is read: an instant at which the page could be read already, however long the commit took
//   4. a transaction: the instant, the day and the renditions with both; the copies owed; the event; the end of the job
//
// After a crash anywhere the job runs again: what is stored is stored over, and 4 happens once. What cannot be rendered goes back to
// the office as ResponseRefused, with the reason.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/events/event_log.h"
#include "libs/jobs/queue.h"
#include "services/publication/renditions.h"
#include "services/publication/store.h"

namespace section55::publication {

// Has the queue do the job "publish" of this service. Everything given lives as long as the queue.
void RegisterJobs(jobs::Queue& queue, db::Database& database, base::Clock& clock, events::EventLog& log,
                  Renderer& renderer);

// Has an edition that SaveApproval keeps published now; `cause` is the id of the event that asked for it.
absl::Status SchedulePublication(db::Transaction& tx, jobs::Queue& queue, const store::Key& key, int64_t edition,
                                 std::string_view cause, absl::Time now);

}  // namespace section55::publication
