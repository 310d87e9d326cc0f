// All SQL of deadline-scheduler. Every function works in the transaction it is given and commits nothing by itself. Bytes that cannot be
// read are DATA_LOSS.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/database.h"
#include "libs/db/proto_table.h"
#include "section55/deadlines/v1/deadline.pb.h"
#include "section55/registry/v1/inspection.pb.h"
#include "services/deadline-scheduler/rules.h"

namespace section55::deadlines::store {

using rules::DeadlineId;
using StoredDeadline = db::Versioned<v1::Deadline>;

// The tables whose rows hold messages, for Admin.CheckStorage.
std::vector<const db::MessageTable*> Tables();

// Remembers which force a body holds to account; a repeat replaces. Ids without collection: "norfolk-pcc", "norfolk".
absl::Status SaveBody(db::Transaction& tx, std::string_view body, std::string_view force);

// The force that `body` holds to account. NOT_FOUND.
absl::StatusOr<std::string> ForceOf(db::Transaction& tx, std::string_view body);

// The bodies that hold `force` to account.
absl::StatusOr<std::vector<std::string>> BodiesOf(db::Transaction& tx, std::string_view force);

// Remembers a published report's name, title, publication date and basis; a repeat replaces.
absl::Status SaveInspection(db::Transaction& tx, std::string_view id, const registry::v1::Inspection& inspection);

// What SaveInspection remembered. NOT_FOUND, naming the resource.
absl::StatusOr<registry::v1::Inspection> LoadInspection(db::Transaction& tx, std::string_view id);

// What SaveInspection remembered of all, by id after one; at most `limit`.
absl::StatusOr<std::vector<registry::v1::Inspection>> InspectionsAfter(db::Transaction& tx, std::string_view after,
                                                                       int limit);

// What RecordPublication found.
enum class Publication {
  kRepeat,            // known already: nothing to do
  kBeforeDeadline,    // the first; there is no deadline yet, and AwaitPublication will tell
  kDeadlineIsWaiting  // the first, and the deadline is open: it is met now
};

// Remembers when a response was first published; a later publication of it changes nothing.
absl::StatusOr<Publication> RecordPublication(db::Transaction& tx, const DeadlineId& id, absl::Time published);

// To be called in the transaction that opens the deadline: when the response was first published, if it was; otherwise RecordPublication
// will know that the deadline waits. Of two concurrent transactions, one in each of the two, the later always sees the earlier.
absl::StatusOr<std::optional<absl::Time>> AwaitPublication(db::Transaction& tx, const DeadlineId& id);

// When each response that was published was first published, by body and inspection after those; at most `limit`.
struct FirstPublication {
  DeadlineId id;
  absl::Time published;
};
absl::StatusOr<std::vector<FirstPublication>> PublicationsAfter(db::Transaction& tx, const DeadlineId& after,
                                                                int limit);

// NOT_FOUND, naming the resource.
absl::StatusOr<StoredDeadline> LoadDeadline(db::Transaction& tx, const DeadlineId& id);

// Adds a deadline at version 1 and sets its etag. ALREADY_EXISTS, naming the resource.
absl::Status InsertDeadline(db::Transaction& tx, StoredDeadline& stored);

// Saves a deadline over the version it was read at, and sets its new version and etag. Conflicts when somebody else was faster.
absl::Status UpdateDeadline(db::Transaction& tx, StoredDeadline& stored);

// Where a list stands: the order is by the first instant at which a deadline is missed, then by body and inspection.
struct DeadlineKey {
  int64_t missed_from = 0;  // microseconds
  DeadlineId id;

  auto operator<=>(const DeadlineKey&) const = default;
};

DeadlineKey KeyOf(const v1::Deadline& deadline);

// Which deadlines a list shows.
struct DeadlineQuery {
  bool everything = false;          // of all bodies, or
  std::vector<std::string> bodies;  // of these, each named once
  std::optional<v1::Deadline::State> state;
  std::string inspection;  // this report's only, unless it is empty
  // Only those first missed at one of these instants, both included; microseconds.
  int64_t earliest = std::numeric_limits<int64_t>::min();
  int64_t latest = std::numeric_limits<int64_t>::max();
  std::optional<DeadlineKey> after;  // after this key
  int limit = 0;
};

// The earliest first. Reads stretches of an index only, so that a page costs the same however many deadlines there are: one stretch for
// each body, or two across all of them.
absl::StatusOr<std::vector<StoredDeadline>> ListDeadlines(db::Transaction& tx, const DeadlineQuery& query);

// How many deadlines in a state are first missed in [from, to); to be called in a Lookup. Reads a stretch of an index.
absl::StatusOr<int64_t> CountDeadlines(db::Transaction& tx, v1::Deadline::State state, absl::Time from, absl::Time to);

}  // namespace section55::deadlines::store
