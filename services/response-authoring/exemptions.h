// Exemptions: a body need not respond to a report, for a reason that two people of the office stand for. Pure functions, as in rules.h.
#pragma once

#include "absl/status/status.h"
#include "section55/authoring/v1/response.pb.h"
#include "section55/authoring/v1/response_authoring.pb.h"
#include "services/response-authoring/checks.h"

namespace section55::authoring::rules {

// Whether an exemption is proposed and waits for a second person.
bool IsProposed(const v1::Response& response);

// Whether `other`, a response of the same body, can discharge another with the same findings: it is owed or published itself.
bool CanDischarge(const v1::Response& other);

// Proposes; replaces what was proposed or revoked before. Whether the response named can discharge this one is asked elsewhere.
absl::Status Exempt(const v1::ExemptResponseRequest& request, const Doer& doer, v1::Response& response);

// OPEN -> EXEMPT, by a second person.
absl::Status ConfirmExemption(const Doer& doer, v1::Response& response);

// EXEMPT -> OPEN; takes back what is only proposed.
absl::Status RevokeExemption(const v1::RevokeExemptionRequest& request, const Doer& doer, v1::Response& response);

}  // namespace section55::authoring::rules
