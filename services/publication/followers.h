// What publication does when another service's event arrives.
#pragma once

#include "libs/base/clock.h"
#include "libs/events/handlers.h"
#include "libs/jobs/queue.h"

namespace section55::publication {

// response-authoring: what was approved is kept and scheduled to be published. An edition that is here already, or public, or an earlier
// one, changes nothing; one that was refused counts again when it was approved again. Both arguments live as long as the handlers.
events::Handlers AuthoringHandlers(jobs::Queue& queue, base::Clock& clock);

// inspection-registry: what comes in the place of what, so that people's grants follow.
events::Handlers RegistryHandlers();

}  // namespace section55::publication
