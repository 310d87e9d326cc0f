// The life of a resource as a table: every way from state to state there is. What is not in the table is not allowed.
//
//   inline constexpr std::array<base::Transition<v1::Deadline::State>, 3> kTransitions = {{
//       {v1::Deadline::PENDING, v1::Deadline::MET, "the response is published"},
//       ...
//   }};
//   RETURN_IF_ERROR(base::Move(kTransitions, response, v1::Response::IN_REVIEW));
//
// All functions are pure.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "libs/base/status.h"

namespace section55::base {

// A way from one state of a message (an enum `State` of protobuf) to another, or back to the same.
template <typename State>
struct Transition {
  State from;
  State to;
  std::string_view by;  // what leads along it: "SubmitResponse"
};

template <typename State, size_t size>
using Transitions = std::array<Transition<State>, size>;

template <typename State, size_t size>
constexpr bool CanMove(const Transitions<State, size>& table, State from, State to) {
  for (const Transition<State>& transition : table) {
    if (transition.from == from && transition.to == to) {
      return true;
    }
  }
  return false;
}

// Sets the state of `message` (which has `name` and `state`) to `to`. FAILED_PRECONDITION (WRONG_STATE), naming the states from which a
// way leads there, when none does from where it is.
template <typename Message, size_t size>
absl::Status Move(const Transitions<typename Message::State, size>& table, Message& message,
                  typename Message::State to) {
  if (CanMove(table, message.state(), to)) {
    message.set_state(to);
    return absl::OkStatus();
  }
  std::string needed;
  for (const auto& transition : table) {
    if (transition.to == to) {
      needed += (needed.empty() ? "" : " or ") + Message::State_Name(transition.from);
    }
  }
  return WrongState(message.name(), Message::State_Name(message.state()), needed);
}

// The table as text, a line for each way, as it stands in a service's README and as tests compare it: "PENDING -> MET: published".
template <typename State, size_t size>
std::string Draw(const Transitions<State, size>& table, const std::string& (*name_of)(State)) {
  std::string drawing;
  for (const auto& transition : table) {
    drawing += name_of(transition.from) + " -> " + name_of(transition.to) + ": " + std::string(transition.by) + "\n";
  }
  return drawing;
}

}  // namespace section55::base
