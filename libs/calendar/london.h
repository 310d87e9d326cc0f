// The London clock: which civil day an instant falls on, and when a civil day starts. Publication dates and due dates
// are Europe/London dates, so 23:30 UTC in June belongs to the next day.
//
// The zone is loaded once, on first use; every function is safe to call from several threads. Without a time zone
// database there is no right answer, and a silent fall back to UTC would be a wrong one: the functions then abort with
// the sentence of CheckTimeZone. A main calls CheckTimeZone first, to end with a clean error instead.
#pragma once

#include "absl/status/status.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace section55::calendar {

// OK when Europe/London could be loaded, else FAILED_PRECONDITION with one sentence that says what to install.
absl::Status CheckTimeZone();

// Europe/London. Aborts if it could not be loaded.
absl::TimeZone LondonTimeZone();

// The civil day in London at `instant`, which must be finite.
absl::CivilDay LondonDay(absl::Time instant);

// The instant of 00:00 London time on `day`: 00:00 UTC in winter, 23:00 UTC of the day before in summer. The clocks
// never change at midnight in London, so the instant exists and is unique.
absl::Time StartOfLondonDay(absl::CivilDay day);

// The first instant at which something due on `due_date` has been missed: 00:00 London time on the day after.
absl::Time MissedFrom(absl::CivilDay due_date);

}  // namespace section55::calendar
