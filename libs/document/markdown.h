// Markdown to blocks.
//
// CommonMark with GitHub's tables, by cmark-gfm. What is ours:
// - Raw HTML is never markup: it becomes the literal characters that the writer typed, so that nothing is silently
// lost.
// - An image becomes its alternative text. A link becomes its text alone unless SafeHref (links.h) allows its address;
// a link
//   without text shows its address.
// - A bare address (https://... or http://...) becomes a link. cmark's own "autolink" extension is not used: it changes
// tables
//   shared by all threads while it parses, and takes quadratic time on hostile input.
// - Cells beyond a table's header, which GitHub drops, are kept as text in the last cell of their row.
// - Below kMaxDepth, blocks become paragraphs of plain text and inlines become plain text.
// - Control characters other than tab and line feed, and U+FFFE and U+FFFF, become U+FFFD: XML (Word, PDF metadata)
// forbids them.
// - A text whose tables could grow past kMaxTableCells cells when short rows are filled up (a few kilobytes can ask for
//   gigabytes) is read without tables: their rows then appear as ordinary paragraphs.
// Not kept, as Markdown has it: titles of links, unused link definitions ("[1]: https://..."), languages of code
// blocks.
#ifndef SECTION55_LIBS_DOCUMENT_MARKDOWN_H_
#define SECTION55_LIBS_DOCUMENT_MARKDOWN_H_

#include <string_view>

#include "libs/document/blocks.h"

namespace section55::document {

inline constexpr std::size_t kMaxTableCells = 100'000;

// Total: every sequence of bytes gives blocks, and the same bytes give the same blocks. Invalid UTF-8 and NUL become
// U+FFFD. The time is close to linear in the length; callers bound the length (a response is some tens of kilobytes).
// Thread-safe.
Blocks ParseMarkdown(std::string_view markdown);

}  // namespace section55::document

#endif  // SECTION55_LIBS_DOCUMENT_MARKDOWN_H_
