// Follows another service's feed with exactly one effect per event.
//
// The effect of an event and the new cursor are committed in ONE transaction of this service's own database, after
// checking that the cursor still stands before the event: a second delivery, a second replica or a retry after a lost
// COMMIT changes nothing.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/events/handlers.h"
#include "libs/events/recovery.h"
#include "libs/jobs/queue.h"
#include "section55/admin/v1/admin.pb.h"

namespace section55::events {

// Thread-safe.
//
// An event that its handler refuses is put aside at once, with every later event of its subject so that order is kept,
// and the others go on; a job tries it again by itself, with growing pauses, for ever. UNAVAILABLE, ABORTED,
// DEADLINE_EXCEEDED and CANCELLED mean that our own database is away or that we are stopping: then the follower waits
// and tries again. An event that the handlers do not know is waited at until a newer program is installed; a feed that
// is not the one followed so far, until AcceptFeed.
class Follower {
 public:
  // `source` is the followed service's name: the cursor is kept under it. 1 to 50 characters. The handlers run on the
  // follower's own thread, on those of `jobs` and on that of a call to RetryParked, perhaps at once. Made before `jobs`
  // is started.
  Follower(std::string source, const std::shared_ptr<grpc::Channel>& channel, db::Database& database,
           base::Clock& clock, jobs::Queue& jobs, Handlers handlers);
  // Stops.
  ~Follower();

  // Before Start: what is given back to a source that was restored from a backup (FEED_RESTORED), one after the other. What is
  // put aside is given back without being named here.
  void GivesBack(std::vector<Holding> holdings);

  // While held, it gives back what a restored source asks for and handles no event: for as long as its own service is being put
  // right after a restore.
  void Hold(bool held);

  // Whether it has handled, or put aside, all that the source had to tell when it last said so; only where the stream is open.
  bool IsAtTheEnd();

  // Begins, or after Stop goes on, where the cursor stands.
  void Start();
  // Ends the stream and waits for the event in hand.
  void Stop();

  const std::string& source() const;
  // How far it has come, and what keeps it from getting on.
  admin::v1::FollowerStatus Status();

  // Handles the parked event at this position again, then those of its subject behind it, each in a transaction of its
  // own. Returns how many were handled; the first that fails stays parked with those behind it. NOT_FOUND;
  // FAILED_PRECONDITION, reason STILL_FAILING, or reason EARLIER_EVENT_PARKED when an earlier event of the same subject
  // has to come first.
  absl::StatusOr<int> RetryParked(int64_t position);

  // Goes on after `position` of the feed that the source offers now, whose events up to there count as handled. Parked
  // events from beyond it are forgotten: the feed has them, or never will. FAILED_PRECONDITION (FEED_ACCEPTED): there
  // is no complaint about the feed.
  absl::Status AcceptFeed(int64_t position);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // the queue's job has a weak reference to it
};

}  // namespace section55::events
