#include "services/response-authoring/exemptions.h"

#include <fmt/format.h>

#include "libs/base/checks.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/document/check.h"
#include "services/response-authoring/rules.h"

namespace section55::authoring::rules {
namespace {

using base::Presence;
using base::Violations;
using v1::Exemption;
using v1::Response;

// The response that discharges another is the same body's own.
void CheckDischarging(const v1::ExemptResponseRequest& request, const Response& response, Violations& violations) {
  const std::string& other = request.discharged_by();
  if (request.kind() != Exemption::SAME_FINDINGS_AS_FORCE_REPORT) {
    if (!other.empty()) {
      violations.Add("discharged_by", "is only for SAME_FINDINGS_AS_FORCE_REPORT");
    }
    return;
  }
  if (other.empty()) {
    violations.Add("discharged_by", "is required: the body's response to the report on its force");
  } else if (const auto ids = base::ParseName(other, base::kResponseName);
             !ids || base::MakeName(base::kBodyName, {(*ids)[0]}) != response.body().name()) {
    violations.Add("discharged_by", fmt::format("must be a response of {}", response.body().name()));
  } else if (other == response.name()) {
    violations.Add("discharged_by", "must be another response than this one");
  }
}

}  // namespace

bool IsProposed(const Response& response) {
  return response.state() == Response::OPEN && response.has_exemption() && !response.exemption().has_confirmation() &&
         !response.exemption().has_revocation();
}

bool CanDischarge(const Response& other) {
  return other.state() == Response::OPEN || other.state() == Response::IN_REVIEW ||
         other.state() == Response::APPROVED || other.state() == Response::PUBLISHED;
}

absl::Status Exempt(const v1::ExemptResponseRequest& request, const Doer& doer, Response& response) {
  Violations violations;
  base::CheckEnum("kind", request.kind(), Exemption::Kind_IsValid, Presence::kRequired, violations);
  document::CheckMarkdown("reason", request.reason(), kMostReason, Presence::kRequired, violations);
  CheckDischarging(request, response, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  RETURN_IF_ERROR(RequireState(response, Response::OPEN));
  Exemption& exemption = *response.mutable_exemption();
  exemption.Clear();
  exemption.set_kind(request.kind());
  exemption.set_reason(request.reason());
  exemption.set_discharged_by(request.discharged_by());
  *exemption.mutable_proposal() = StepBy(doer);
  return CheckFrameSize("reason", response);
}

absl::Status ConfirmExemption(const Doer& doer, Response& response) {
  RETURN_IF_ERROR(RequireState(response, Response::OPEN));
  if (!IsProposed(response)) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "NOT_PROPOSED",
                       "no exemption is proposed: use ExemptResponse first", {{"resource", response.name()}});
  }
  if (response.exemption().proposal().actor() == doer.actor) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "SECOND_PERSON_NEEDED",
                       "whoever proposed an exemption cannot confirm it; a second person must",
                       {{"resource", response.name()}});
  }
  *response.mutable_exemption()->mutable_confirmation() = StepBy(doer);
  return base::Move(kTransitions, response, Response::EXEMPT);
}

absl::Status RevokeExemption(const v1::RevokeExemptionRequest& request, const Doer& doer, Response& response) {
  Violations violations;
  base::CheckText("reason", request.reason(), kMostReason, Presence::kRequired, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  if (IsProposed(response)) {
    *response.mutable_exemption()->mutable_revocation() = StepBy(doer, request.reason());
    return CheckFrameSize("reason", response);
  }
  if (response.state() == Response::OPEN) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "NOT_PROPOSED", "there is no exemption to revoke",
                       {{"resource", response.name()}});
  }
  RETURN_IF_ERROR(RequireState(response, Response::EXEMPT));
  *response.mutable_exemption()->mutable_revocation() = StepBy(doer, request.reason());
  RETURN_IF_ERROR(CheckFrameSize("reason", response));
  return base::Move(kTransitions, response, Response::OPEN);
}

}  // namespace section55::authoring::rules
