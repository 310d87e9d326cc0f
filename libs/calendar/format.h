// Dates and instants in words and in ISO 8601, always in English and never by the machine's locale.
// Every function is pure and safe to call from several threads.
#pragma once

#include <string>
#include <string_view>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace section55::calendar {

// "17 December 2020": the GOV.UK style, no ordinal, no comma.
std::string FormatDate(absl::CivilDay day);

// "Thursday 17 December 2020".
std::string FormatDateWithWeekday(absl::CivilDay day);

// "2020-12-17". Years 1 to 9999 have exactly four digits.
std::string IsoDate(absl::CivilDay day);

// "9 February 2021 at 10:15:30 GMT": London clock time, 24 hours, cut (not rounded) to whole seconds, with GMT or BST
// so that the hour that occurs twice each October is told apart. `instant` must be finite. Aborts if the time zone
// database is missing: see CheckTimeZone in london.h.
std::string FormatLondonInstant(absl::Time instant);

}  // namespace section55::calendar
