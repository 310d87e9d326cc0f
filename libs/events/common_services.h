// What a main adds to its own service: the feed, the admin service and, with --driven_clock, the clock.
#pragma once

#include <optional>
#include <vector>

#include "libs/events/services.h"
#include "libs/rpc/process.h"

namespace section55::events {

// Registers them on the process's server when it is made; lives until the server is drained, as do the log and the followers.
class CommonServices {
 public:
  CommonServices(rpc::Process& process, std::string_view service_name, EventLog& log, std::vector<Follower*> followers);

 private:
  EventFeedService feed_;
  AdminService admin_;
  std::optional<DrivenClockService> driven_clock_;
};

}  // namespace section55::events
