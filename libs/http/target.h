// The target of a request line, taken apart. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "libs/http/message.h"

namespace section55::http {

// Fills `path` and `parameters` from "/a%20b?c=d" or "http://host/a%20b?c=d". False for what an honest client does not
// send and what readers of a path could understand in two ways: no leading slash, bytes that are not printable ASCII, an
// escape that is none or stands for a slash, a backslash or a control character, "." or ".." between slashes.
bool ReadTarget(std::string_view target, Request& request);

}  // namespace section55::http
