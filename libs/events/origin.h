// Where the events of a call come from.
#pragma once

#include <string>
#include <string_view>

#include "libs/events/event_log.h"
#include "libs/rpc/server.h"

namespace section55::events {

// The origin of an event that `call` causes: its caller, its request id, its time. `tenant` is "bodies/norfolk-pcc", or empty for what
// is national; `subject` is the resource that changes.
inline Origin OriginOf(const rpc::Call& call, std::string_view tenant, std::string_view subject) {
  return {.tenant = std::string(tenant),
          .subject = std::string(subject),
          .actor = call.caller.actor,
          .cause = call.request_id,
          .time = call.now};
}

}  // namespace section55::events
