// Which bodies a list shows: its parent is one body, or "bodies/-" for all that the caller may see.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/access/policy.h"
#include "libs/base/status.h"

namespace section55::rpc {

// Ids without their collection.
struct Parent {
  // Every body there is: no list of them is needed.
  bool everything = false;
  // Otherwise these, sorted and each once ...
  std::vector<std::string> bodies = {};
  // ... and those that hold these forces to account, until ResolveForces has found them.
  std::vector<std::string> forces = {};
};

// Reads `parent`, which is a violation on `parent` when it has another form than "bodies/norfolk-pcc" or "bodies/-". With the latter,
// `scope` (of the call, which was authorised) says whose. What each row shows is asked of Scope::Of all the same.
Parent ReadParent(std::string_view parent, const access::Scope& scope, base::Violations& violations);

// Puts the bodies of the forces in place of them. `bodies_of` finds the ids of the bodies of one force: a query of the service's own
// database.
absl::Status ResolveForces(
    Parent& parent, absl::FunctionRef<absl::StatusOr<std::vector<std::string>>(const std::string& force)> bodies_of);

}  // namespace section55::rpc
