// The lists: what is asked for, and the page that answers it.
#pragma once

#include "absl/status/status.h"
#include "libs/db/database.h"
#include "libs/rpc/server.h"
#include "section55/registry/v1/inspection_registry.pb.h"

namespace section55::registry {

// One page each. What they read is bounded, whatever is asked for: a page may end early, with a token to go on.
absl::Status FindInspections(const rpc::Call& call, db::Database& database, const v1::ListInspectionsRequest& request,
                             bool with_drafts, v1::ListInspectionsResponse& page);
absl::Status FindFindings(const rpc::Call& call, db::Database& database, const v1::ListFindingsRequest& request,
                          bool with_drafts, v1::ListFindingsResponse& page);

absl::Status FindForces(const rpc::Call& call, db::Database& database, const v1::ListForcesRequest& request,
                        v1::ListForcesResponse& page);
absl::Status FindBodies(const rpc::Call& call, db::Database& database, const v1::ListBodiesRequest& request,
                        v1::ListBodiesResponse& page);

}  // namespace section55::registry
