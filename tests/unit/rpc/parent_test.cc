// Which bodies a list shows.
#include "libs/rpc/parent.h"

#include <gmock/gmock.h>

#include "libs/testing/matchers.h"

namespace section55::rpc {
namespace {

using section55::testing::IsOk;
using section55::testing::StatusIs;
using section55::testing::ViolationOn;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Parent Read(std::string_view parent, const access::Scope& scope) {
  base::Violations violations;
  Parent read = ReadParent(parent, scope, violations);
  EXPECT_TRUE(violations.empty());
  return read;
}

TEST(ParentTest, OneBodyIsThatBodyWhoeverAsks) {
  access::Scope scope;
  scope.everything = true;
  const Parent parent = Read("bodies/norfolk-pcc", scope);
  EXPECT_FALSE(parent.everything);
  EXPECT_THAT(parent.bodies, ElementsAre("norfolk-pcc"));
  EXPECT_THAT(parent.forces, IsEmpty());
}

TEST(ParentTest, AcrossBodiesTheScopeSaysWhich) {
  access::Scope scope;
  EXPECT_THAT(Read("bodies/-", scope).bodies, IsEmpty());
  EXPECT_FALSE(Read("bodies/-", scope).everything);
  scope.bodies = {"bodies/suffolk-pcc", "bodies/essex-pfcc", "bodies/suffolk-pcc", "forces/kent", "*"};
  scope.forces = {"forces/norfolk", "forces/essex"};
  Parent parent = Read("bodies/-", scope);
  EXPECT_FALSE(parent.everything);
  EXPECT_THAT(parent.bodies, ElementsAre("essex-pfcc", "suffolk-pcc"));
  EXPECT_THAT(parent.forces, ElementsAre("essex", "norfolk"));
  // A force's body comes once, though it is granted by itself too.
  ASSERT_THAT(ResolveForces(parent,
                            [](const std::string& force) -> absl::StatusOr<std::vector<std::string>> {
                              return force == "essex" ? std::vector<std::string>{"essex-pfcc"}
                                                      : std::vector<std::string>{"norfolk-pcc"};
                            }),
              IsOk());
  EXPECT_THAT(parent.bodies, ElementsAre("essex-pfcc", "norfolk-pcc", "suffolk-pcc"));
  EXPECT_THAT(parent.forces, IsEmpty());
  scope.everything = true;
  EXPECT_TRUE(Read("bodies/-", scope).everything);
}

TEST(ParentTest, SaysWhatCannotBeRead) {
  for (const char* name : {"", "-", "bodies/", "forces/norfolk", "bodies/A", "bodies/a/responses/b"}) {
    base::Violations violations;
    ReadParent(name, access::Scope(), violations);
    EXPECT_THAT(violations.ToStatus(), ViolationOn("parent")) << name;
  }
  Parent parent{.forces = {"norfolk"}};
  EXPECT_THAT(ResolveForces(parent,
                            [](const std::string&) -> absl::StatusOr<std::vector<std::string>> {
                              return absl::UnavailableError("no database");
                            }),
              StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace section55::rpc
