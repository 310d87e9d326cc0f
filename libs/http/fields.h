// The grammar of header fields (RFC 9110, section 5.6). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

namespace section55::http {

// Without spaces and tabs around it.
std::string_view Trim(std::string_view text);

// ASCII letters only.
std::string ToLower(std::string_view text);

// The elements between separators, trimmed, without empty ones. A separator inside double quotes separates nothing.
std::vector<std::string_view> SplitList(std::string_view text, char separator);

// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string FormatHttpDate(absl::Time time);

// The same, and the two older forms of it.
std::optional<absl::Time> ParseHttpDate(std::string_view text);

}  // namespace section55::http
