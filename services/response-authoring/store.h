// All SQL of response-authoring. Every function works in the transaction it is given and commits nothing by itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/db/database.h"
#include "section55/authoring/v1/response.pb.h"

namespace section55::authoring::store {

// A response and the version it was read at; its etag is set from that.
struct StoredResponse {
  v1::Response response;
  int64_t version = 0;
};

// Remembers which force a body holds to account; a repeat replaces. Ids without collection: "norfolk-pcc", "norfolk".
absl::Status SaveBody(db::Transaction& tx, std::string_view body, std::string_view force);

// The force that `body` holds to account. NOT_FOUND.
absl::StatusOr<std::string> ForceOf(db::Transaction& tx, std::string_view body);

// NOT_FOUND, naming the resource.
absl::StatusOr<StoredResponse> LoadResponse(db::Transaction& tx, std::string_view body, std::string_view inspection);

// Fills `response` for a reader who only hands it on: its fields stay as they were stored, in the unknown fields, which
// go out as they are; only the etag is set by name. Costs a fraction of LoadResponse. NOT_FOUND, naming the resource.
absl::Status CopyResponse(db::Transaction& tx, std::string_view body, std::string_view inspection,
                          v1::Response& response);

// Adds a response at version 1 and sets its etag. ALREADY_EXISTS.
absl::Status InsertResponse(db::Transaction& tx, StoredResponse& stored);

// Saves a response over the version it was read at, and sets its new version and etag. Conflicts when somebody else was faster.
absl::Status UpdateResponse(db::Transaction& tx, StoredResponse& stored);

// Which responses a list shows.
struct ResponseQuery {
  std::string body = {};                 // one body's only; empty: see below
  std::vector<std::string> bodies = {};  // with an empty `body` and not `all`: these bodies' ...
  std::vector<std::string> forces = {};  // ... and those of the bodies of these forces
  bool all = false;                      // everybody's
  std::optional<v1::Response::State> state = {};
  std::string inspection = {};        // this report's only
  std::string after_body = {};        // after this key
  std::string after_inspection = {};  // (body, inspection)
  int limit = 0;
};

// By (body, inspection).
absl::StatusOr<std::vector<StoredResponse>> ListResponses(db::Transaction& tx, const ResponseQuery& query);

}  // namespace section55::authoring::store
