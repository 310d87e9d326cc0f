#include "services/response-authoring/seen.h"

#include <utility>

#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "services/response-authoring/views.h"

namespace section55::authoring {

access::Scope::View ViewOf(const rpc::Call& call, const store::ResponseBytes& bytes) {
  return call.scope.Of(base::MakeName(base::kBodyName, {bytes.body}), base::MakeName(base::kForceName, {bytes.force}));
}

access::Scope::View ViewOf(const rpc::Call& call, const v1::Response& response) {
  return call.scope.Of(response.body().name(), response.force().name());
}

absl::StatusOr<store::StoredResponse> LoadSeen(const rpc::Call& call, db::Transaction& tx, const rules::ResponseId& id,
                                               store::ReportForm form) {
  ASSIGN_OR_RETURN(store::StoredResponse stored, store::LoadResponse(tx, id.body, id.inspection, form));
  if (ViewOf(call, stored.response) == access::Scope::View::kNone) {
    return base::NotFound(stored.response.name());
  }
  return stored;
}

absl::Status Show(access::Scope::View view, const store::ResponseBytes& bytes, v1::Response* response) {
  if (view == access::Scope::View::kBody) {
    return store::PassOn(bytes, *response);
  }
  v1::Response whole;
  RETURN_IF_ERROR(store::Parse(bytes, whole));
  *response = views::ForForce(whole);
  return absl::OkStatus();
}

}  // namespace section55::authoring
