#include "libs/base/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "libs/base/ids.h"
#include "libs/base/resource_name.h"
#include "libs/base/unicode.h"

namespace section55::base {
namespace {

// Protobuf lets only valid UTF-8 in, so every byte that does not continue a character starts one.
size_t CountCharacters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// Bytes that are, or in UTF-8 may begin, a control character that does not belong in a text: U+0080 to U+009F are C2 80 to C2 9F.
constexpr std::array<bool, 256> kMayBeControl = [] {
  std::array<bool, 256> bytes{};
  for (size_t byte = 0; byte < 0x20; ++byte) {
    bytes[byte] = byte != '\n' && byte != '\r' && byte != '\t';
  }
  bytes[0x7f] = bytes[0xc2] = true;
  return bytes;
}();

bool HasControlCharacter(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // A table, as this looks at every byte of every text that is saved.
    if (kMayBeControl[byte] &&
        (byte != 0xc2 || (i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0))) {
      return true;
    }
  }
  return false;
}

bool IsJoiner(char32_t character) { return character == 0x200C || character == 0x200D; }

// The first character that may not stand in a name; nullopt when all may.
std::optional<char32_t> FirstUnfitForName(std::string_view name) {
  bool within_word = false;
  while (!name.empty()) {
    const char32_t character = TakeCharacter(name);
    if (IsJoiner(character)) {
      std::string_view after = name;
      if (!within_word || after.empty() || !IsVisible(TakeCharacter(after))) {
        return character;
      }
    } else if (IsControl(character) || IsFormat(character)) {
      return character;
    }
    within_word = IsVisible(character);
  }
  return std::nullopt;
}

}  // namespace

bool CheckLength(std::string_view field, std::string_view text, size_t max_characters, Presence presence,
                 Violations& violations) {
  if (presence == Presence::kRequired && IsBlank(text)) {
    violations.Add(field, text.empty() ? "is required" : "is required: nothing in it can be seen");
    return false;
  }
  // There are no more characters than bytes.
  if (text.size() > max_characters) {
    if (const size_t characters = CountCharacters(text); characters > max_characters) {
      violations.Add(field, fmt::format("has {} characters; at most {} are allowed", characters, max_characters));
      return false;
    }
  }
  return true;
}

bool IsBlank(std::string_view text) { return !HasVisible(text); }

bool CheckText(std::string_view field, std::string_view text, size_t max_characters, Presence presence,
               Violations& violations) {
  if (!CheckLength(field, text, max_characters, presence, violations)) {
    return false;
  }
  if (HasControlCharacter(text)) {
    violations.Add(field, "has a control character; only line ends and tab are allowed");
    return false;
  }
  return true;
}

bool CheckName(std::string_view field, std::string_view name, size_t max_characters, Presence presence,
               Violations& violations) {
  if (!CheckLength(field, name, max_characters, presence, violations)) {
    return false;
  }
  if (const std::optional<char32_t> unfit = FirstUnfitForName(name)) {
    violations.Add(field, fmt::format("has the {} character U+{:04X}, which does not belong in a name",
                                      IsFormat(*unfit) ? "format" : "control", static_cast<uint32_t>(*unfit)));
    return false;
  }
  return true;
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
