#include "libs/document/plain_text.h"

namespace section55::document {
namespace {

void Append(const Inlines& inlines, std::string& out) {
  for (const Inline& item : inlines) {
    std::visit(Overloaded{
                   [&](const Text& text) { out += text.text; },
                   [&](const Code& code) { out += code.text; },
                   [&](const LineBreak&) { out += '\n'; },
                   [&](const Emphasis& emphasis) { Append(emphasis.content, out); },
                   [&](const Strong& strong) { Append(strong.content, out); },
                   [&](const Link& link) { Append(link.content, out); },
               },
               item.value);
  }
}

void Append(const Table::Row& row, std::string& out) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0) {
      out += '\t';
    }
    Append(row[i], out);
  }
  out += '\n';
}

// Every block ends with a line feed.
void Append(const Block& block, std::string& out) {
  std::visit(Overloaded{
                 [&](const Paragraph& paragraph) {
                   Append(paragraph.content, out);
                   out += '\n';
                 },
                 [&](const Heading& heading) {
                   Append(heading.content, out);
                   out += '\n';
                 },
                 [&](const List& list) {
                   for (const Blocks& item : list.items) {
                     for (const Block& child : item) {
                       Append(child, out);
                     }
                   }
                 },
                 [&](const BlockQuote& quote) {
                   for (const Block& child : quote.content) {
                     Append(child, out);
                   }
                 },
                 [&](const CodeBlock& code) { out += code.text + "\n"; },
                 [&](const Table& table) {
                   Append(table.header, out);
                   for (const Table::Row& row : table.rows) {
                     Append(row, out);
                   }
                 },
                 [&](const ThematicBreak&) {},
             },
             block.value);
}

}  // namespace

std::string RenderPlainText(const Blocks& blocks) {
  std::string out;
  for (const Block& block : blocks) {
    std::string text;
    Append(block, text);
    if (text.empty()) {
      continue;
    }
    if (!out.empty()) {
      out += '\n';
    }
    out += text;
  }
  if (!out.empty()) {
    out.pop_back();
  }
  return out;
}

namespace {

// Parts are parted by an empty line.
void AppendPart(const std::string& part, std::string& out) {
  if (!part.empty()) {
    out += out.empty() ? "" : "\n\n";
    out += part;
  }
}

void Append(const std::vector<Element>& elements, std::string& out) {
  for (const Element& element : elements) {
    std::visit(Overloaded{
                   [&](const Section& section) {
                     AppendPart(section.heading, out);
                     Append(section.content, out);
                   },
                   [&](const Facts& facts) {
                     std::string lines;
                     for (const Fact& fact : facts.facts) {
                       lines += lines.empty() ? "" : "\n";
                       lines += fact.label + "\t" + (fact.mark.empty() ? "" : fact.mark + " ");
                       Append(fact.value, lines);
                     }
                     AppendPart(lines, out);
                   },
                   [&](const Prose& prose) { AppendPart(RenderPlainText(prose.blocks), out); },
                   [&](const Remark& remark) { AppendPart(RenderPlainText(remark.content), out); },
                   [&](const Overview& overview) {
                     AppendPart(overview.caption, out);
                     std::string lines;
                     for (const std::string& column : overview.columns) {
                       lines += (lines.empty() ? "" : "\t") + column;
                     }
                     lines += "\n";
                     for (const std::vector<Inlines>& row : overview.rows) {
                       Append(row, lines);
                     }
                     lines.pop_back();
                     AppendPart(lines, out);
                   },
               },
               element.value);
  }
}

}  // namespace

std::string RenderPlainText(const Document& document) {
  std::string out;
  AppendPart(document.watermark, out);
  AppendPart(document.author, out);
  AppendPart(document.title, out);
  AppendPart(document.subtitle, out);
  Append(document.content, out);
  return out;
}

std::string RenderPlainText(const Inlines& inlines) {
  std::string out;
  Append(inlines, out);
  return out;
}

}  // namespace section55::document
