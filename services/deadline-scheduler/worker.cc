#include "services/deadline-scheduler/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "libs/base/log.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "section55/deadlines/v1/events.pb.h"
#include "services/deadline-scheduler/rules.h"
#include "services/deadline-scheduler/store.h"

namespace section55::deadlines {
namespace {

// Deadlines in one transaction: enough to share its cost, few enough not to hold up the writers beside it.
constexpr int kBatch = 100;
constexpr absl::Duration kLookEvery = absl::Minutes(1);
// After an error, in real time: the service's own clock may be standing still.
constexpr absl::Duration kPause = absl::Seconds(1);

// Returns how many it marked.
absl::StatusOr<int> MissBatch(db::Database& database, events::EventLog& log, absl::Time now) {
  int marked = 0;
  RETURN_IF_ERROR(database.Write([&](db::Transaction& tx) -> absl::Status {
    marked = 0;
    ASSIGN_OR_RETURN(std::vector<store::StoredDeadline> due, store::ListDue(tx, now, kBatch));
    for (store::StoredDeadline& stored : due) {
      if (!rules::Miss(now, stored.deadline)) {
        return absl::InternalError(fmt::format("{} is due but cannot be missed", stored.deadline.name()));
      }
      RETURN_IF_ERROR(store::UpdateDeadline(tx, stored));
      v1::DeadlineMissed missed;
      *missed.mutable_deadline() = stored.deadline;
      RETURN_IF_ERROR(log.Append(tx, OriginOf(stored.deadline, "timer", now), missed));
      ++marked;
    }
    return absl::OkStatus();
  }));
  return marked;
}

}  // namespace

events::Origin OriginOf(const v1::Deadline& deadline, std::string_view cause, absl::Time now) {
  const std::string& name = deadline.name();
  return {.tenant = name.substr(0, name.find('/', name.find('/') + 1)),
          .subject = name,
          .actor = fmt::format("services/{}", kName),
          .cause = std::string(cause),
          .time = now};
}

absl::StatusOr<absl::Time> MissWhatIsDue(db::Database& database, events::EventLog& log, absl::Time now) {
  while (true) {
    // Asked by a cheap read first: as a rule nothing is due, and a write would cost a commit.
    absl::Time next;
    RETURN_IF_ERROR(database.Lookup([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(next, store::NextDue(tx));
      return absl::OkStatus();
    }));
    if (next > now) {
      return next;
    }
    ASSIGN_OR_RETURN(const int marked, MissBatch(database, log, now));
    base::Log(base::Severity::kInfo, "deadlines missed", {{"count", int64_t{marked}}});
  }
}

void Worker::Start() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = false;
  }
  thread_ = std::thread([this] { Run(); });
}

void Worker::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) {
    clock_.Wake();
    thread_.join();
  }
}

bool Worker::stopping() const {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

void Worker::Run() {
  bool failing = false;
  while (!stopping()) {
    const absl::Time now = clock_.Now();
    const absl::StatusOr<absl::Time> next = MissWhatIsDue(database_, log_, now);
    if (!next.ok()) {
      if (!failing) {
        base::Log(base::Severity::kError, "cannot look for missed deadlines; trying until it works",
                  {{"error", next.status().ToString()}});
      }
      failing = true;
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kPause);
      continue;
    }
    if (failing) {
      base::Log(base::Severity::kInfo, "looking for missed deadlines again");
    }
    failing = false;
    clock_.WaitUntil(std::min(*next, now + kLookEvery));
  }
}

}  // namespace section55::deadlines
