// The rules of a response: what may be written when, what is missing, who may approve. Pure functions on the proto messages: no gRPC,
// no SQL, no clock.
//
// A function that changes a response checks the whole request before it changes anything; only a response that has grown too large
// is found out afterwards. After an error the response is not to be saved.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "section55/authoring/v1/response.pb.h"
#include "section55/authoring/v1/response_authoring.pb.h"
#include "section55/registry/v1/events.pb.h"

namespace section55::authoring::rules {

// The longest serialised response: what fits into an event with room to spare.
inline constexpr size_t kMostResponseBytes = 2 * 1024 * 1024;

// The ids in "bodies/norfolk-pcc/responses/safe-to-share".
struct ResponseId {
  std::string body;
  std::string inspection;
};

// A violation on `field` when `name` has another form.
absl::StatusOr<ResponseId> ParseResponseName(std::string_view name, std::string_view field = "name");

// The response that a body owes to a report, when it opens.
v1::Response Open(const registry::v1::Inspection& inspection, const registry::v1::Obligation& obligation,
                  absl::Time now);

// Who does something, and when; `today` is the day in London.
struct Doer {
  std::string actor;
  absl::Time now;
  absl::CivilDay today;
};

// Section 55(4). The day must not be before today.
absl::Status Invite(const v1::InviteChiefOfficerRequest& request, const Doer& doer, v1::Response& response);

// Section 55(5)(b). A contribution replaces the one of the same author on the same finding, else it is added.
absl::Status AddContributions(const v1::SubmitChiefOfficerCommentsRequest& request, const Doer& doer,
                              v1::Response& response);

absl::Status RecordNoComments(const Doer& doer, v1::Response& response);

// Sets the masked fields of the body's own part and notes the writer.
absl::Status Update(const v1::UpdateResponseRequest& request, const Doer& doer, v1::Response& response);

// What the response lacks: what blocks submission first.
std::vector<v1::Gap> FindGaps(const v1::Response& response, absl::CivilDay today);

absl::Status Submit(const Doer& doer, v1::Response& response);
absl::Status Return(const v1::ReturnResponseRequest& request, const Doer& doer, v1::Response& response);
absl::Status Approve(const Doer& doer, v1::Response& response);

// The edition was published. OK and no change when that is known already.
absl::Status MarkPublished(int edition, absl::Time published, v1::Response& response);

// The response as the force's people see it before it is published: what they were asked and what they said, without the body's
// draft.
void HideDraft(v1::Response& response);

}  // namespace section55::authoring::rules
