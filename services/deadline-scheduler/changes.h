// What happens to a deadline: each change is saved, told and, where it must be, put on the timer, all in the caller's transaction.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/events/event_log.h"
#include "libs/jobs/queue.h"
#include "section55/registry/v1/inspection.pb.h"
#include "services/deadline-scheduler/rules.h"
#include "services/deadline-scheduler/store.h"

namespace section55::deadlines {

inline constexpr std::string_view kName = "deadline-scheduler";

// The kind of the jobs that mark deadlines missed; the key is the deadline's name.
inline constexpr std::string_view kMissedDeadline = "missed-deadline";

// Thread-safe. The three live longer.
class Changes {
 public:
  Changes(events::EventLog& log, jobs::Queue& jobs, base::Clock& clock) : log_(log), jobs_(jobs), clock_(clock) {}

  // Opens the deadline that a body has for a report, if section 55 sets one and it is not open; met at once when its response was
  // published before. `cause` is the id of the event that led to it. The registry keeps it to reports with a full date:
  // INVALID_ARGUMENT.
  absl::Status Open(db::Transaction& tx, const registry::v1::Inspection& inspection, const rules::DeadlineId& id,
                    std::string_view cause) const;

  // Meets the deadline, unless it was met before: the response was published at `published`. NOT_FOUND.
  absl::Status Meet(db::Transaction& tx, const rules::DeadlineId& id, absl::Time published,
                    std::string_view cause) const;

  // Marks the deadline missed, unless it was met or missed before. When its time has not come (the clock was set back, or an operator was
  // impatient), it goes back on the timer. NOT_FOUND.
  absl::Status Miss(db::Transaction& tx, const rules::DeadlineId& id) const;

  // Saves a deadline that rules::Reinstate has changed, and puts it back on the timer. Conflicts when somebody else was faster.
  absl::Status SaveReinstated(db::Transaction& tx, store::StoredDeadline& stored, std::string_view cause) const;

 private:
  absl::Status Tell(db::Transaction& tx, const v1::Deadline& deadline, std::string_view actor, std::string_view cause,
                    const google::protobuf::Message& payload) const;
  absl::Status PutOnTimer(db::Transaction& tx, const v1::Deadline& deadline) const;

  events::EventLog& log_;
  jobs::Queue& jobs_;
  base::Clock& clock_;
};

}  // namespace section55::deadlines
