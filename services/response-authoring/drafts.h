// What a force is writing: its drafts of comments, which the office does not see, and sending them.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/db/database.h"
#include "libs/rpc/server.h"
#include "section55/authoring/v1/response_authoring.pb.h"
#include "services/response-authoring/store_drafts.h"

namespace section55::authoring {

absl::Status SaveDraftContribution(const rpc::Call& call, db::Database& database,
                                   const v1::SaveDraftContributionRequest& request, v1::DraftContribution& draft);
absl::Status DeleteDraftContribution(const rpc::Call& call, db::Database& database,
                                     const v1::DeleteDraftContributionRequest& request,
                                     v1::DeleteDraftContributionResponse& response);
absl::Status ListDraftContributions(const rpc::Call& call, db::Database& database,
                                    const v1::ListDraftContributionsRequest& request,
                                    v1::ListDraftContributionsResponse& page);
absl::Status GetDraftProgress(const rpc::Call& call, db::Database& database, const v1::GetDraftProgressRequest& request,
                              v1::DraftProgress& progress);

// The drafts that a request means: those that it names, or all. A violation on each that is not there; FAILED_PRECONDITION (NO_DRAFTS).
absl::StatusOr<std::vector<store::Draft>> DraftsToSend(db::Transaction& tx,
                                                       const v1::SendDraftContributionsRequest& request);

}  // namespace section55::authoring
