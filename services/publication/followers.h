// What publication does when another service's event arrives.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/events/event_log.h"
#include "section55/common/v1/event_feed.pb.h"

namespace section55::publication {

// response-authoring: what was approved is published, all in this one transaction: the record, its renditions, the
// copies owed and the event. An edition that is public already, or an earlier one, changes nothing. `public_url` as in
// render.h.
absl::Status OnAuthoringEvent(db::Transaction& tx, const common::v1::Event& event, events::EventLog& log,
                              const base::Clock& clock, std::string_view public_url);

}  // namespace section55::publication
