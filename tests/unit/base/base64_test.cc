#include "libs/base/base64.h"

#include <gtest/gtest.h>

namespace section55::base {
namespace {

TEST(Base64Test, WritesAndReadsEveryByte) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    EXPECT_EQ(Base64UrlDecode(Base64UrlEncode(bytes)), bytes);
    bytes += static_cast<char>(i);
  }
  EXPECT_EQ(Base64UrlEncode("\xfb\xff"), "-_8");
  EXPECT_EQ(Base64UrlEncode("f"), "Zg");
  EXPECT_EQ(Base64UrlEncode("fo"), "Zm8");
  EXPECT_EQ(Base64UrlEncode("foo"), "Zm9v");
}

TEST(Base64Test, OneTextForOneValue) {
  for (const char* text : {"Zg==", "Z", "Zh", "Zm9", "Zm9vZ", "Z g", "Zg\n", "+/8", "Zm=v", "é"}) {
    EXPECT_FALSE(Base64UrlDecode(text)) << text;
  }
}

}  // namespace
}  // namespace section55::base
