// What response-authoring gives back to a service that was restored from a backup, and what it takes in after it was restored itself
// (libs/events/recovery.h).
#pragma once

#include <vector>

#include "libs/base/clock.h"
#include "libs/events/event_log.h"
#include "libs/events/handlers.h"
#include "libs/events/recovery.h"

namespace section55::authoring {

// Of inspection-registry: every body with its force, and every report with those who owe a response.
std::vector<events::Holding> HeldOfRegistry();

// Of publication: every response that is published, with the instant of its edition.
std::vector<events::Holding> HeldOfPublication();

// Its own events as publication gives them back: a response whose approval was forgotten is APPROVED again with the text that was
// approved, and told again. That it was published it hears from publication's feed. Both live longer.
events::Handlers TakeIn(events::EventLog& log, const base::Clock& clock);

}  // namespace section55::authoring
