// Whether a Word file is one that Word opens without repair: what the standard (ISO/IEC 29500) asks of the package and of the elements
// that our writer uses, read independently of it.
#pragma once

#include <string>
#include <vector>

namespace section55::document {

// Every fault in words; none for a sound file. Checked: a consistent archive with [Content_Types].xml first; well-formed parts, each of a
// declared type; relationships that lead to parts; styles, numbered lists, links and bookmarks that exist, once each; the order of
// elements that the schema prescribes; tables whose rows all fill the grid, with a header row that repeats; headings that skip no level;
// a language, a title and no field that tells when the file was made.
std::vector<std::string> FaultsOfWord(const std::string& bytes);

}  // namespace section55::document
