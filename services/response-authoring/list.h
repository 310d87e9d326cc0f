// ListResponses and ListExemptions: whose responses a caller may see, in the order of (body, inspection), page by page.
#pragma once

#include "absl/status/status.h"
#include "libs/db/database.h"
#include "libs/rpc/server.h"
#include "section55/authoring/v1/response_authoring.pb.h"

namespace section55::authoring {

// One page. Every part of it is a range of an index; what it reads is bounded by what fits into one message, counted before it is read.
absl::Status ListResponses(const rpc::Call& call, db::Database& database, const v1::ListResponsesRequest& request,
                           v1::ListResponsesResponse& page);

// One page of what is EXEMPT, as everybody may see it.
absl::Status ListExemptions(const rpc::Call& call, db::Database& database, const v1::ListExemptionsRequest& request,
                            v1::ListExemptionsResponse& page);

}  // namespace section55::authoring
