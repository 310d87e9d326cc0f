// Comments in threads on the parts of a response: who may write them, and who sees which.
#pragma once

#include "absl/status/status.h"
#include "libs/access/policy.h"
#include "libs/db/database.h"
#include "libs/events/event_log.h"
#include "libs/rpc/server.h"
#include "section55/authoring/v1/response_authoring.pb.h"

namespace section55::authoring {

// Whether who sees a response like this sees a comment on it. Pure.
bool Sees(access::Scope::View view, v1::Comment::Audience audience);

absl::Status CommentOnResponse(const rpc::Call& call, db::Database& database, events::EventLog& log,
                               const v1::CommentOnResponseRequest& request, v1::Comment& comment);
absl::Status ListComments(const rpc::Call& call, db::Database& database, const v1::ListCommentsRequest& request,
                          v1::ListCommentsResponse& page);

}  // namespace section55::authoring
