#include "libs/service/loops.h"

#include <utility>

#include "google/protobuf/util/time_util.h"
#include "libs/base/clock.h"
#include "libs/base/log.h"

namespace section55::service {

Loops::Loops(db::Database& database, std::string holder) : database_(database), holder_(std::move(holder)) {}

void Loops::Add(Loop loop) {
  Lease lease(database_, loop.name, holder_);
  entries_.emplace_back(std::move(loop), std::move(lease));
}

void Loops::Set(Entry& entry, bool run) {
  if (entry.running == run) {
    return;
  }
  if (entry.loop.leased) {
    base::Log(base::Severity::kInfo, run ? "loop started" : "loop stopped", {{"loop", entry.loop.name}});
  }
  run ? entry.loop.start() : entry.loop.stop();
  entry.running = run;
}

void Loops::Tend(const DatabaseState& database, absl::Duration now, absl::Time wall) {
  if (!database.schema_is_right) {
    Stop();
    return;
  }
  for (Entry& entry : entries_) {
    if (!database.recovered && !entry.loop.in_recovery) {
      continue;  // it has not been started yet
    }
    if (entry.loop.leased && !database.answers) {
      entry.held = entry.lease.Holds(now);
    } else if (entry.loop.leased && now >= entry.next_look) {
      entry.held = entry.lease.Tend(now, wall);
      entry.next_look = now + kRenewal;
    }
    Set(entry, !entry.loop.leased || entry.held);
  }
}

void Loops::Stop(bool give_back) {
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    Set(*entry, false);
    if (entry->loop.leased && give_back) {
      entry->lease.Release();
      entry->held = false;
      entry->next_look = -absl::InfiniteDuration();
    }
  }
}

std::vector<admin::v1::LoopStatus> Loops::Status() const {
  const auto found = ListLeases(database_);
  const std::vector<LeaseState> leases = found.ok() ? *found : std::vector<LeaseState>();
  std::vector<admin::v1::LoopStatus> result;
  for (const Entry& entry : entries_) {
    admin::v1::LoopStatus& status = result.emplace_back();
    status.set_name(entry.loop.name);
    status.set_running_here(entry.running);
    for (const LeaseState& lease : leases) {
      if (entry.loop.leased && lease.name == entry.loop.name && !lease.holder.empty()) {
        status.set_holder(lease.holder);
        *status.mutable_expire_time() =
            google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(base::ToMicros(lease.expires));
      }
    }
  }
  return result;
}

}  // namespace section55::service
