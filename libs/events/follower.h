// Follows another service's feed with exactly one effect per event.
//
// The effect of an event and the new cursor are committed in ONE transaction of this service's own database, after
// checking that the cursor still stands before the event: a second delivery, a second replica or a retry after a lost
// COMMIT changes nothing.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "section55/admin/v1/admin.pb.h"
#include "section55/common/v1/event_feed.pb.h"

namespace section55::events {

// With this key in its initial metadata EventFeed.Follow says at once that it accepted the follower, and where the feed
// ends; a quiet feed says nothing else.
inline constexpr char kFeedHeadKey[] = "x-feed-head";

// Thread-safe.
class Follower {
 public:
  // Applies one event within `tx`. It may run again, and for events it does not care about it returns OK. It may run on
  // several threads at once: on the follower's own and on that of a call to RetryParked. A passing error (UNAVAILABLE,
  // ABORTED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, CANCELLED) is tried again with growing pauses; any other parks the
  // event with its error, and with it every later event of the same subject, so that order is kept.
  using Handler = std::function<absl::Status(db::Transaction& tx, const common::v1::Event& event)>;

  // `source` is the followed service's name: the cursor is kept under it. 1 to 63 characters.
  Follower(std::string source, const std::shared_ptr<grpc::Channel>& channel, db::Database& database,
           base::Clock& clock, Handler handler);
  // Stops.
  ~Follower();

  // Begins, or after Stop goes on, where the cursor stands.
  void Start();
  // Ends the stream and waits for the event in hand.
  void Stop();

  const std::string& source() const;
  admin::v1::FollowerStatus Status();

  // Handles the parked event at this position again, then those of its subject behind it, each in a transaction of its
  // own. Returns how many were handled; the first that fails stays parked with those behind it. NOT_FOUND;
  // FAILED_PRECONDITION, reason STILL_FAILING, or reason EARLIER_EVENT_PARKED when an earlier event of the same subject
  // has to come first.
  absl::StatusOr<int> RetryParked(int64_t position);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace section55::events
