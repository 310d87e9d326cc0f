#include "libs/rpc/parent.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "libs/base/resource_name.h"

namespace section55::rpc {
namespace {

void SortAndUnite(std::vector<std::string>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

// The ids in the names that roles are granted on. A name of another form grants nothing.
std::vector<std::string> IdsOf(const std::vector<std::string>& names, std::string_view pattern) {
  std::vector<std::string> ids;
  for (const std::string& name : names) {
    if (auto parts = base::ParseName(name, pattern)) {
      ids.push_back(std::move(parts->front()));
    }
  }
  SortAndUnite(ids);
  return ids;
}

}  // namespace

Parent ReadParent(std::string_view parent, const access::Scope& scope, base::Violations& violations) {
  auto parts = base::ParseName(parent, base::kBodyName, /*wildcard=*/true);
  if (!parts) {
    violations.Add("parent", "must have the form bodies/{body} or be bodies/-");
    return {};
  }
  if (parts->front() != "-") {
    return {.bodies = *std::move(parts)};
  }
  if (scope.everything) {
    return {.everything = true};
  }
  return {.bodies = IdsOf(scope.bodies, base::kBodyName), .forces = IdsOf(scope.forces, base::kForceName)};
}

absl::Status ResolveForces(
    Parent& parent, absl::FunctionRef<absl::StatusOr<std::vector<std::string>>(const std::string& force)> bodies_of) {
  for (const std::string& force : parent.forces) {
    ASSIGN_OR_RETURN(std::vector<std::string> bodies, bodies_of(force));
    parent.bodies.insert(parent.bodies.end(), bodies.begin(), bodies.end());
  }
  parent.forces.clear();
  SortAndUnite(parent.bodies);
  return absl::OkStatus();
}

}  // namespace section55::rpc
