// What the registry takes in again after its database was restored from a backup (libs/events/recovery.h).
#pragma once

#include "libs/base/clock.h"
#include "libs/events/event_log.h"
#include "libs/events/handlers.h"

namespace section55::registry {

// Its own events as the services that follow it give them back: forces and bodies as they were last, what came in whose place, and reports
// that were published, corrected or withdrawn, revision by revision. What was changed here since is left alone, and noted where it
// contradicts. What is taken in is told again, so that everybody hears of it; followers recognise it. Both live longer.
events::Handlers TakeIn(events::EventLog& log, const base::Clock& clock);

}  // namespace section55::registry
