// The states of a response and the ways between them.
#pragma once

#include <array>

#include "absl/status/status.h"
#include "section55/authoring/v1/response.pb.h"

namespace section55::authoring::rules {

struct Transition {
  v1::Response::State from;
  v1::Response::State to;
};

// Every way there is. Nothing else changes a state.
inline constexpr std::array<Transition, 4> kTransitions = {{
    {v1::Response::OPEN, v1::Response::IN_REVIEW},      // SubmitResponse
    {v1::Response::IN_REVIEW, v1::Response::OPEN},      // ReturnResponse
    {v1::Response::IN_REVIEW, v1::Response::APPROVED},  // ApproveResponse
    {v1::Response::APPROVED, v1::Response::PUBLISHED},  // publication's ResponsePublished
}};

constexpr bool CanMove(v1::Response::State from, v1::Response::State to) {
  for (const Transition& transition : kTransitions) {
    if (transition.from == from && transition.to == to) {
      return true;
    }
  }
  return false;
}

// FAILED_PRECONDITION (WRONG_STATE) unless the response is in `state`.
absl::Status RequireState(const v1::Response& response, v1::Response::State state);

// Moves the response along one of kTransitions. FAILED_PRECONDITION (WRONG_STATE) when there is no such way from where it is.
absl::Status Move(v1::Response& response, v1::Response::State to);

}  // namespace section55::authoring::rules
