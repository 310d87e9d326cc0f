#include "libs/http/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace section55::http {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(ReadTargetTest, DecodesPathAndParametersOnce) {
  Request request;
  ASSERT_TRUE(ReadTarget("/a%20b/%25%34%31/+?c=d%26e&f+g=h+i&j&&=k", request));
  EXPECT_EQ(request.path, "/a b/%41/+");
  EXPECT_THAT(request.parameters, ElementsAre(Pair("c", "d&e"), Pair("f g", "h i"), Pair("j", ""), Pair("", "k")));
}

TEST(ReadTargetTest, TakesTheAbsoluteForm) {
  for (const auto& [target, path] : {std::pair("http://x", "/"), {"http://x/", "/"}, {"https://x:1/a/b", "/a/b"}}) {
    Request request;
    ASSERT_TRUE(ReadTarget(target, request)) << target;
    EXPECT_EQ(request.path, path);
  }
}

TEST(ReadTargetTest, RefusesWhatCanBeReadInTwoWays) {
  for (const std::string_view target :
       {"",      "*",     "a",       "?a=b", "http:/x",   "ftp://x/",  "/a b",   "/\xc3\xa9", "/a\tb",   "/%",    "/%4",
        "/%zz",  "/%4x",  "/a%",     "/%00", "/a%0d%0ab", "/%7f",      "/a%2fb", "/a%2Fb",    "/a%5cb",  "/a\\b", "/..",
        "/../a", "/a/..", "/a/../b", "/.",   "/./a",      "/%2e%2e/a", "/%2E/a", "/a?b=%",    "/a?%zz=b"}) {
    Request request;
    EXPECT_FALSE(ReadTarget(target, request)) << target;
  }
}

TEST(ReadTargetTest, LeavesOtherOddPathsToTheHandler) {
  for (const std::string_view target : {"//", "/a//b", "/...", "/.a", "/a.b/", "/%c3%a9", "/%ff", "/a?b=..&c=%2f"}) {
    Request request;
    EXPECT_TRUE(ReadTarget(target, request)) << target;
  }
}

}  // namespace
}  // namespace section55::http
