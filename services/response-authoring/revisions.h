// What a response was before, and who made it what it is: revisions, their differences, and conflicts of two who save the same part. Reads
// only; all of it is for the body's own people.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "libs/db/database.h"
#include "libs/rpc/server.h"
#include "section55/authoring/v1/response_authoring.pb.h"
#include "services/response-authoring/store.h"

namespace section55::authoring {

absl::Status ListRevisions(const rpc::Call& call, db::Database& database, const v1::ListRevisionsRequest& request,
                           v1::ListRevisionsResponse& page);
absl::Status GetRevision(const rpc::Call& call, db::Database& database, const v1::GetRevisionRequest& request,
                         v1::Revision& revision);
absl::Status CompareRevisions(const rpc::Call& call, db::Database& database, const v1::CompareRevisionsRequest& request,
                              v1::CompareRevisionsResponse& response);
absl::Status ExplainConflict(const rpc::Call& call, db::Database& database, const v1::ExplainConflictRequest& request,
                             v1::ExplainConflictResponse& response);

// `mismatch`, the refusal of a change for its `etag` or for that of one answer, with who saved what meanwhile, and when.
absl::Status WithWhoSaved(db::Transaction& tx, const store::StoredResponse& stored, std::string_view etag,
                          const absl::Status& mismatch);

}  // namespace section55::authoring
