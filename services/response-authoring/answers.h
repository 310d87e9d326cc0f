// The body's answers to the findings of a report (section 55(5B)): what may be saved, how answers merge, and what of them is published. Pure
// functions; the response is with its findings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/repeated_field.h"
#include "libs/base/status.h"
#include "section55/authoring/v1/response.pb.h"
#include "section55/authoring/v1/response_authoring.pb.h"
#include "services/response-authoring/checks.h"

namespace section55::authoring::rules {

using Answers = google::protobuf::RepeatedPtrField<v1::Answer>;

// The answers of a request (`field`: "response.answers") with their findings as names; violations for what cannot stand.
std::vector<v1::Answer> CheckAnswers(std::string_view field, const Answers& given, const v1::Response& response,
                                     base::Violations& violations);

// That every etag given with an answer is the one that it has now. ABORTED (ETAG_MISMATCH), naming the answer.
absl::Status CheckAnswerEtags(const Answers& given, const v1::Response& response);

// Sets or replaces the answers given, finding by finding, and keeps all in the order of the findings. One that says nothing removes its
// predecessor.
void MergeAnswers(std::vector<v1::Answer> given, absl::Time now, v1::Response& response);

// Gives several findings the same answer, and notes the writer.
absl::Status AnswerTogether(const v1::AnswerTogetherRequest& request, const Doer& doer, v1::Response& response);

// Whether an answer adopts a contribution that is there.
bool Adopts(const v1::Response& response, const v1::Answer& answer);

// The contribution with this id; nullptr when there is none.
const v1::Contribution* FindContribution(const v1::Response& response, std::string_view id);

// Whether an explanation is nothing but the recommendation, or a piece of it, given back.
bool IsPastedBack(std::string_view explanation, std::string_view recommendation);

// The response as it is sent to be published: each answer carries the texts that it adopts, quoted, before its own. Nothing of how the
// office came to it is left.
v1::Response ForPublication(const v1::Response& response);

}  // namespace section55::authoring::rules
