// The shape of every change: one transaction, answered once per request id.
#pragma once

#include "libs/db/database.h"
#include "libs/db/idempotency.h"
#include "libs/rpc/server.h"

namespace section55::rpc {

// Runs `change` in db.Write; a repeat of the request (same caller, method and request_id) gets the first answer.
template <typename Request, typename Response>
absl::Status Mutate(const Call& call, db::Database& database, const Request& request, Response& response,
                    absl::FunctionRef<absl::Status(db::Transaction&)> change) {
  return database.Write([&](db::Transaction& tx) {
    return db::Once(tx, call.caller.actor, call.method, request.request_id(), request, response, call.now, [&] {
      response.Clear();  // the body may run again after a conflict
      return change(tx);
    });
  });
}

}  // namespace section55::rpc
