// The timer: a deadline that is still PENDING when its day has passed becomes MISSED.
#pragma once

#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/events/event_log.h"
#include "section55/deadlines/v1/deadline.pb.h"

namespace section55::deadlines {

inline constexpr std::string_view kName = "deadline-scheduler";

// The origin of every event of this service.
events::Origin OriginOf(const v1::Deadline& deadline, std::string_view cause, absl::Time now);

// Marks what is due at `now`, a bounded batch in each transaction, until nothing is left, and returns the instant at
// which the next deadline is missed (InfiniteFuture: none is pending). Safe in any number of replicas at once and
// whenever one is killed: the change and its event are one transaction, and of two that try only one finds the version
// it read.
absl::StatusOr<absl::Time> MissWhatIsDue(db::Database& database, events::EventLog& log, absl::Time now);

// The loop around it. Between rounds it sleeps on the clock until the next deadline is due or Clock::Wake is called, so
// within a process nothing else may call WaitUntil on that clock. It looks once a minute all the same: for deadlines
// opened by another replica that has died since. Thread-safe.
class Worker {
 public:
  Worker(db::Database& database, events::EventLog& log, base::Clock& clock)
      : database_(database), log_(log), clock_(clock) {}
  // Stops.
  ~Worker() { Stop(); }

  void Start();
  // Waits for the round under way.
  void Stop();

 private:
  void Run();
  bool stopping() const;

  db::Database& database_;
  events::EventLog& log_;
  base::Clock& clock_;
  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace section55::deadlines
