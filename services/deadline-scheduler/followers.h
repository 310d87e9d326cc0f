// What deadline-scheduler does when another service's event arrives.
//
// The two feeds are independent: a publication may be heard of before the report that it answers.
#pragma once

#include "libs/events/handlers.h"
#include "services/deadline-scheduler/changes.h"

namespace section55::deadlines {

// inspection-registry: remembers each body's force and each report's facts; a published report opens the statutory deadline of every
// body that owes a response. `changes` lives longer.
events::Handlers RegistryHandlers(const Changes& changes);

// publication: a response that was published meets its deadline, by the instant at which its first edition was published.
events::Handlers PublicationHandlers(const Changes& changes);

}  // namespace section55::deadlines
