// Resource names (AIP-122): "bodies/norfolk-pcc/responses/safe-to-share". Pure functions.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/status.h"

namespace section55::base {

// The patterns of the suite's names.
inline constexpr std::string_view kForceName = "forces/{force}";
inline constexpr std::string_view kBodyName = "bodies/{body}";
inline constexpr std::string_view kInspectionName = "inspections/{inspection}";
inline constexpr std::string_view kResponseName = "bodies/{body}/responses/{inspection}";
inline constexpr std::string_view kDeadlineName = "bodies/{body}/deadlines/{deadline}";
inline constexpr std::string_view kPublicationName = "bodies/{body}/publications/{inspection}";

// The name of this pattern with these ids, one for each variable.
std::string MakeName(std::string_view pattern, std::initializer_list<std::string_view> ids);

// The variable parts of `name` if it has the form of `pattern` ("bodies/{body}/responses/{inspection}") and each of them is a
// resource id; nothing otherwise. With `wildcard`, a part may also be "-" (AIP-159: across all parents).
std::optional<std::vector<std::string>> ParseName(std::string_view name, std::string_view pattern,
                                                  bool wildcard = false);

// The same for a field that must hold such a name: another form is a violation on `field`, and then every part is empty.
std::vector<std::string> IdsIn(std::string_view field, std::string_view name, std::string_view pattern,
                               Violations& violations);
// Of a pattern with one variable: "norfolk" of "forces/norfolk".
std::string IdIn(std::string_view field, std::string_view name, std::string_view pattern, Violations& violations);

}  // namespace section55::base
