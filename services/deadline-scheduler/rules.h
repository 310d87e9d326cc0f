// The rules of a deadline: when it is owed, when it was met, and how to explain it. Pure functions on the proto
// messages: no gRPC, no SQL, no clock.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "libs/base/status.h"
#include "libs/base/transitions.h"
#include "libs/calendar/period.h"
#include "section55/deadlines/v1/deadline.pb.h"
#include "section55/deadlines/v1/deadline_scheduler.pb.h"
#include "section55/registry/v1/events.pb.h"

namespace section55::deadlines::rules {

// Every way there is. Nothing else changes a state, and nothing leads out of MET: what was done stays done.
inline constexpr base::Transitions<v1::Deadline::State, 4> kTransitions = {{
    {v1::Deadline::PENDING, v1::Deadline::MET, "the response is published"},
    {v1::Deadline::PENDING, v1::Deadline::MISSED, "its last day has passed"},
    {v1::Deadline::MISSED, v1::Deadline::PENDING, "its day has not passed: the clock was wrong"},
    {v1::Deadline::MISSED, v1::Deadline::MET, "the response is published late, or in time and heard of late"},
}};

// The ids in "bodies/norfolk-pcc/deadlines/safe-to-share".
struct DeadlineId {
  std::string body;
  std::string inspection;

  auto operator<=>(const DeadlineId&) const = default;
};

// A violation on `name` when it has another form.
absl::StatusOr<DeadlineId> ParseDeadlineName(std::string_view name);
std::string DeadlineName(const DeadlineId& id);

// The statutory deadline that a body has for a report; nothing when section 55(5A) gives no day: another basis, or
// published before the rule came into force. INVALID_ARGUMENT when the report has no full publication date.
absl::StatusOr<std::optional<v1::Deadline>> Open(const registry::v1::Inspection& inspection, const DeadlineId& id,
                                                 absl::Time now);

// The first instant at which it is missed: 00:00 in London on the day after the due date.
absl::Time MissedFrom(const v1::Deadline& deadline);

// The body whose deadline it is: "bodies/norfolk-pcc".
std::string BodyOf(const v1::Deadline& deadline);

// The response was published: done, in time or late by the London day of `published`, whenever we hear of it. False and
// no change when it was done before: a later edition does not move the first.
bool Meet(absl::Time published, v1::Deadline& deadline);

// The day has passed. False and no change when it is not PENDING, or `now` is before MissedFrom.
bool Miss(absl::Time now, v1::Deadline& deadline);

// Everything that is wrong with the request.
absl::Status CheckExplain(const v1::ExplainDeadlineRequest& request);

// MISSED was said though the day had not passed: it is PENDING again, and `record` says who took it back. False and no change when it is
// not MISSED, or rightly.
bool Reinstate(absl::Time now, const v1::Reinstatement& record, v1::Deadline& deadline);

// Everything that is wrong with the request but for its parent.
void CheckReinstate(const v1::ReinstateDeadlinesRequest& request, base::Violations& violations);

// The working for a report published on `publication_date`, with today's day number at `now`. `basis` is that of the
// report, or STATUTE_S55 where only a date is given. NOT_FOUND: no such rule. INVALID_ARGUMENT: the period ends after
// the year 9999.
absl::StatusOr<v1::ExplainDeadlineResponse> Explain(std::string_view rule, absl::CivilDay publication_date,
                                                    registry::v1::Inspection::Basis basis, absl::Time now);

// Adds a step as a sentence and as data, its day counted from the response's publication_date.
void AddStep(const calendar::Step& step, v1::ExplainDeadlineResponse& response);

// The step that says where a body's deadline stands.
std::string ExplainState(const v1::Deadline& deadline);

}  // namespace section55::deadlines::rules
