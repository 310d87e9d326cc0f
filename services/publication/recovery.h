// What publication gives back to response-authoring after that was restored from a backup, and what it takes in after it was restored
// itself (libs/events/recovery.h).
#pragma once

#include <vector>

#include "libs/base/clock.h"
#include "libs/events/handlers.h"
#include "libs/events/recovery.h"

namespace section55::publication {

// Of response-authoring: everything that was approved and not refused, edition by edition, with its text.
std::vector<events::Holding> HeldOfAuthoring();

// Its own events as the services that follow it give them back: the instants of publications whose records were lost. The text comes
// from response-authoring, whose feed is followed again from where the backup stood; it is then published with that instant and not dated
// anew. The clock lives longer.
events::Handlers TakeIn(const base::Clock& clock);

}  // namespace section55::publication
