// What counts as a web address in a record.
#pragma once

#include <string_view>

namespace section55::registry::rules {

// An absolute web address, as far as a record needs to know: the scheme, some host, and nothing that would end a link early.
bool IsWebAddress(std::string_view url);

}  // namespace section55::registry::rules
