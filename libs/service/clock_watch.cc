#include "libs/service/clock_watch.h"

#include "libs/base/log.h"

namespace section55::service {

bool ClockWatch::Look(absl::Duration now, bool database_answers) {
  std::optional<absl::Time> database_time;
  if (database_answers && (clock_.InDoubt() || now >= next_database_time_)) {
    next_database_time_ = now + kDatabaseTimeLooks;
    database_time = database_time_();
  }
  using Change = base::GuardedClock::Change;
  const base::GuardedClock::Seen seen = clock_.Look(database_time);
  if (const auto doubt = clock_.doubt(); seen.change == Change::kDoubted && doubt) {
    base::Log(base::Severity::kError,
              "the machine's clock is in doubt, and nothing is done because a time has come; see Admin.ConfirmClock",
              {{"off_by_seconds", absl::ToDoubleSeconds(doubt->by)},
               {"database_disagrees", int64_t{doubt->database_disagrees}}});
  } else if (seen.change == Change::kBack) {
    base::Log(base::Severity::kInfo, "the machine's clock is right again");
  } else if (seen.change == Change::kConfirmed) {
    base::Log(base::Severity::kWarning, "the jump of the machine's clock is taken as true");
  }
  return seen.set_back;
}

}  // namespace section55::service
