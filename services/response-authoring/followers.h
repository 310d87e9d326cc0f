// What response-authoring does when another service's event arrives.
#pragma once

#include "libs/base/clock.h"
#include "libs/events/event_log.h"
#include "libs/events/handlers.h"

namespace section55::authoring {

// inspection-registry: remembers each body's force; a published report opens a response for every body that owes one. What is given lives
// longer than the handlers.
events::Handlers RegistryHandlers(events::EventLog& log, const base::Clock& clock);

// publication: what was published is PUBLISHED here; what could not be published goes back to its approver.
events::Handlers PublicationHandlers(events::EventLog& log, const base::Clock& clock);

}  // namespace section55::authoring
