// What response-authoring does when another service's event arrives.
#pragma once

#include "absl/status/status.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/events/event_log.h"
#include "section55/common/v1/event_feed.pb.h"

namespace section55::authoring {

// inspection-registry: remembers each body's force; a published report opens a response for every body that owes one.
absl::Status OnRegistryEvent(db::Transaction& tx, const common::v1::Event& event, events::EventLog& log,
                             const base::Clock& clock);

// publication: what was published is PUBLISHED here.
absl::Status OnPublicationEvent(db::Transaction& tx, const common::v1::Event& event);

}  // namespace section55::authoring
