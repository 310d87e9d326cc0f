// Resource names (AIP-122): "bodies/norfolk-pcc/responses/safe-to-share". Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace section55::base {

// The variable parts of `name` if it has the form of `pattern` ("bodies/{body}/responses/{inspection}") and each of them is a
// resource id; nothing otherwise. With `wildcard`, a part may also be "-" (AIP-159: across all parents).
std::optional<std::vector<std::string>> ParseName(std::string_view name, std::string_view pattern,
                                                  bool wildcard = false);

}  // namespace section55::base
