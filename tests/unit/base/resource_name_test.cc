#include "libs/base/resource_name.h"

#include <gtest/gtest.h>

namespace section55::base {
namespace {

using Parts = std::vector<std::string>;

TEST(ResourceNameTest, GivesTheVariableParts) {
  EXPECT_EQ(ParseName("bodies/a/responses/b", "bodies/{body}/responses/{inspection}"), Parts({"a", "b"}));
  EXPECT_EQ(ParseName("settings", "settings"), Parts());
}

TEST(ResourceNameTest, MakesNames) {
  EXPECT_EQ(MakeName(kForceName, {"norfolk"}), "forces/norfolk");
  EXPECT_EQ(MakeName(kDeadlineName, {"a", "b"}), "bodies/a/deadlines/b");
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

TEST(ResourceNameTest, AFieldThatHoldsNoSuchNameIsAViolation) {
  Violations violations;
  EXPECT_EQ(IdsIn("name", "bodies/a/responses/b", "bodies/{body}/responses/{inspection}", violations),
            Parts({"a", "b"}));
  EXPECT_EQ(IdIn("name", "forces/norfolk", "forces/{force}", violations), "norfolk");
  EXPECT_TRUE(violations.empty());
  EXPECT_EQ(IdsIn("response.name", "bodies/a", "bodies/{body}/responses/{inspection}", violations), Parts({"", ""}));
  EXPECT_EQ(IdIn("parent", "norfolk", "forces/{force}", violations), "");
  const auto bad_request = BadRequestOf(violations.ToStatus());
  ASSERT_EQ(bad_request.field_violations_size(), 2);
  EXPECT_EQ(bad_request.field_violations(0).field(), "response.name");
  EXPECT_EQ(bad_request.field_violations(1).description(), "must have the form forces/{force}");
}

}  // namespace
}  // namespace section55::base
