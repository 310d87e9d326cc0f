// Two versions of a text compared word by word. Pure functions.
#pragma once

#include <string_view>
#include <vector>

#include "section55/authoring/v1/revision.pb.h"

namespace section55::authoring {

// What is in both, removed or added, in the order of the text; neighbours of one kind are one. What is SAME or REMOVED, joined, is `before`,
// what is SAME or ADDED `after`. Time is bounded: texts of thousands of words that have little in common are told as one removed and one
// added.
std::vector<v1::Words> CompareWords(std::string_view before, std::string_view after);

}  // namespace section55::authoring
