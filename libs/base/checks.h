// Checks of single fields of a request. Pure functions; texts are valid UTF-8, as protobuf guarantees for string fields.
#pragma once

#include <cstddef>
#include <string_view>

#include "libs/base/status.h"

namespace section55::base {

// Whether it holds nothing but white space.
bool IsBlank(std::string_view text);

enum class Presence { kRequired, kOptional };

// A text has at most `max_characters` characters (Unicode code points), no control character except line feed, carriage return and tab,
// and, when it is required, something besides white space.
void CheckText(std::string_view field, std::string_view text, size_t max_characters, Presence presence,
               Violations& violations);

// An enum value of a protobuf message that is set and known to this version. `Kind_IsValid` is the generated check.
void CheckEnum(std::string_view field, int value, bool (*is_valid)(int), Presence presence, Violations& violations);

// "forces/norfolk" for the pattern "forces/{force}". Whether it exists is asked elsewhere.
void CheckResourceName(std::string_view field, std::string_view name, std::string_view pattern, Violations& violations);

// The last part of a new resource's name.
void CheckResourceId(std::string_view field, std::string_view id, Violations& violations);

}  // namespace section55::base
