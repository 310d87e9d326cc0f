// The filters of list methods: a small part of AIP-160. `state = "OPEN" AND inspection = "inspections/safe-to-share"`.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "libs/base/status.h"

namespace section55::base {

// The value asked for of each field. A field that is not among `fields`, one named twice, or anything but `FIELD = "VALUE"` joined by
// AND is a violation on `filter` that says what can be asked. Quotes may be left out around [A-Za-z0-9_/-]+.
std::map<std::string, std::string> ParseFilter(std::string_view filter, std::initializer_list<std::string_view> fields,
                                               Violations& violations);

}  // namespace section55::base
