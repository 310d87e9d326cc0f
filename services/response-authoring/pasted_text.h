// Text that was copied from Word, a PDF or a mail, brought into Markdown. Such text has its own bullets, indents and tabs, which Markdown
// reads as something else (an indented line is code) or not at all (a bullet character is no list). Pure functions.
//
// What becomes what:
//   • ◦ ▪ – and the private characters of Word's symbol fonts      a list; another kind of bullet, or a deeper indent, is a list in it
//   a line that goes on where the item before it broke off         the same item
//   lines indented by a tab or by spaces                            without the indent, unless they belong to a list
//   "# 5 of", "2021. The"                                           the same words, escaped: no heading, no list
//   tabs, runs of spaces, no-break spaces; soft hyphens, zero widths one space; nothing
//   ligatures of a PDF (ﬁ)                                          their letters
//   vertical tabs, form feeds; several empty lines                  an end of line, an empty line; one
// Code between fences and the rows of tables stay as they are. Markdown that was typed as such stays what it was.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace section55::authoring {

struct NormalisedText {
  std::string text;
  // A sentence for each kind of change.
  std::vector<std::string> changes;
};

// Idempotent: the result, normalised again, stays as it is. Takes valid UTF-8 with whatever control characters.
NormalisedText NormaliseText(std::string_view text);

// Whether a text holds what is not published as it looks: bullet characters, indented lines, tabs, runs of spaces, "# 5 of".
bool LooksPasted(std::string_view text);

}  // namespace section55::authoring
