// What deadline-scheduler does when another service's event arrives.
//
// The two feeds are independent: a publication may be heard of before the report that it answers.
#pragma once

#include "absl/status/status.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/events/event_log.h"
#include "section55/common/v1/event_feed.pb.h"

namespace section55::deadlines {

// inspection-registry: remembers each body's force and each report's facts; a published report opens the statutory
// deadline of every body that owes a response, and wakes the worker.
absl::Status OnRegistryEvent(db::Transaction& tx, const common::v1::Event& event, events::EventLog& log,
                             base::Clock& clock);

// publication: a response that was published meets its deadline, by the instant at which it was published.
absl::Status OnPublicationEvent(db::Transaction& tx, const common::v1::Event& event, events::EventLog& log,
                                const base::Clock& clock);

}  // namespace section55::deadlines
