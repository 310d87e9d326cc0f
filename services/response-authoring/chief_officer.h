// The chief officer's part: the invitation (section 55(4)), the comments (section 55(5)(b)), and silence. Pure functions, as in rules.h.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "libs/base/status.h"
#include "section55/authoring/v1/response.pb.h"
#include "section55/authoring/v1/response_authoring.pb.h"
#include "services/response-authoring/checks.h"

namespace section55::authoring::rules {

// Section 55(4). The day must not be before today. Another day than before asks anew: that there were no comments is taken back.
absl::Status Invite(const v1::InviteChiefOfficerRequest& request, const Doer& doer, v1::Response& response);

// Checks one contribution, whose finding it turns into a name; violations on its fields. The response is with its findings.
void CheckContribution(std::string_view field, const v1::Response& response, v1::Contribution& contribution,
                       base::Violations& violations);

// Section 55(5)(b). A contribution replaces the one that bears its id, else it is added. The response is with its findings.
absl::Status AddContributions(const v1::SubmitChiefOfficerCommentsRequest& request, const Doer& doer,
                              v1::Response& response);

// When no contribution is left, it is as if none had come. NOT_FOUND.
absl::Status WithdrawContributions(const v1::WithdrawChiefOfficerCommentsRequest& request, v1::Response& response);

// Until the day set has passed, only by the force.
absl::Status RecordNoComments(const Doer& doer, v1::Response& response);

// Records that the day set for comments has passed without any. False, and no change, when there is nothing to record: the day has not
// passed, there are comments, the office has submitted.
bool RecordSilence(absl::Time now, absl::CivilDay today, v1::Response& response);

}  // namespace section55::authoring::rules
