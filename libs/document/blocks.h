// A text as typed blocks: what staff wrote in Markdown, and what every rendition (page, PDF, Word file, plain text,
// JSON) is made from. The reading order is the order of the blocks, so it is the same in all of them.
//
// Plain values, compared by value. All strings are UTF-8. From ParseMarkdown they are valid UTF-8 without control
// characters other than tab and line feed, and nothing nests deeper than kMaxDepth; code that makes blocks by hand
// keeps to the same, as the renderers recurse.
#pragma once

#include <string>
#include <variant>
#include <vector>

namespace section55::document {

// How deep blocks may stand within blocks, and inlines within inlines.
inline constexpr int kMaxDepth = 16;

struct Inline;
using Inlines = std::vector<Inline>;

// Literal characters; never markup in any rendition.
struct Text {
  std::string text;
  bool operator==(const Text&) const = default;
};

// A short piece of code within a sentence.
struct Code {
  std::string text;
  bool operator==(const Code&) const = default;
};

// A line break that the writer asked for.
struct LineBreak {
  bool operator==(const LineBreak&) const = default;
};

struct Emphasis {
  Inlines content;
  bool operator==(const Emphasis&) const = default;
};

struct Strong {
  Inlines content;
  bool operator==(const Strong&) const = default;
};

// Never within another link.
struct Link {
  std::string href;  // As SafeHref (links.h) gives it: https, http, mailto or #fragment; ASCII only.
  Inlines content;   // Never without text.
  bool operator==(const Link&) const = default;
};

struct Inline {
  std::variant<Text, Code, LineBreak, Emphasis, Strong, Link> value;
  bool operator==(const Inline&) const = default;
};

struct Block;
using Blocks = std::vector<Block>;

struct Paragraph {
  Inlines content;
  bool operator==(const Paragraph&) const = default;
};

struct Heading {
  int level = 1;  // 1 to 6, as the writer chose it; renditions show HeadingLevels::Next of it (headings.h).
  Inlines content;
  bool operator==(const Heading&) const = default;
};

struct List {
  bool ordered = false;
  int start = 1;      // The number of the first item, 0 to 999,999,999; 1 and without meaning if not ordered.
  bool tight = true;  // Written without blank lines: items are shown without space between them.
  std::vector<Blocks> items;
  bool operator==(const List&) const = default;
};

struct BlockQuote {
  Blocks content;
  bool operator==(const BlockQuote&) const = default;
};

struct CodeBlock {
  std::string text;  // Lines parted by line feeds, none at the end.
  bool operator==(const CodeBlock&) const = default;
};

// Every row has as many cells as the header; cells can be empty.
struct Table {
  using Row = std::vector<Inlines>;
  Row header;
  std::vector<Row> rows;
  bool operator==(const Table&) const = default;
};

struct ThematicBreak {
  bool operator==(const ThematicBreak&) const = default;
};

struct Block {
  std::variant<Paragraph, Heading, List, BlockQuote, CodeBlock, Table, ThematicBreak> value;
  bool operator==(const Block&) const = default;
};

// For std::visit with one lambda for each kind, so that the compiler says which kind a rendition has forgotten.
template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

}  // namespace section55::document
