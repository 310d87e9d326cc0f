// Between protobuf's dates and instants and ours. Pure functions.
#pragma once

#include <optional>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/type/date.pb.h"

namespace section55::base {

// The day, if `date` is a full and real one in the years 1 to 9999 (not 29 February 2021, not a month alone).
std::optional<absl::CivilDay> ToCivilDay(const google::type::Date& date);
// Whether `date` is a month of a year: year and month without a day.
bool IsMonth(const google::type::Date& date);

google::type::Date ToProtoDate(absl::CivilDay day);

// Whole microseconds, as they are stored.
google::protobuf::Timestamp ToTimestamp(absl::Time time);
absl::Time FromTimestamp(const google::protobuf::Timestamp& timestamp);

}  // namespace section55::base
