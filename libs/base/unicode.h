// What a character is to a reader: whether anything of it can be seen, and whether it steers how others are shown.
//
// The tables are those of the Unicode Character Database 15.0 (DerivedCoreProperties, PropList, DerivedGeneralCategory), kept as
// ranges. Pure and thread-safe.
#pragma once

#include <string_view>

namespace section55::base {

// Takes the first character off `text`, which must not be empty. A byte that begins no valid UTF-8 character counts as one U+FFFD.
char32_t TakeCharacter(std::string_view& text);

// Whether a reader sees something where the character stands alone. Not white space of any kind, control and format characters,
// default-ignorable ones (zero-width, fillers, variation selectors, tags), the blank Braille pattern and the placeholder of an object;
// nor a combining mark of the common blocks, which needs a letter to stand on. Every other character counts, punctuation too.
bool IsVisible(char32_t character);

// Whether any character of the text is visible.
bool HasVisible(std::string_view text);

// A control character (general category Cc), line feed and tab among them, or a line or paragraph separator (Zl, Zp).
bool IsControl(char32_t character);

// A format character (general category Cf): soft hyphen, joiners, direction marks, overrides and isolates, tags.
bool IsFormat(char32_t character);

}  // namespace section55::base
