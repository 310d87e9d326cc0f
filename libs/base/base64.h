// base64url without padding (RFC 4648, section 5), as tokens use it. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace section55::base {

std::string Base64UrlEncode(std::string_view bytes);

// The bytes, or nothing unless `text` is exactly what Base64UrlEncode gives for them: no padding, no white space, no
// stray bits in the last character. Two texts never decode to the same bytes, so a text can stand for what it says.
std::optional<std::string> Base64UrlDecode(std::string_view text);

}  // namespace section55::base
