#include "libs/base/unicode.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace section55::base {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Ascending, so that a character is found by halving. White_Space, Cc, Cf without the visible signs of Arabic, Syriac, Kaithi and
// Egyptian, Default_Ignorable_Code_Point, the combining marks of the blocks for all scripts, U+2800, U+FFFC and the non-characters.
constexpr Range kInvisible[] = {
    {0x0000, 0x0020}, {0x007F, 0x00A0},   {0x00AD, 0x00AD},   {0x0300, 0x036F},   {0x061C, 0x061C},   {0x115F, 0x1160},
    {0x1680, 0x1680}, {0x17B4, 0x17B5},   {0x180B, 0x180F},   {0x1AB0, 0x1AFF},   {0x1DC0, 0x1DFF},   {0x2000, 0x200F},
    {0x2028, 0x202F}, {0x205F, 0x206F},   {0x20D0, 0x20FF},   {0x2800, 0x2800},   {0x3000, 0x3000},   {0x3164, 0x3164},
    {0xFDD0, 0xFDEF}, {0xFE00, 0xFE0F},   {0xFE20, 0xFE2F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFC},
    {0xFFFE, 0xFFFF}, {0x1BCA0, 0x1BCA3}, {0x1D159, 0x1D159}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
};

// General category Cf.
constexpr Range kFormat[] = {
    {0x00AD, 0x00AD},   {0x0600, 0x0605},   {0x061C, 0x061C},   {0x06DD, 0x06DD},   {0x070F, 0x070F},
    {0x0890, 0x0891},   {0x08E2, 0x08E2},   {0x180E, 0x180E},   {0x200B, 0x200F},   {0x202A, 0x202E},
    {0x2060, 0x2064},   {0x2066, 0x206F},   {0xFEFF, 0xFEFF},   {0xFFF9, 0xFFFB},   {0x110BD, 0x110BD},
    {0x110CD, 0x110CD}, {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0001, 0xE0001},
    {0xE0020, 0xE007F},
};

template <std::size_t size>
bool IsIn(const Range (&ranges)[size], char32_t character) {
  const Range* after = std::upper_bound(std::begin(ranges), std::end(ranges), character,
                                        [](char32_t c, const Range& range) { return c < range.first; });
  return after != std::begin(ranges) && character <= std::prev(after)->last;
}

}  // namespace

char32_t TakeCharacter(std::string_view& text) {
  constexpr char32_t kReplacement = 0xFFFD;
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte_at(0);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xC2 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  char32_t character = length == 1 ? lead : lead & (0x7F >> length);
  bool valid = length > 0 && length <= text.size();
  for (std::size_t i = 1; valid && i < length; ++i) {
    valid = (byte_at(i) & 0xC0) == 0x80;
    character = character << 6 | (byte_at(i) & 0x3F);
  }
  // Longer than need be, half of a pair of UTF-16, or past the end of Unicode.
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  valid = valid && character >= kLeast[length] && character <= 0x10FFFF && (character < 0xD800 || character > 0xDFFF);
  text.remove_prefix(valid ? length : 1);
  return valid ? character : kReplacement;
}

bool IsVisible(char32_t character) { return !IsIn(kInvisible, character); }

bool HasVisible(std::string_view text) {
  while (!text.empty()) {
    if (IsVisible(TakeCharacter(text))) {
      return true;
    }
  }
  return false;
}

bool IsControl(char32_t character) {
  return character < 0x20 || (character >= 0x7F && character < 0xA0) || character == 0x2028 || character == 0x2029;
}

bool IsFormat(char32_t character) { return IsIn(kFormat, character); }

}  // namespace section55::base
