// The field's words for what the data holds as enums. Pure functions; text, not markup.
#pragma once

#include <string>

#include "absl/time/civil_time.h"
#include "section55/authoring/v1/response.pb.h"
#include "section55/publication/v1/publication_record.pb.h"

namespace section55::publication {

// "PEEL inspection", "super-complaint".
std::string KindWords(registry::v1::Inspection::Kind kind);

// "Response under section 55 of the Police Act 1996": why the body answers.
std::string DutyWords(registry::v1::Inspection::Basis basis);

// "inspections/safe-to-share/findings/recommendation-5", by which answers and contributions refer to a finding.
std::string FindingName(const authoring::v1::Response& response, const registry::v1::Finding& finding);

// "Recommendation 5".
std::string FindingWords(const registry::v1::Finding& finding);

// "Chief constables and local policing bodies jointly". Names of the response's own body and force are written out.
std::string AddresseeWords(const registry::v1::Addressee& addressee, const authoring::v1::Response& response);

// "immediately", "by 31 January 2024", "by January 2024", or the words as printed.
std::string DueWords(const registry::v1::Due& due);

// "Action proposed".
std::string AnswerWords(authoring::v1::Answer::Kind kind);

// "Day 55 of 56", "Late by 2 days", or "Day 90, no statutory day".
std::string TimelinessWords(const v1::PublicationRecord& record);

// "9 February 2021 at 10:15:30 GMT"; empty for an instant that is not known.
std::string InstantWords(const google::protobuf::Timestamp& instant);

}  // namespace section55::publication
