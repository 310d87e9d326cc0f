// What the registry takes in again after its database was restored from a backup (libs/events/recovery.h).
#pragma once

#include "libs/base/clock.h"
#include "libs/events/event_log.h"
#include "libs/events/handlers.h"

namespace section55::registry {

// Its own events as the services that follow it give them back: bodies with their forces, and reports that were published, as they were.
// What is taken in is told again, so that everybody hears of it; followers recognise it. Both live longer.
events::Handlers TakeIn(events::EventLog& log, const base::Clock& clock);

}  // namespace section55::registry
