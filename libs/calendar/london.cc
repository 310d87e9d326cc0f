#include "libs/calendar/london.h"

#include <cstdio>
#include <cstdlib>

namespace section55::calendar {
namespace {

constexpr char kMissing[] = "The time zone Europe/London could not be loaded: install the package tzdata.";

struct Zone {
  absl::TimeZone zone;
  bool loaded;
};

const Zone& London() {
  static const Zone london = [] {
    absl::TimeZone zone;
    const bool loaded = absl::LoadTimeZone("Europe/London", &zone);
    return Zone{zone, loaded};
  }();
  return london;
}

}  // namespace

absl::Status CheckTimeZone() { return London().loaded ? absl::OkStatus() : absl::FailedPreconditionError(kMissing); }

absl::TimeZone LondonTimeZone() {
  if (!London().loaded) {
    std::fprintf(stderr, "%s\n", kMissing);
    std::abort();
  }
  return London().zone;
}

absl::CivilDay LondonDay(absl::Time instant) { return absl::ToCivilDay(instant, LondonTimeZone()); }

absl::Time StartOfLondonDay(absl::CivilDay day) { return absl::FromCivil(day, LondonTimeZone()); }

absl::Time MissedFrom(absl::CivilDay due_date) { return StartOfLondonDay(due_date + 1); }

}  // namespace section55::calendar
