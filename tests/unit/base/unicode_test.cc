#include "libs/base/unicode.h"

#include <gtest/gtest.h>

#include <string>

namespace section55::base {
namespace {

TEST(TakeCharacter, ReadsUtf8) {
  std::string_view text = "aŵ’👮\U0010FFFF";
  for (const char32_t expected : {U'a', U'ŵ', U'’', U'👮', char32_t{0x10FFFF}}) {
    EXPECT_EQ(TakeCharacter(text), expected);
  }
  EXPECT_TRUE(text.empty());
}

TEST(TakeCharacter, ReadsWhatIsNotUtf8ByteByByte) {
  using namespace std::string_view_literals;
  for (const std::string_view invalid : {"\x80"sv, "\xFF"sv, "\xC3"sv, "\xC0\x80"sv, "\xE0\x80\x80"sv, "\xED\xA0\x80"sv,
                                         "\xF4\x90\x80\x80"sv, "\xF0\x9F\x91"sv,
                                         "\xC3("
                                         ""sv}) {
    std::string_view rest = invalid;
    EXPECT_EQ(TakeCharacter(rest), U'\uFFFD') << invalid;
    EXPECT_EQ(rest.size(), invalid.size() - 1) << invalid;
  }
}

TEST(IsVisible, AtTheEdgesOfRanges) {
  for (const char32_t seen : {0x21,   0x7E,   0xA1,   0xAC,   0xAE,   0x2FF,  0x370,   0x2010,  0x2027,  0x2030, 0x205E,
                              0x2070, 0x27FF, 0x2801, 0x3001, 0xFFFD, 0xFE10, 0x1F46E, 0xDFFFF, 0xE1000, 0x0600}) {
    EXPECT_TRUE(IsVisible(seen)) << std::hex << static_cast<uint32_t>(seen);
  }
  for (const char32_t unseen :
       {0x0,    0x20,   0x7F,   0xA0,   0xAD,   0x300,  0x34F,  0x36F,  0x61C,  0x115F,  0x1160,
        0x1680, 0x17B4, 0x17B5, 0x180B, 0x180F, 0x2000, 0x200F, 0x2028, 0x202F, 0x205F,  0x206F,
        0x2800, 0x3000, 0x3164, 0xFE00, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF9, 0xFFFB, 0xE0000, 0xE0FFF}) {
    EXPECT_FALSE(IsVisible(unseen)) << std::hex << static_cast<uint32_t>(unseen);
  }
}

}  // namespace
}  // namespace section55::base
