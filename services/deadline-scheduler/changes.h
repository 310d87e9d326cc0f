// What happens to a deadline: each change is saved, told and, where it must be, put on the timer, all in the caller's transaction.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/events/event_log.h"
#include "libs/jobs/queue.h"
#include "section55/registry/v1/events.pb.h"
#include "services/deadline-scheduler/rules.h"
#include "services/deadline-scheduler/store.h"

namespace section55::deadlines {

inline constexpr std::string_view kName = "deadline-scheduler";

// The kind of the jobs that mark deadlines missed; the key is the deadline's name.
inline constexpr std::string_view kMissedDeadline = "missed-deadline";

// The kinds of the jobs that hand over what is open; the key is the name of the body or force in whose place another comes.
inline constexpr std::string_view kSucceedBody = "succeed-body";
inline constexpr std::string_view kSucceedForce = "succeed-force";

// Thread-safe. The three live longer.
class Changes {
 public:
  Changes(events::EventLog& log, jobs::Queue& jobs, base::Clock& clock) : log_(log), jobs_(jobs), clock_(clock) {}

  // Opens the deadline that a body has for a report, if section 55 sets one and it is not open; met at once when its response was
  // published before. `cause` is the id of the event that led to it.
  absl::Status Open(db::Transaction& tx, const registry::v1::Inspection& inspection, const rules::DeadlineId& id,
                    std::string_view cause) const;

  // A corrected report is owed by `body`: brings up to date the deadline that it has, or that a body has in whose place it came, or
  // opens one. `reason` and `actor` are the correction's.
  absl::Status Correct(db::Transaction& tx, const registry::v1::Inspection& inspection, const registry::v1::Body& body,
                       const std::string& reason, const std::string& actor, std::string_view cause) const;

  // Nobody owes it any more. Nothing when there is none, or it is done.
  absl::Status Cancel(db::Transaction& tx, const rules::DeadlineId& id, const std::string& reason,
                      std::string_view cause) const;

  // Remembers that another body comes in the place of one, and puts the day on the timer.
  absl::Status Remember(db::Transaction& tx, const registry::v1::BodySucceeded& succeeded) const;
  absl::Status Remember(db::Transaction& tx, const registry::v1::ForceSucceeded& succeeded) const;

  // Hands over what is open, once the day has come. Names with their collection.
  absl::Status SucceedBody(db::Transaction& tx, const std::string& predecessor) const;
  absl::Status SucceedForce(db::Transaction& tx, const std::string& predecessor) const;

  // Meets the deadline, unless it was met before: the response was published at `published`. One that has passed to another body is met
  // there: what was approved before the day is published after it. NOT_FOUND.
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
  // To be called when a deadline of the body has become open: it may have been succeeded already.
  absl::Status AwaitSuccession(db::Transaction& tx, const std::string& body) const;
  absl::Status PutSuccessionOnTimer(db::Transaction& tx, std::string_view kind, const std::string& predecessor,
                                    absl::Time due) const;
  absl::Status TransferOne(db::Transaction& tx, const std::string& successor, store::StoredDeadline& stored) const;

  events::EventLog& log_;
  jobs::Queue& jobs_;
  base::Clock& clock_;
};

}  // namespace section55::deadlines
