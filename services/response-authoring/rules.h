// The rules of a response: what may be written when, by whom, and who may approve. The chief officer's part stands in chief_officer.h, answers
// in answers.h, exemptions in exemptions.h, what is missing in gaps.h. Pure functions on the proto messages: no gRPC, no SQL, no clock.
//
// A function that changes a response checks the whole request before it changes anything; only a part that has grown too large is found out
// afterwards. After an error the response is not to be saved. Where a rule asks what the report says (which findings it has, on what basis
// it is answered), the response holds its report: "with its findings" is said where those are needed.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/transitions.h"
#include "section55/authoring/v1/response.pb.h"
#include "section55/authoring/v1/response_authoring.pb.h"
#include "section55/registry/v1/events.pb.h"
#include "services/response-authoring/checks.h"

namespace section55::authoring::rules {

// The ids in "bodies/norfolk-pcc/responses/safe-to-share".
struct ResponseId {
  std::string body;
  std::string inspection;
};

// Every way there is. Nothing else changes a state.
inline constexpr base::Transitions<v1::Response::State, 14> kTransitions = {{
    {v1::Response::OPEN, v1::Response::IN_REVIEW, "SubmitResponse"},
    {v1::Response::IN_REVIEW, v1::Response::OPEN, "ReturnResponse"},
    {v1::Response::IN_REVIEW, v1::Response::APPROVED, "ApproveResponse"},
    {v1::Response::APPROVED, v1::Response::IN_REVIEW, "publication could not publish it and says why"},
    {v1::Response::APPROVED, v1::Response::PUBLISHED, "publication published it"},
    {v1::Response::IN_REVIEW, v1::Response::OPEN, "the report is corrected in what must be answered"},
    {v1::Response::OPEN, v1::Response::WITHDRAWN, "the report is withdrawn, or corrected so that it is not owed"},
    {v1::Response::IN_REVIEW, v1::Response::WITHDRAWN, "the report is withdrawn, or corrected so that it is not owed"},
    {v1::Response::WITHDRAWN, v1::Response::OPEN, "the report is published again, or corrected so that it is owed"},
    {v1::Response::OPEN, v1::Response::EXEMPT, "ConfirmExemption, by a second person"},
    {v1::Response::EXEMPT, v1::Response::OPEN, "RevokeExemption"},
    {v1::Response::EXEMPT, v1::Response::WITHDRAWN, "the report is withdrawn, or corrected so that it is not owed"},
    {v1::Response::OPEN, v1::Response::TRANSFERRED, "another body comes in the place of this one"},
    {v1::Response::IN_REVIEW, v1::Response::TRANSFERRED, "another body comes in the place of this one"},
}};

// A violation on `field` when `name` has another form.
absl::StatusOr<ResponseId> ParseResponseName(std::string_view name, std::string_view field = "name");

// The response that a body owes to a report, when it opens; with its report.
v1::Response Open(const registry::v1::Inspection& inspection, const registry::v1::Obligation& obligation,
                  absl::Time now);

// Sets the masked fields of the body's own part and notes the writer. The response is with its findings if the request brings answers.
absl::Status Update(const v1::UpdateResponseRequest& request, const Doer& doer, v1::Response& response);

// The response is with its findings. Records the chief officer's silence if that is due.
absl::Status Submit(const Doer& doer, v1::Response& response);
absl::Status Return(const v1::ReturnResponseRequest& request, const Doer& doer, v1::Response& response);

// By a second person; or, with a reason that is printed, by whoever wrote or submitted it.
absl::Status Approve(const Doer& doer, v1::Response& response, std::string_view bypass_reason = "");

// The edition was published. OK and no change when that is known already.
absl::Status MarkPublished(int edition, absl::Time published, v1::Response& response);

// The edition could not be published: back to the approver, with the reason. OK and no change when it is not the edition approved.
absl::Status Refuse(int edition, const v1::Step& refusal, v1::Response& response);

}  // namespace section55::authoring::rules
