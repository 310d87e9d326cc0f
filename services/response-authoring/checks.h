// What the rules of a response have in common: the limits of its fields, how its parts are measured, who does something. Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "libs/base/status.h"
#include "section55/authoring/v1/response.pb.h"

namespace section55::authoring::rules {

// The limits of single fields, in characters. What the parts may hold together, in bytes, stands in libs/base/limits.h.
inline constexpr size_t kMostMarkdown = 50'000;   // a text: key findings, comments, an explanation, a contribution ...
inline constexpr size_t kMostWords = 200;         // a name, a rank, a title, an owner
inline constexpr size_t kMostReason = 5'000;      // why something is returned, exempted, revoked
inline constexpr size_t kMostPrinted = 1'000;     // a reason that is printed in what is published; a mark
inline constexpr size_t kMostMarkBytes = 32'768;  // the marks of a return together, in bytes

// Who does something, and when; `today` is the day in London.
struct Doer {
  std::string actor;
  absl::Time now;
  absl::CivilDay today;
  bool may_approve = false;  // holds the role APPROVER on the body
  bool for_force = false;    // is here as the force's own, and not as the office's
};

v1::Step StepBy(const Doer& doer, std::string_view reason = "");

// Notes that `doer` writes the body's part.
void NoteWriter(const Doer& doer, v1::Response& response);

// For what may be done in a state without leaving it, and for what is asked after the state and before the step. WRONG_STATE.
absl::Status RequireState(const v1::Response& response, v1::Response::State state);

// The name of the finding that a request means by its resource name or by its id alone; a violation on `field` when the report has none
// such. The response is with its findings.
std::optional<std::string> FindFinding(std::string_view field, const v1::Response& response, std::string_view reference,
                                       base::Violations& violations);

// What the office, and what the force, wrote, in bytes as they are stored.
size_t OfficeBytes(const v1::Response& response);
size_t ForceBytes(const v1::Response& response);

// What the office has written has its size, whatever the force has. A violation on each of these fields.
absl::Status CheckOfficeSize(const std::set<std::string>& fields, const v1::Response& response);
// The same for what the platform keeps beside both.
absl::Status CheckFrameSize(std::string_view field, const v1::Response& response);

}  // namespace section55::authoring::rules
