// All SQL of response-authoring. Every function works in the transaction it is given and commits nothing by itself.
//
// A response is stored in two places: what the body and its force made of it in its own row, and the report, which its responses have in
// common, once. A serialised report and a serialised response, one after the other, are the whole response (so protobuf defines it), and
// that is how reads put them together: in one query, and without parsing where the bytes only pass through.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/database.h"
#include "libs/db/proto_table.h"
#include "section55/authoring/v1/response.pb.h"
#include "section55/registry/v1/events.pb.h"
#include "services/response-authoring/store_history.h"

namespace section55::authoring::store {

// What holds messages here, for the check of everything stored.
std::vector<const db::MessageTable*> Tables();

// Remembers which force a body holds to account; a repeat replaces. Ids without collection: "norfolk-pcc", "norfolk".
absl::Status SaveBody(db::Transaction& tx, std::string_view body, std::string_view force);

// Keeps a body as the registry told of it last, with its force; a repeat replaces. Without a force the one that was kept stays. Nobody
// needs all of it here: it is what the registry is given back when it has forgotten it.
absl::Status KeepBody(db::Transaction& tx, const registry::v1::Body& body, const registry::v1::Force& force);

// The same of a force. Nothing for one without a name.
absl::Status KeepForce(db::Transaction& tx, const registry::v1::Force& force);

// What KeepBody and KeepForce keep, by the id after one; at most `limit`.
absl::StatusOr<std::vector<registry::v1::BodyRegistered>> BodiesAfter(db::Transaction& tx, std::string_view after,
                                                                      int limit);
absl::StatusOr<std::vector<registry::v1::Force>> ForcesAfter(db::Transaction& tx, std::string_view after, int limit);

// The force that `body` holds to account. NOT_FOUND.
absl::StatusOr<std::string> ForceOf(db::Transaction& tx, std::string_view body);

// The bodies that hold `force` to account, by id.
absl::StatusOr<std::vector<std::string>> BodiesOf(db::Transaction& tx, std::string_view force);

// Keeps a report: the `report` of a response, with its findings. Nothing when this revision of it is kept already.
absl::Status KeepReport(db::Transaction& tx, const registry::v1::Inspection& report);

// A revision of a report, with its findings. NOT_FOUND, naming it.
absl::StatusOr<registry::v1::Inspection> LoadReport(db::Transaction& tx, std::string_view inspection, int64_t revision);

// The revisions of the reports kept, by the report's id and the revision after those; at most `limit`.
absl::StatusOr<std::vector<registry::v1::Inspection>> ReportsAfter(db::Transaction& tx, std::string_view inspection,
                                                                   int64_t revision, int limit);

// A response to be changed and the version it was read at.
struct StoredResponse {
  v1::Response response;  // with its etag, and with its report in one of the two forms
  int64_t version = 0;
  int64_t revision = 0;   // of the report
  int64_t history = 0;    // the id of the last change of a part of it
  int64_t revisions = 0;  // how many there are
};

// How much of its report a response is loaded with.
enum class ReportForm { kFacts, kWithFindings };

// NOT_FOUND, naming the resource. One query.
absl::StatusOr<StoredResponse> LoadResponse(db::Transaction& tx, std::string_view body, std::string_view inspection,
                                            ReportForm form);

// The inspections of a body's responses in these states, state by state in the order of the ids, at most `limit`; the bodies of a
// report's responses that are not published yet and are not closed, those that are approved or exempt included.
absl::StatusOr<std::vector<std::string>> OfBody(db::Transaction& tx, std::string_view body,
                                                std::initializer_list<v1::Response::State> states, int limit);
absl::StatusOr<std::vector<std::string>> OpenOfReport(db::Transaction& tx, std::string_view inspection);

// Everything that a change writes, worked out and serialised beforehand.
struct Save {
  std::string name;  // the resource's
  std::string body, inspection, force;
  int64_t state = 0;
  bool place_changes = false;  // the state, the force or the report's revision is not what it was
  int64_t revision = 0;
  int64_t version = 0;         // the one that it was read at; 0: it is new
  int64_t history_before = 0;  // the id of the last change before this one
  int64_t revisions = 0;       // with this one
  int64_t begun_us = 0;        // for an autosave: when the first that is one revision with it was made
  bool goes_on = false;        // it takes the place of the last change, which was an autosave of the same
  std::string content, summary;
  int64_t checksum = 0, summary_checksum = 0;
  struct Part {
    std::string part, content;
    int64_t checksum = 0;
  };
  std::vector<Part> history;
  std::string actor;
  int64_t time_us = 0;
};

// What saves `stored`, whose response was `before` when it was read (for a new one, version 0: an empty response). Sets the version and the
// etag that `stored` has when that is done; to be changed once more it is loaded anew. Touches no database.
// `last`: for an autosave, the last change of a part (LastChange); nullptr for every other.
Save Prepare(const v1::Response& before, std::string_view actor, absl::Time now, StoredResponse& stored,
             const HistoryRow* last = nullptr);

// Writes a prepared response with the history of its parts. A new one: ALREADY_EXISTS. Else conflicts when somebody was faster.
absl::Status Write(db::Transaction& tx, const Save& save);

// A stored response as bytes, valid only inside the callback that receives it; compared with their checksums.
struct ResponseBytes {
  std::string_view body, inspection, force;  // ids
  v1::Response::State state = v1::Response::STATE_UNSPECIFIED;
  int64_t version = 0;
  std::string_view content;  // in the view asked for, without report and etag ...
  std::string_view report;   // ... and a response that holds only the report, in the same view
};
using ReadBytes = absl::FunctionRef<absl::Status(const ResponseBytes&)>;

// Writes the whole response, serialised, for a reader who only hands it on. Only its outline is looked at. DATA_LOSS.
absl::Status Serialise(const ResponseBytes& bytes, std::string& response);
// Fills `response` for a list that only hands it on: its fields stay as they are stored, in the unknown fields, which go out as they are;
// only the etag is set by name. Costs a fraction of Parse. DATA_LOSS.
absl::Status PassOn(const ResponseBytes& bytes, v1::Response& response);
// The response with its fields. DATA_LOSS.
absl::Status Parse(const ResponseBytes& bytes, v1::Response& response);

// NOT_FOUND, naming the resource. One query.
absl::Status ReadResponse(db::Transaction& tx, std::string_view body, std::string_view inspection,
                          v1::ResponseView view, ReadBytes read);

// A part of a list that is one range of an index, in the order of (body, inspection).
struct Range {
  std::string body = {};  // one body's only; empty: everybody's
  std::optional<v1::Response::State> state = {};
  std::string inspection = {};        // this report's only
  std::string after_body = {};        // after this key
  std::string after_inspection = {};  // (body, inspection)
};

// The sizes in bytes of the first `limit` responses of a range in a view, without reading them.
absl::StatusOr<std::vector<size_t>> SizesIn(db::Transaction& tx, const Range& range, v1::ResponseView view, int limit);

// Reads the first `limit` responses of a range.
absl::Status ReadRange(db::Transaction& tx, const Range& range, v1::ResponseView view, int limit, ReadBytes read);

}  // namespace section55::authoring::store
