// How much a Markdown text could become, found by looking at its bytes once and without parsing it: for deciding what must not be
// parsed as it stands, and what need not be parsed at all to be known as harmless. Every figure is an upper bound. Pure and
// thread-safe.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace section55::document {

// The lines without their ends, which are LF, CR or CR LF.
std::vector<std::string_view> Lines(std::string_view text);

// How many bytes of addresses and titles the uses of link definitions ("[1]: https://...") can copy: the longest definition, once for
// every bracket that closes.
std::size_t MostReferenceBytes(const std::vector<std::string_view>& lines);

// How many cells the tables can have once their short rows are filled up: of all that is not parted by empty lines, the columns of
// the widest row of dashes for every line.
std::size_t MostTableCells(const std::vector<std::string_view>& lines);

// How many bytes RenderHtml or dump() of ToJson can make of the text.
std::size_t MostRenderedBytes(std::string_view markdown);

// Whether nothing in it can stand deeper than kMaxDepth (blocks.h).
bool IsSurelyShallow(std::string_view markdown);

// Whether the rendition surely shows something: a letter that stands where no mark can hide it.
bool IsSurelyVisible(std::string_view markdown);

}  // namespace section55::document
