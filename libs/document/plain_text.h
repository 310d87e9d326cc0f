// Blocks to plain text: for summaries and searches, and for the tests that compare the reading order of other
// renditions. Pure and thread-safe; the same blocks give the same bytes.
#pragma once

#include <cstddef>
#include <string>

#include "libs/document/blocks.h"
#include "libs/document/document.h"

namespace section55::document {

// The words in reading order and nothing else: no bullets, no numbers of items, no addresses of links. A blank line
// stands between top-level blocks, a line feed between items, rows and written line breaks, a tab between cells; no
// line feed at the end. Equal, white space aside, to the text of RenderHtml.
std::string RenderPlainText(const Blocks& blocks);

// The same for the content of one paragraph, heading or cell.
std::string RenderPlainText(const Inlines& inlines);

// The words of a document in reading order: watermark, author, title, subtitle, and then its content.
std::string RenderPlainText(const Document& document);

// A document to be read in a mail: headings underlined, bullets and numbers before items, the addresses of links in angle brackets,
// lines of at most `width` characters where words allow it, each ended by a line feed.
std::string RenderMail(const Document& document, std::size_t width = 76);

}  // namespace section55::document
