// Texts and documents to HTML. Pure and thread-safe; the same input gives the same bytes.
#pragma once

#include <string>
#include <string_view>

#include "libs/document/blocks.h"
#include "libs/document/document.h"

namespace section55::document {

struct HtmlOptions {
  // The level of the heading of the section in which the text stands, 0 to 5: a top heading of the text is shown one
  // deeper, and levels are never skipped (headings.h).
  int heading_offset = 0;
  // The accessible name of the scrolling region around a table, in the language of the document; a second table of the
  // same text is named "Table (2)".
  std::string table_label = "Table";
};

// `text` for use between tags or within a quoted attribute: & < > " ' are written as entities.
std::string EscapeHtml(std::string_view text);

// Well-formed HTML (void elements as <br> and <hr>) without any attribute or element that the writer could choose, but
// for links, whose addresses are checked again by SafeHref: a link that fails keeps its text. All text is escaped. A
// table stands in <div class="table-scroll" role="region" tabindex="0" aria-label="...">, so that a narrow screen
// scrolls it and a keyboard reaches it; an empty header cell is a <td>, since a <th> must name its column.
std::string RenderHtml(const Blocks& blocks, const HtmlOptions& options = {});

// The document as one <article> with an <h1>, for a page to be put round it. Sections are <section>s named by their headings, whose ids
// are the sections'; classes say what kind of part each is: "quoted", "comment", "answer", "facts", "box", "note", "mark", "notice".
std::string RenderArticle(const Document& document);

}  // namespace section55::document
