// The floors for durable writes: what the database does without a service in front of it.
#pragma once

#include "absl/time/time.h"
#include "libs/db/database.h"

namespace section55::load {

// What one raw transaction does. Reading first is what every update of a response has to do.
enum class RawWrite { kInsert, kUpdate, kReadAndUpdate };

// Durable single-row writes of `bytes` bytes per second with `callers` threads, each on rows of its own. The table is
// made when it is not there.
double RawWritesPerSecond(db::Database& database, RawWrite write, int callers, size_t bytes, absl::Duration duration);

}  // namespace section55::load
