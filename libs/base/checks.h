// Checks of single fields of a request. Pure functions; texts are valid UTF-8, as protobuf guarantees for string fields.
#pragma once

#include <cstddef>
#include <string_view>

#include "libs/base/status.h"

namespace section55::base {

// Whether a reader would see nothing of it (unicode.h). For a text in Markdown ask document::IsBlankMarkdown.
bool IsBlank(std::string_view text);

enum class Presence { kRequired, kOptional };

// That a text is there, when it is required, and has at most `max_characters` characters, whatever they are. Returns whether it is so.
bool CheckLength(std::string_view field, std::string_view text, size_t max_characters, Presence presence,
                 Violations& violations);

// A text has at most `max_characters` characters (Unicode code points), no control character except line feed, carriage return and tab,
// and, when it is required, something that a reader can see. Returns whether it does.
bool CheckText(std::string_view field, std::string_view text, size_t max_characters, Presence presence,
               Violations& violations);

// What stands on one line: a name, a title, a rank, a number as printed. As CheckText, but with no line end, tab or other control
// character, and no format character: direction marks, overrides and isolates, zero-width spaces, soft hyphens could make one name look
// like another. Only the joiners U+200C and U+200D may stand, between two visible characters, as some scripts spell words with them. Returns whether the name is fit.
bool CheckName(std::string_view field, std::string_view name, size_t max_characters, Presence presence,
               Violations& violations);

// An enum value of a protobuf message that is set and known to this version. `Kind_IsValid` is the generated check.
void CheckEnum(std::string_view field, int value, bool (*is_valid)(int), Presence presence, Violations& violations);

// "forces/norfolk" for the pattern "forces/{force}". Whether it exists is asked elsewhere.
void CheckResourceName(std::string_view field, std::string_view name, std::string_view pattern, Violations& violations);

// The last part of a new resource's name.
void CheckResourceId(std::string_view field, std::string_view id, Violations& violations);

}  // namespace section55::base
