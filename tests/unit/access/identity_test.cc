#include "libs/access/identity.h"

#include <gtest/gtest.h>

namespace section55::access {
namespace {

using common::v1::AccessRule;

TEST(IdentityTest, EveryRoleHasAClaim) {
  const auto* roles = common::v1::AccessRule::Role_descriptor();
  for (int i = 0; i < roles->value_count(); ++i) {
    const auto role = static_cast<Role>(roles->value(i)->number());
    if (role != AccessRule::ROLE_UNSPECIFIED) {
      EXPECT_FALSE(ClaimOf(role).empty()) << roles->value(i)->name();
      EXPECT_EQ(RoleFromClaim(ClaimOf(role)), role);
    }
  }
  EXPECT_EQ(ClaimOf(AccessRule::CHIEF_OFFICER), "chief-officer");
  EXPECT_EQ(RoleFromClaim("root"), AccessRule::ROLE_UNSPECIFIED);
  EXPECT_EQ(RoleFromClaim("AUTHOR"), AccessRule::ROLE_UNSPECIFIED);
  EXPECT_EQ(RoleFromClaim(""), AccessRule::ROLE_UNSPECIFIED);
}

TEST(IdentityTest, APersonIsOfOneTenant) {
  const Identity both = {.actor = "people/ann",
                         .display_name = "",
                         .grants = {{AccessRule::AUDITOR, ""},
                                    {AccessRule::AUTHOR, "bodies/norfolk-pcc"},
                                    {AccessRule::CONTRIBUTOR, "forces/suffolk"}}};
  EXPECT_EQ(both.TenantFor(""), "bodies/norfolk-pcc");
  EXPECT_EQ(both.TenantFor("forces/suffolk"), "forces/suffolk");
  EXPECT_EQ(both.TenantFor("bodies/kent-pcc"), "bodies/norfolk-pcc");
  const Identity auditor = {.actor = "people/bob", .display_name = "", .grants = {{AccessRule::AUDITOR, ""}}};
  EXPECT_EQ(auditor.TenantFor("bodies/norfolk-pcc"), "");
}

TEST(IdentityTest, AGrantHoldsOnItsTenantOnly) {
  Identity ann;
  ann.grants = {{AccessRule::AUTHOR, "bodies/norfolk-pcc"}, {AccessRule::AUDITOR, ""}};
  EXPECT_TRUE(ann.Holds(AccessRule::AUTHOR, "bodies/norfolk-pcc"));
  EXPECT_FALSE(ann.Holds(AccessRule::AUTHOR, "bodies/norfolk"));
  EXPECT_FALSE(ann.Holds(AccessRule::AUTHOR, ""));
  EXPECT_FALSE(ann.Holds(AccessRule::APPROVER, "bodies/norfolk-pcc"));
  EXPECT_TRUE(ann.Holds(AccessRule::AUDITOR, ""));
}

}  // namespace
}  // namespace section55::access
