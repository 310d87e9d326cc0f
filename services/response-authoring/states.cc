#include "services/response-authoring/states.h"

#include "libs/base/status.h"

namespace section55::authoring::rules {

absl::Status RequireState(const v1::Response& response, v1::Response::State state) {
  if (response.state() != state) {
    return base::WrongState(response.name(), v1::Response::State_Name(response.state()),
                            v1::Response::State_Name(state));
  }
  return absl::OkStatus();
}

absl::Status Move(v1::Response& response, v1::Response::State to) {
  if (!CanMove(response.state(), to)) {
    return base::WrongState(response.name(), v1::Response::State_Name(response.state()),
                            "a state that leads to " + v1::Response::State_Name(to));
  }
  response.set_state(to);
  return absl::OkStatus();
}

}  // namespace section55::authoring::rules
