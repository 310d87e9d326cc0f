#include "libs/document/html.h"

#include <optional>

#include "libs/document/headings.h"
#include "libs/document/links.h"

namespace section55::document {
namespace {

class HtmlWriter {
 public:
  explicit HtmlWriter(const HtmlOptions& options) : levels_(options.heading_offset), label_(options.table_label) {}

  // `tight`: the blocks are an item of a tight list, whose paragraphs have no element of their own.
  void Write(const Blocks& blocks, bool tight = false) {
    for (const Block& block : blocks) {
      std::visit(Overloaded{
                     [&](const Paragraph& paragraph) {
                       if (!tight) {
                         out_ += "<p>";
                       }
                       Write(paragraph.content);
                       out_ += tight ? "\n" : "</p>\n";
                     },
                     [&](const Heading& heading) {
                       const std::string name = "h" + std::to_string(levels_.Next(heading.level));
                       out_ += "<" + name + ">";
                       Write(heading.content);
                       out_ += "</" + name + ">\n";
                     },
                     [&](const List& list) { Write(list); },
                     [&](const BlockQuote& quote) {
                       out_ += "<blockquote>\n";
                       Write(quote.content);
                       out_ += "</blockquote>\n";
                     },
                     [&](const CodeBlock& code) { out_ += "<pre><code>" + EscapeHtml(code.text) + "</code></pre>\n"; },
                     [&](const Table& table) { Write(table); },
                     [&](const ThematicBreak&) { out_ += "<hr>\n"; },
                 },
                 block.value);
    }
  }

  std::string Take() { return std::move(out_); }

 private:
  void Write(const Inlines& inlines) {
    for (const Inline& item : inlines) {
      std::visit(Overloaded{
                     [&](const Text& text) { out_ += EscapeHtml(text.text); },
                     [&](const Code& code) { out_ += "<code>" + EscapeHtml(code.text) + "</code>"; },
                     [&](const LineBreak&) { out_ += "<br>\n"; },
                     [&](const Emphasis& emphasis) { WriteWithin("em", emphasis.content); },
                     [&](const Strong& strong) { WriteWithin("strong", strong.content); },
                     [&](const Link& link) { Write(link); },
                 },
                 item.value);
    }
  }

  void WriteWithin(const std::string& element, const Inlines& content) {
    out_ += "<" + element + ">";
    Write(content);
    out_ += "</" + element + ">";
  }

  void Write(const Link& link) {
    const std::optional<std::string> href = SafeHref(link.href);
    if (!href) {
      return Write(link.content);
    }
    out_ += "<a href=\"" + EscapeHtml(*href) + "\"";
    if (IsExternal(*href)) {
      out_ += " rel=\"noopener noreferrer\"";
    }
    out_ += ">";
    Write(link.content);
    out_ += "</a>";
  }

  void Write(const List& list) {
    out_ += list.ordered ? "<ol" : "<ul";
    if (list.ordered && list.start != 1) {
      out_ += " start=\"" + std::to_string(list.start) + "\"";
    }
    out_ += ">\n";
    for (const Blocks& item : list.items) {
      out_ += list.tight ? "<li>" : "<li>\n";
      Write(item, list.tight);
      out_ += "</li>\n";
    }
    out_ += list.ordered ? "</ol>\n" : "</ul>\n";
  }

  void Write(const Table& table) {
    ++tables_;
    const std::string number = tables_ == 1 ? "" : " (" + std::to_string(tables_) + ")";
    out_ += "<div class=\"table-scroll\" role=\"region\" tabindex=\"0\" aria-label=\"" + EscapeHtml(label_ + number) +
            "\">\n<table>\n<thead>\n";
    Write(table.header, /*is_header=*/true);
    out_ += "</thead>\n";
    if (!table.rows.empty()) {
      out_ += "<tbody>\n";
      for (const Table::Row& row : table.rows) {
        Write(row, /*is_header=*/false);
      }
      out_ += "</tbody>\n";
    }
    out_ += "</table>\n</div>\n";
  }

  void Write(const Table::Row& row, bool is_header) {
    out_ += "<tr>\n";
    for (const Inlines& cell : row) {
      const bool names_column = is_header && !cell.empty();
      out_ += names_column ? "<th scope=\"col\">" : "<td>";
      Write(cell);
      out_ += names_column ? "</th>\n" : "</td>\n";
    }
    out_ += "</tr>\n";
  }

  HeadingLevels levels_;
  std::string label_;
  int tables_ = 0;
  std::string out_;
};

}  // namespace

std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string RenderHtml(const Blocks& blocks, const HtmlOptions& options) {
  HtmlWriter writer(options);
  writer.Write(blocks);
  return writer.Take();
}

}  // namespace section55::document
