#include "libs/base/checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/base/ids.h"
#include "libs/base/resource_name.h"

namespace section55::base {
namespace {

// Protobuf lets only valid UTF-8 in, so every byte that does not continue a character starts one.
size_t CountCharacters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

bool HasControlCharacter(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t') || byte == 0x7f) {
      return true;
    }
    // U+0080 to U+009F are control characters as well; in UTF-8 they are C2 80 to C2 9F.
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool IsBlank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

void CheckText(std::string_view field, std::string_view text, size_t max_characters, Presence presence,
               Violations& violations) {
  if (presence == Presence::kRequired && IsBlank(text)) {
    violations.Add(field, "is required");
    return;
  }
  if (const size_t characters = CountCharacters(text); characters > max_characters) {
    violations.Add(field, fmt::format("has {} characters; at most {} are allowed", characters, max_characters));
  }
  if (HasControlCharacter(text)) {
    violations.Add(field, "has a control character; only line ends and tab are allowed");
  }
}

void CheckEnum(std::string_view field, int value, bool (*is_valid)(int), Presence presence, Violations& violations) {
  if (value == 0) {
    if (presence == Presence::kRequired) {
      violations.Add(field, "is required");
    }
  } else if (!is_valid(value)) {
    violations.Add(field, fmt::format("{} is not a known value", value));
  }
}

void CheckResourceName(std::string_view field, std::string_view name, std::string_view pattern,
                       Violations& violations) {
  if (name.empty()) {
    violations.Add(field, fmt::format("is required: {}", pattern));
  } else if (!ParseName(name, pattern)) {
    violations.Add(field, fmt::format("must be {}", pattern));
  }
}

void CheckResourceId(std::string_view field, std::string_view id, Violations& violations) {
  if (!IsResourceId(id)) {
    violations.Add(field,
                   "must be 1 to 63 lower-case letters, digits and hyphens, with no hyphen at the beginning or end");
  }
}

}  // namespace section55::base
