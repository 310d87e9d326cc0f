// What happens to responses without a call: each is saved, told and, where it must be, put on the timer, all in the caller's transaction.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/events/event_log.h"
#include "libs/jobs/queue.h"
#include "section55/common/v1/event_feed.pb.h"
#include "section55/registry/v1/events.pb.h"
#include "services/response-authoring/store.h"

namespace section55::authoring {

// Who caused a change, and by what.
struct Cause {
  std::string actor;  // "people/SUBJECT", "services/NAME"
  std::string id;     // the id of the event that led to it, or "timer"

  static Cause Of(const common::v1::Event& event) { return {event.actor(), event.event_id()}; }
};

// Thread-safe. The three live longer.
class Changes {
 public:
  Changes(events::EventLog& log, jobs::Queue& jobs, const base::Clock& clock) : log_(log), jobs_(jobs), clock_(clock) {}

  absl::Time Now() const { return clock_.Now(); }
  jobs::Queue& jobs() const { return jobs_; }

  // Saves what has become of a response, which was `before` when it was read, and tells of it.
  absl::Status Save(db::Transaction& tx, const Cause& cause, const v1::Response& before, store::StoredResponse& stored,
                    const std::vector<const google::protobuf::Message*>& events) const;

  // Opens one; with all that an earlier body wrote, where it comes from one. ALREADY_EXISTS.
  absl::Status Open(db::Transaction& tx, const Cause& cause, store::StoredResponse& stored) const;

 private:
  // The job that records the silence of a chief officer.
  absl::Status Adjust(db::Transaction& tx, const v1::Response& before, const v1::Response& response) const;
  absl::Status Tell(db::Transaction& tx, const Cause& cause, const v1::Response& response,
                    const google::protobuf::Message& event) const;

  events::EventLog& log_;
  jobs::Queue& jobs_;
  const base::Clock& clock_;
};

}  // namespace section55::authoring
