// Markdown to blocks.
//
// CommonMark with GitHub's tables, by cmark-gfm. What is ours:
// - Raw HTML is never markup: it becomes the literal characters that the writer typed, so that nothing is silently lost. Only its
//   comments, which say themselves that they are not to be read, are dropped; one that does not end stays.
// - An image becomes its alternative text. A link becomes its text alone unless SafeHref (links.h) allows its address; a link without
//   text shows its address.
// - A paragraph or heading of which nothing can be seen (libs/base/unicode.h) is dropped.
// - A bare address (https://... or http://...) becomes a link. cmark's own "autolink" extension is not used: it changes tables shared by
//   all threads while it parses, and takes quadratic time on hostile input.
// - Cells beyond a table's header, which GitHub drops, are kept as text in the last cell of their row.
// - Below kMaxDepth, blocks become paragraphs of plain text and inlines become plain text.
// - Control characters other than tab and line feed, and U+FFFE and U+FFFF, become U+FFFD: XML (Word, PDF metadata) forbids them.
// - A text whose tables could grow past kMaxTableCells cells when short rows are filled up (a few kilobytes can ask for gigabytes) is
//   read without tables: their rows then appear as ordinary paragraphs.
// - A text whose uses of link definitions could copy more than kMaxReferenceBytes of addresses and titles (a long address that is used
//   thousands of times makes hundreds of megabytes of fifty kilobytes) is read without definitions: they and their uses then appear as
//   the characters that were typed.
// Not kept, as Markdown has it: titles of links, unused link definitions ("[1]: https://..."), languages of code blocks.
#pragma once

#include <cstddef>
#include <string_view>

#include "libs/document/blocks.h"

namespace section55::document {

inline constexpr std::size_t kMaxTableCells = 100'000;
inline constexpr std::size_t kMaxReferenceBytes = std::size_t{1} << 20;

// A text, and what had to be given up so that its blocks stay within bounds.
struct Reading {
  Blocks blocks;
  bool references_ignored = false;  // kMaxReferenceBytes
  bool tables_ignored = false;      // kMaxTableCells
  bool flattened = false;           // kMaxDepth
};

// Total: every sequence of bytes gives blocks, and the same bytes give the same blocks. Invalid UTF-8 and NUL become U+FFFD. Time and
// memory are close to linear in the length, plus the constants above; callers bound the length (a response is some tens of
// kilobytes). Thread-safe.
Reading ReadMarkdown(std::string_view markdown);

// The blocks alone.
Blocks ParseMarkdown(std::string_view markdown);

}  // namespace section55::document
