#include "libs/base/resource_name.h"

#include <gtest/gtest.h>

namespace section55::base {
namespace {

using Parts = std::vector<std::string>;

TEST(ResourceNameTest, GivesTheVariableParts) {
  EXPECT_EQ(ParseName("bodies/a/responses/b", "bodies/{body}/responses/{inspection}"), Parts({"a", "b"}));
  EXPECT_EQ(ParseName("settings", "settings"), Parts());
}

TEST(ResourceNameTest, RefusesEveryOtherForm) {
  for (const char* name : {"", "bodies", "bodies/", "bodies/a/", "bodies/a/b", "/bodies/a", "bodies//a", "body/a",
                           "bodies/A", "bodies/-", "bodies/a/responses/b"}) {
    EXPECT_FALSE(ParseName(name, "bodies/{body}")) << name;
  }
}

TEST(ResourceNameTest, AWildcardOnlyWhenAsked) {
  EXPECT_EQ(ParseName("bodies/-", "bodies/{body}", /*wildcard=*/true), Parts({"-"}));
  EXPECT_FALSE(ParseName("bodies/-", "bodies/{body}"));
}

}  // namespace
}  // namespace section55::base
