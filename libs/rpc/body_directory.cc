#include "libs/rpc/body_directory.h"

#include "libs/base/resource_name.h"
#include "libs/base/status.h"

namespace section55::rpc {

absl::StatusOr<std::string> BodyDirectory::ForceOf(std::string_view body) {
  base::Violations violations;
  const std::string id = base::IdIn("body", body, base::kBodyName, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  std::string force;
  RETURN_IF_ERROR(database_.Lookup([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(force, find_(tx, id));
    return absl::OkStatus();
  }));
  return base::MakeName(base::kForceName, {force});
}

}  // namespace section55::rpc
