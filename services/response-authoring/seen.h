// As which a caller sees a response (as its body's people, as its force's, or not at all), and what is shown then.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/access/policy.h"
#include "libs/db/database.h"
#include "libs/rpc/server.h"
#include "services/response-authoring/rules.h"
#include "services/response-authoring/store.h"

namespace section55::authoring {

access::Scope::View ViewOf(const rpc::Call& call, const store::ResponseBytes& bytes);
access::Scope::View ViewOf(const rpc::Call& call, const v1::Response& response);

// A response that the caller sees in one way or another. NOT_FOUND when there is none, or it is hidden.
absl::StatusOr<store::StoredResponse> LoadSeen(const rpc::Call& call, db::Transaction& tx, const rules::ResponseId& id,
                                               store::ReportForm form);

// Fills `response` with a stored response as it is seen: not kNone.
absl::Status Show(access::Scope::View view, const store::ResponseBytes& bytes, v1::Response* response);

}  // namespace section55::authoring
