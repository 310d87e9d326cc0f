// The shape of every change: decided on a snapshot, written in one transaction, answered once per request id.
#pragma once

#include <utility>

#include "libs/db/database.h"
#include "libs/db/idempotency.h"
#include "libs/rpc/server.h"

namespace section55::rpc {

// `decide` reads, applies the rules and fills `response`; `apply` only writes, and conflicts when what was read has changed since (then
// both run again). A repeat of the request (same caller, method and request_id) gets the first answer and changes nothing. Both may
// run several times; `response` is cleared before `decide`.
template <typename Request, typename Response>
absl::Status Change(const Call& call, db::Database& database, const Request& request, Response& response,
                    absl::FunctionRef<absl::Status(db::Transaction&)> decide,
                    absl::FunctionRef<absl::Status(db::Transaction&)> apply) {
  const db::RequestKey key{call.caller.actor, call.method, request.request_id()};
  std::string digest;
  // Asked once, however often the change is tried.
  bool asked = request.request_id().empty() || !call.keep;
  return database.Change(
      [&](db::Transaction& tx, bool& done) -> absl::Status {
        response.Clear();
        ASSIGN_OR_RETURN(done, db::FindAnswer(tx, key, request, digest, response));
        if (done) {
          return absl::OkStatus();
        }
        RETURN_IF_ERROR(decide(tx));
        return std::exchange(asked, true) ? absl::OkStatus() : call.keep(response.ByteSizeLong());
      },
      [&](db::Transaction& tx) -> absl::Status {
        RETURN_IF_ERROR(db::StoreAnswer(tx, key, digest, response, call.now));
        return apply(tx);
      },
      call.deadline);
}

}  // namespace section55::rpc
