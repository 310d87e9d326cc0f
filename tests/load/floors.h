// The floors for durable writes: what the database does without a service in front of it.
#pragma once

#include "absl/time/time.h"
#include "libs/db/database.h"

namespace section55::load {

// Durable single-row writes per second with `callers` threads, each replacing a row of its own by `bytes` bytes.
// The table is made when it is not there.
double RawWritesPerSecond(db::Database& database, int callers, size_t bytes, absl::Duration duration);

}  // namespace section55::load
