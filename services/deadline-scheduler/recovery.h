// What deadline-scheduler gives back to a service that was restored from a backup (libs/events/recovery.h). Nobody follows it, so it
// takes nothing in: after a restore it hears everything again from those it follows.
#pragma once

#include <vector>

#include "libs/events/recovery.h"

namespace section55::deadlines {

// Of inspection-registry: the facts of every report, so that one which nobody else remembers is missed.
std::vector<events::Holding> HeldOfRegistry();

// Of publication: when each response was first published.
std::vector<events::Holding> HeldOfPublication();

}  // namespace section55::deadlines
