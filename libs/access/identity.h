// Who is calling: a person by a bearer token, or a service of the suite by its certificate.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "section55/common/v1/access.pb.h"

namespace section55::access {

using Role = common::v1::AccessRule::Role;

// A role, and the body or force it is granted on.
struct Grant {
  Role role;
  std::string on;  // "bodies/norfolk-pcc", "forces/norfolk"; empty for a national role
};

// Immutable once made, so it may be shared between threads.
struct Identity {
  enum class Kind { kPerson, kService };
  Kind kind = Kind::kPerson;
  // "people/SUBJECT" or "services/NAME": the actor in events and audit lines.
  std::string actor;
  // For display only; may be empty.
  std::string display_name;
  std::vector<Grant> grants;

  // Whether the role is held on that tenant (with an empty `on`: a national role).
  bool Holds(Role role, std::string_view on) const;
  // The body or force whose person this is: of several the one that the request names, `asked`, otherwise the first. Empty for a service,
  // and for who has national roles only.
  std::string_view TenantFor(std::string_view asked) const;
};

// Whether a role is granted on a body, on a force, or nationally.
enum class Reach { kBody, kForce, kNational };
Reach ReachOf(Role role);

// "chief-officer" <-> CHIEF_OFFICER, as in the claims of a token. ROLE_UNSPECIFIED for an unknown word.
Role RoleFromClaim(std::string_view word);
std::string ClaimOf(Role role);

}  // namespace section55::access
