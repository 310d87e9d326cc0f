// The life of a report from draft to withdrawal: what may follow what, what it does to those who owe a response, and when. Pure functions
// on the proto messages.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "libs/base/transitions.h"
#include "section55/registry/v1/events.pb.h"
#include "section55/registry/v1/inspection_registry.pb.h"
#include "services/inspection-registry/register.h"
#include "services/inspection-registry/rules.h"

namespace section55::registry::rules {

// Every way there is. What is not here is not allowed.
inline constexpr base::Transitions<v1::Inspection::State, 5> kTransitions = {{
    {v1::Inspection::DRAFT, v1::Inspection::DRAFT, "UpdateInspection"},
    {v1::Inspection::DRAFT, v1::Inspection::PUBLISHED, "PublishInspection"},
    {v1::Inspection::PUBLISHED, v1::Inspection::PUBLISHED, "CorrectInspection"},
    {v1::Inspection::PUBLISHED, v1::Inspection::WITHDRAWN, "WithdrawInspection"},
    {v1::Inspection::WITHDRAWN, v1::Inspection::PUBLISHED, "CorrectInspection"},
}};

// What a step is taken with.
struct Circumstances {
  const Register& registered;
  const Reports& related;
  absl::Time now;
  absl::CivilDay today;        // in London
  bool validate_only = false;  // what stands in the way is told in the effect
};

// A step taken: everything that is written and told of it.
template <typename Event>
struct Step {
  v1::Inspection inspection;
  v1::InspectionRevision revision;
  v1::Effect effect;
  Event event;
};

// A draft is published. FAILED_PRECONDITION (WRONG_STATE, NOT_READY, NO_BODY).
absl::StatusOr<Step<v1::InspectionPublished>> Publish(v1::Inspection inspection, const Circumstances& with);

// What is wrong with the request around the report: mask, etags, reason, clock.
void ValidateCorrection(const v1::CorrectInspectionRequest& request, absl::CivilDay today,
                        base::Violations& violations);

// A published report is corrected, a withdrawn one published again. `given` holds the new values; `before` is the last revision of the
// report, with the bodies that owed a response. FAILED_PRECONDITION (WRONG_STATE, NO_CHANGE, NOT_READY, NO_BODY).
absl::StatusOr<Step<v1::InspectionCorrected>> Correct(const v1::CorrectInspectionRequest& request,
                                                      const v1::Inspection& given, v1::Inspection inspection,
                                                      const v1::InspectionRevision& before, const Circumstances& with);

void ValidateWithdrawal(const v1::WithdrawInspectionRequest& request, base::Violations& violations);

// FAILED_PRECONDITION (WRONG_STATE).
absl::StatusOr<Step<v1::InspectionWithdrawn>> Withdraw(const v1::WithdrawInspectionRequest& request,
                                                       v1::Inspection inspection, const v1::InspectionRevision& before,
                                                       const Circumstances& with);

// What of a report is not as it was, field by field and finding by finding.
std::vector<v1::Change> Compare(const v1::Inspection& before, const v1::Inspection& after);

// The last lawful day of a published report; nothing when section 55(5A) gives none. `words` receives the clock in a sentence, or why
// none runs.
std::optional<absl::CivilDay> LastLawfulDay(const v1::Inspection& inspection, std::string& words);

}  // namespace section55::registry::rules
