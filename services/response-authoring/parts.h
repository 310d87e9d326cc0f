// The parts of a response that change one by one, for the history of each. Pure functions.
//
//   key_findings  comments  reply_to_chief_officer  monitoring  signatory    what the office writes
//   answers/FINDING                                                         one answer, by the id of its finding
//   invitation                                                              asking the chief officer, and silence
//   contributions/ID                                                        one officer's comments
//   state                                                                   the state, the steps that led to it, marks, an exemption, what the report's
//                                                                           correction or another body had to do with it
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "section55/authoring/v1/response.pb.h"

namespace section55::authoring::parts {

// A part that is not what it was.
struct Change {
  std::string part;  // at most 80 characters
  // A response that holds nothing but the part as it is now; empty when it was removed.
  v1::Response now;
};

// By their bytes, which is a tenth of the work of comparing field by field through reflection. Two that say the same in other bytes count
// as different, which costs a row of history.
bool Same(const google::protobuf::MessageLite& a, const google::protobuf::MessageLite& b);

// Whether the office writes it: not an invitation, a contribution or the state.
bool IsOffices(std::string_view part);

// Whether there is such a part beside answers and contributions.
bool IsPart(std::string_view part);

// Every part in which `after` differs from `before`, in the order above.
std::vector<Change> Compare(const v1::Response& before, const v1::Response& after);

}  // namespace section55::authoring::parts
