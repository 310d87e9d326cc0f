// What a response lacks, and what should be known before it goes on. Pure functions; the response holds its report with its findings.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/civil_time.h"
#include "section55/authoring/v1/response.pb.h"

namespace section55::authoring::rules {

// "inspections/safe-to-share/findings/recommendation-5".
std::string FindingName(const v1::Response& response, const registry::v1::Finding& finding);

// The day until which an open response waits for the chief officer, who was asked and has neither commented nor said that there are no
// comments. When it has passed, the silence is to be recorded.
std::optional<absl::CivilDay> AwaitsChiefOfficerUntil(const v1::Response& response);

// What the response lacks: what blocks submission first; in the end what is usual for each answer.
std::vector<v1::Gap> FindGaps(const v1::Response& response, absl::CivilDay today);

// Whether this person wrote or submitted the response, so that somebody else must approve it.
bool HasWritten(const v1::Response& response, std::string_view person);

// What is no gap: who could have approved and has written instead, and whether `person`, who `may_approve`, is one of them; an
// invitation to or past the statutory day; an adopted comment that has changed; texts that look pasted.
std::vector<v1::Gap> FindWarnings(const v1::Response& response, std::string_view person, bool may_approve);

}  // namespace section55::authoring::rules
