// What response-authoring does when another service's event arrives.
#pragma once

#include "libs/events/handlers.h"
#include "services/response-authoring/changes.h"

namespace section55::authoring {

// inspection-registry: remembers bodies and their forces, and what comes in whose place; a published report opens a response for every body
// that owes one, a correction brings them up to date. `changes` lives longer than the handlers.
events::Handlers RegistryHandlers(const Changes& changes);

// publication: what was published is PUBLISHED here; what could not be published goes back to its approver.
events::Handlers PublicationHandlers(const Changes& changes);

}  // namespace section55::authoring
