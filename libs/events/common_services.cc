#include "libs/events/common_services.h"

#include <string>
#include <utility>

namespace section55::events {

CommonServices::CommonServices(rpc::Process& process, std::string_view service_name, EventLog& log,
                               std::vector<Follower*> followers)
    : feed_(process.server(), log),
      admin_(process.server(), std::string(service_name), process.clock(), process.database(), log,
             std::move(followers)) {
  process.server().Register(kEventFeedName, feed_);
  process.server().Register(kAdminName, admin_);
  if (process.driven_clock() != nullptr) {
    driven_clock_.emplace(process.server(), *process.driven_clock());
    process.server().Register(kDrivenClockName, *driven_clock_);
  }
}

}  // namespace section55::events
