#include "libs/access/identity.h"

#include <algorithm>
#include <array>
#include <utility>

namespace section55::access {
namespace {

using common::v1::AccessRule;

constexpr std::array<std::pair<std::string_view, Role>, 8> kClaims = {{
    {"author", AccessRule::AUTHOR},
    {"approver", AccessRule::APPROVER},
    {"publisher", AccessRule::PUBLISHER},
    {"contributor", AccessRule::CONTRIBUTOR},
    {"chief-officer", AccessRule::CHIEF_OFFICER},
    {"registrar", AccessRule::REGISTRAR},
    {"auditor", AccessRule::AUDITOR},
    {"operator", AccessRule::OPERATOR},
}};

}  // namespace

bool Identity::Holds(Role role, std::string_view on) const {
  return std::any_of(grants.begin(), grants.end(),
                     [&](const Grant& grant) { return grant.role == role && grant.on == on; });
}

std::string_view Identity::TenantFor(std::string_view asked) const {
  std::string_view tenant;
  for (const Grant& grant : grants) {
    if (!grant.on.empty() && (tenant.empty() || grant.on == asked)) {
      tenant = grant.on;
    }
  }
  return tenant;
}

Reach ReachOf(Role role) {
  switch (role) {
    case AccessRule::AUTHOR:
    case AccessRule::APPROVER:
    case AccessRule::PUBLISHER:
      return Reach::kBody;
    case AccessRule::CONTRIBUTOR:
    case AccessRule::CHIEF_OFFICER:
      return Reach::kForce;
    default:
      return Reach::kNational;
  }
}

Role RoleFromClaim(std::string_view word) {
  for (const auto& [claim, role] : kClaims) {
    if (claim == word) {
      return role;
    }
  }
  return AccessRule::ROLE_UNSPECIFIED;
}

std::string ClaimOf(Role role) {
  for (const auto& [claim, of] : kClaims) {
    if (of == role) {
      return std::string(claim);
    }
  }
  return "";
}

}  // namespace section55::access
