#include "libs/document/size.h"

#include <string_view>

#include "libs/document/html.h"
#include "libs/document/links.h"

namespace section55::document {
namespace {

class Counter {
 public:
  RenderedSize size() const { return size_; }

  void Count(const Blocks& blocks, bool tight = false) {
    CountArray(blocks.size());
    for (const Block& block : blocks) {
      std::visit(Overloaded{
                     [&](const Paragraph& paragraph) {
                       Add(tight ? "\n" : "<p></p>\n", R"({"type":"paragraph","content":})");
                       Count(paragraph.content);
                     },
                     [&](const Heading& heading) {
                       Add("<h1></h1>\n", R"({"type":"heading","level":1,"content":})");
                       Count(heading.content);
                     },
                     [&](const List& list) { Count(list); },
                     [&](const BlockQuote& quote) {
                       Add("<blockquote>\n</blockquote>\n", R"({"type":"block_quote","content":})");
                       Count(quote.content);
                     },
                     [&](const CodeBlock& code) {
                       Add("<pre><code></code></pre>\n", R"({"type":"code_block","text":""})");
                       CountText(code.text);
                     },
                     [&](const Table& table) { Count(table); },
                     [&](const ThematicBreak&) { Add("<hr>\n", R"({"type":"thematic_break"})"); },
                 },
                 block.value);
    }
  }

 private:
  void Add(std::string_view html, std::string_view json) {
    size_.html += html.size();
    size_.json += json.size();
  }

  // The brackets and commas of an array.
  void CountArray(std::size_t elements) { size_.json += 2 + (elements > 1 ? elements - 1 : 0); }

  void CountHtml(std::string_view text) {
    for (const char c : text) {
      switch (c) {
        case '&':
        case '\'':
          size_.html += 5;
          break;
        case '<':
        case '>':
          size_.html += 4;
          break;
        case '"':
          size_.html += 6;
          break;
        default:
          ++size_.html;
      }
    }
  }

  // Of the control characters only tab and line feed stand in blocks.
  void CountJson(std::string_view text) {
    for (const char c : text) {
      size_.json += c == '"' || c == '\\' || c == '\n' || c == '\t' ? 2 : 1;
    }
  }

  void CountText(std::string_view text) {
    CountHtml(text);
    CountJson(text);
  }

  void Count(const Inlines& inlines) {
    CountArray(inlines.size());
    for (const Inline& item : inlines) {
      std::visit(Overloaded{
                     [&](const Text& text) {
                       Add("", R"({"type":"text","text":""})");
                       CountText(text.text);
                     },
                     [&](const Code& code) {
                       Add("<code></code>", R"({"type":"code","text":""})");
                       CountText(code.text);
                     },
                     [&](const LineBreak&) { Add("<br>\n", R"({"type":"line_break"})"); },
                     [&](const Emphasis& emphasis) {
                       Add("<em></em>", R"({"type":"emphasis","content":})");
                       Count(emphasis.content);
                     },
                     [&](const Strong& strong) {
                       Add("<strong></strong>", R"({"type":"strong","content":})");
                       Count(strong.content);
                     },
                     [&](const Link& link) {
                       Add(R"(<a href=""></a>)", R"({"type":"link","href":"","content":})");
                       Add(IsExternal(link.href) ? R"( rel="noopener noreferrer")" : "", "");
                       CountText(link.href);
                       Count(link.content);
                     },
                 },
                 item.value);
    }
  }

  void Count(const List& list) {
    Add(list.ordered ? "<ol>\n</ol>\n" : "<ul>\n</ul>\n", R"({"type":"list","ordered":,"start":,"tight":,"items":})");
    const std::string start = std::to_string(list.start);
    if (list.ordered && list.start != 1) {
      Add(R"( start="")", "");
      size_.html += start.size();
    }
    size_.json += start.size();
    Add("", list.ordered ? "true" : "false");
    Add("", list.tight ? "true" : "false");
    CountArray(list.items.size());
    for (const Blocks& item : list.items) {
      Add(list.tight ? "<li></li>\n" : "<li>\n</li>\n", "");
      Count(item, list.tight);
    }
  }

  void Count(const Table& table) {
    ++tables_;
    Add("<div class=\"table-scroll\" role=\"region\" tabindex=\"0\" aria-label=\"\">\n<table>\n<thead>\n</thead>\n"
        "</table>\n</div>\n",
        R"({"type":"table","header":,"rows":})");
    CountHtml(HtmlOptions().table_label);
    if (tables_ > 1) {
      size_.html += std::to_string(tables_).size() + 3;
    }
    Count(table.header, /*is_header=*/true);
    CountArray(table.rows.size());
    Add(table.rows.empty() ? "" : "<tbody>\n</tbody>\n", "");
    for (const Table::Row& row : table.rows) {
      Count(row, /*is_header=*/false);
    }
  }

  void Count(const Table::Row& row, bool is_header) {
    CountArray(row.size());
    Add("<tr>\n</tr>\n", "");
    for (const Inlines& cell : row) {
      Add(is_header && !cell.empty() ? "<th scope=\"col\"></th>\n" : "<td></td>\n", "");
      Count(cell);
    }
  }

  RenderedSize size_;
  int tables_ = 0;
};

}  // namespace

RenderedSize RenderedSizeOf(const Blocks& blocks) {
  Counter counter;
  counter.Count(blocks);
  return counter.size();
}

}  // namespace section55::document
