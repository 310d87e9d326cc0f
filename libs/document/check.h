// What a Markdown text must be to be saved: checked when it comes in, so that everything saved can be rendered.
#pragma once

#include <cstddef>
#include <string_view>

#include "libs/base/checks.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"

namespace section55::document {

// Whether a reader of the rendition would see nothing: no letter, digit or other visible character. Not only the empty text and white
// space of every kind, but also &nbsp;, zero-width characters, a lone "#", an image without a text, an HTML comment, a link
// definition that nothing refers to, a rule, an empty table. Thread-safe.
bool IsBlankMarkdown(std::string_view markdown);

// What a rendition of a text may take: so many bytes for each byte of the text, and so many beside, which leaves short texts alone.
// Ordinary prose takes less than two for each, tables of figures about nine.
inline constexpr std::size_t kMostBytesPerByte = 10;
inline constexpr std::size_t kMostBytesBeside = 64 * base::kKibibyte;

// How long the HTML and the JSON of a text of `length` bytes may be.
std::size_t MostAllowedBytes(std::size_t length);

// As base::CheckText, for a text in Markdown: at most `max_characters` characters, no control character except line feed, carriage
// return and tab, and when it is required something that a reader can see. Besides, a text may not expand: references used so often,
// nesting so deep or tables so large that a rendition is much larger than the text are violations on `field` that say which of them it
// is. Costs one look at each byte for an ordinary text; only one with many marks is parsed. Thread-safe.
void CheckMarkdown(std::string_view field, std::string_view markdown, std::size_t max_characters,
                   base::Presence presence, base::Violations& violations);

}  // namespace section55::document
