// Takes the second look at a guarded clock, says in the log what it finds, and asks the database's machine for the time now and then.
#pragma once

#include <functional>
#include <optional>

#include "absl/time/time.h"
#include "libs/base/guarded_clock.h"

namespace section55::service {

// For one thread.
class ClockWatch {
 public:
  // How often the database's machine is asked while nothing is in doubt; while something is, at every look.
  static constexpr absl::Duration kDatabaseTimeLooks = absl::Minutes(1);

  // `database_time` is what the clock of the database's machine says, where that is another and answers.
  ClockWatch(base::GuardedClock& clock, std::function<std::optional<absl::Time>()> database_time)
      : clock_(clock), database_time_(std::move(database_time)) {}

  // To be called about every second; `now` by a clock that is never set. The database is left alone unless it answers. True when the
  // machine's clock was set back: threads that began to wait by the time from before would go on waiting for it.
  bool Look(absl::Duration now, bool database_answers);

 private:
  base::GuardedClock& clock_;
  const std::function<std::optional<absl::Time>()> database_time_;
  absl::Duration next_database_time_ = -absl::InfiniteDuration();
};

}  // namespace section55::service
