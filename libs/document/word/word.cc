#include "libs/document/word.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <pugixml.hpp>
#include <utility>
#include <vector>

#include "libs/document/headings.h"
#include "libs/document/links.h"
#include "libs/document/word/parts.h"

namespace section55::document {
namespace {

using pugi::xml_node;

// Widths in twentieths of a point: of A4 and of the text on it.
constexpr int kPageWidth = 11906, kPageHeight = 16838, kMargin = 1400, kTextWidth = kPageWidth - 2 * kMargin;

void Set(xml_node node, const char* attribute, std::string_view value) {
  node.append_attribute(attribute).set_value(std::string(value).c_str());
}

void Set(xml_node node, const char* attribute, int value) { node.append_attribute(attribute).set_value(value); }

xml_node AddValue(xml_node parent, const char* name, std::string_view value) {
  xml_node node = parent.append_child(name);
  Set(node, "w:val", value);
  return node;
}

// How a paragraph stands and looks.
struct Place {
  xml_node parent;
  int indent = 0;
  int role_indent = 0;  // Of the part's own paragraphs.
  std::string language = {};
  std::string_view style = "Normal";
  Section::Role role = Section::Role::kPlain;
};

// How a piece of text looks.
struct Look {
  bool bold = false;
  bool italic = false;
  bool code = false;
  bool link = false;
  std::string_view colour = {};
};

// Which numbering a paragraph has.
struct Item {
  int number = -1;  // The instance of the numbering; negative: none.
  int level = 0;
};

class WordWriter {
 public:
  explicit WordWriter(const Document& document)
      : document_(document), colour_(fmt::format("{:06X}", ColourOf(document))) {}

  std::vector<word::File> Write() {
    Number(document_.content);
    xml_node root = part_.append_child("w:document");
    Set(root, "xmlns:w", "http://schemas.openxmlformats.org/wordprocessingml/2006/main");
    Set(root, "xmlns:r", "http://schemas.openxmlformats.org/officeDocument/2006/relationships");
    body_ = root.append_child("w:body");
    Place place{.parent = body_};
    const auto line = [&](const std::string& text, std::string_view style) {
      if (!text.empty()) {
        Place at = place;
        at.style = style;
        Runs(Words(text), {}, at, Paragraph(at));
      }
    };
    line(document_.watermark, "Watermark");
    line(document_.author, "Author");
    line(document_.title, "Heading1");
    line(document_.subtitle, "Subtitle");
    Write(document_.content, place, 2);
    PageSetup();
    std::vector<word::File> files = word::Frame(document_);
    files.push_back({"word/document.xml", word::Write(part_)});
    files.push_back(word::Styles(document_));
    files.push_back(word::NumberingPart(lists_));
    files.push_back(word::Relations(hrefs_));
    for (word::File& file : word::HeadersAndFooters(document_)) {
      files.push_back(std::move(file));
    }
    return files;
  }

 private:
  // --- sections of the document

  // Bookmarks have names of their own: an id may be longer than Word allows.
  void Number(const std::vector<Element>& elements) {
    for (const Element& element : elements) {
      if (const auto* section = std::get_if<Section>(&element.value)) {
        bookmarks_.emplace(section->id, static_cast<int>(bookmarks_.size()));
        Number(section->content);
      }
    }
  }

  void Write(const std::vector<Element>& elements, const Place& place, int level) {
    for (const Element& element : elements) {
      std::visit(Overloaded{
                     [&](const Section& section) { Write(section, place, level); },
                     [&](const Facts& facts) { Write(facts, place); },
                     [&](const Prose& prose) {
                       Place inner = place;
                       inner.language = prose.language.empty() ? place.language : prose.language;
                       HeadingLevels levels(level - 1);
                       Write(prose.blocks, inner, levels, -1);
                     },
                     [&](const Remark& remark) { Write(remark, place); },
                     [&](const Overview& overview) { Write(overview, place); },
                 },
                 element.value);
    }
  }

  void Write(const Section& section, const Place& place, int level) {
    constexpr int kRoleIndent = 284;
    Place inner = place;
    if (section.role != Section::Role::kPlain) {
      inner.role = section.role;
      inner.indent += kRoleIndent;
      inner.role_indent = inner.indent;
    }
    Heading(Words(section.heading), std::min(level, kDeepestHeading), inner, bookmarks_.at(section.id));
    Write(section.content, inner, std::min(level + 1, kDeepestHeading));
  }

  void Heading(const Inlines& text, int level, const Place& place, int bookmark) {
    Place at = place;
    const std::string style = fmt::format("Heading{}", level);
    at.style = style;
    xml_node paragraph = Paragraph(at);
    if (bookmark >= 0) {
      xml_node start = paragraph.append_child("w:bookmarkStart");
      Set(start, "w:id", bookmark);
      Set(start, "w:name", fmt::format("part_{}", bookmark));
    }
    Runs(text, {}, at, paragraph);
    if (bookmark >= 0) {
      Set(paragraph.append_child("w:bookmarkEnd"), "w:id", bookmark);
    }
  }

  void Write(const Facts& facts, const Place& place) {
    Place at = place;
    at.style = facts.boxed ? "BoxedFact" : "Fact";
    for (const Fact& fact : facts.facts) {
      xml_node paragraph = Paragraph(at);
      Runs(Words(fact.label), {.bold = true, .colour = "45494F"}, at, paragraph);
      paragraph.append_child("w:r").append_child("w:tab");
      if (!fact.mark.empty()) {
        Runs(Words(fact.mark + " "),
             {.bold = true,
              .colour = fact.tone == Tone::kGood  ? "0B5D38"
                        : fact.tone == Tone::kBad ? "8F1414"
                                                  : "1B1D21"},
             at, paragraph);
      }
      Runs(fact.value, {}, at, paragraph);
    }
  }

  void Write(const Remark& remark, const Place& place) {
    Place at = place;
    switch (remark.kind) {
      case Remark::Kind::kNote:
        at.style = "Note";
        break;
      case Remark::Kind::kMark:
        at.style = "Verdict";
        break;
      case Remark::Kind::kNotice:
        at.style = "Notice";
        break;
      case Remark::Kind::kPlain:
        break;
    }
    Runs(remark.content, {}, at, Paragraph(at));
  }

  void Write(const Overview& overview, const Place& place) {
    Place at = place;
    at.style = "Caption";
    Runs(Words(overview.caption), {}, at, Paragraph(at));
    std::vector<Inlines> header;
    for (const std::string& column : overview.columns) {
      header.push_back(Words(column));
    }
    WriteTable(header, overview.rows, place, /*rows_have_names=*/true);
  }

  // --- texts

  // `item` numbers the first paragraph.
  void Write(const Blocks& blocks, const Place& place, HeadingLevels& levels, int list_level, Item item = Item()) {
    if (item.number >= 0 && (blocks.empty() || !std::holds_alternative<document::Paragraph>(blocks.front().value))) {
      Numbered(Paragraph(place), place, item);
      item.number = -1;
    }
    for (const Block& block : blocks) {
      std::visit(Overloaded{
                     [&](const document::Paragraph& paragraph) {
                       xml_node node = Paragraph(place);
                       if (item.number >= 0) {
                         Numbered(node, place, item);
                         item.number = -1;
                       }
                       Runs(paragraph.content, {}, place, node);
                     },
                     [&](const document::Heading& heading) {
                       Heading(heading.content, levels.Next(heading.level), place, -1);
                     },
                     [&](const List& list) { Write(list, place, levels, list_level + 1); },
                     [&](const BlockQuote& quote) {
                       Place inner = place;
                       inner.style = "Quote";
                       inner.indent += word::kIndent;
                       Write(quote.content, inner, levels, list_level);
                     },
                     [&](const CodeBlock& code) { Write(code, place); },
                     [&](const Table& table) { WriteTable(table.header, table.rows, place, false); },
                     [&](const ThematicBreak&) {
                       xml_node properties = Properties(Paragraph(place));
                       xml_node border = properties.child("w:pBdr");
                       if (!border) {
                         border = properties.insert_child_after("w:pBdr", properties.child("w:pStyle"));
                       }
                       xml_node bottom = border.append_child("w:bottom");
                       Set(bottom, "w:val", "single");
                       Set(bottom, "w:sz", 6);
                       Set(bottom, "w:space", 1);
                       Set(bottom, "w:color", "C5CBD3");
                     },
                 },
                 block.value);
    }
  }

  void Write(const List& list, const Place& place, HeadingLevels& levels, int list_level) {
    Item item{.number = word::kBullets, .level = std::min(list_level, word::kDeepestList)};
    if (list.ordered) {
      lists_.push_back({item.level, list.start});
      item.number = word::kBullets + static_cast<int>(lists_.size());
    }
    Place inner = place;
    inner.indent += word::kIndent;
    for (const Blocks& content : list.items) {
      Write(content, inner, levels, list_level, item);
    }
  }

  void Numbered(xml_node paragraph, const Place& place, const Item& item) {
    xml_node properties = Properties(paragraph);
    xml_node numbering = properties.insert_child_after("w:numPr", properties.child("w:pStyle"));
    AddValue(numbering, "w:ilvl", std::to_string(item.level));
    AddValue(numbering, "w:numId", std::to_string(item.number));
    xml_node indent = properties.child("w:ind");
    Set(indent, "w:hanging", word::kIndent);
    if (xml_node bar = properties.child("w:pBdr").child("w:left")) {
      bar.attribute("w:space").set_value(SpaceBeforeText(place.indent - place.role_indent - word::kIndent));
    }
  }

  void Write(const CodeBlock& code, const Place& place) {
    Place at = place;
    at.style = "Code";
    xml_node paragraph = Paragraph(at);
    Inlines lines;
    size_t begin = 0;
    while (begin <= code.text.size()) {
      const size_t end = std::min(code.text.find('\n', begin), code.text.size());
      if (begin > 0) {
        lines.push_back({LineBreak{}});
      }
      lines.push_back({Text{code.text.substr(begin, end - begin)}});
      begin = end + 1;
    }
    Runs(lines, {}, at, paragraph);
  }

  void WriteTable(const std::vector<Inlines>& header, const std::vector<std::vector<Inlines>>& rows, const Place& place,
                  bool rows_have_names) {
    xml_node parent = place.parent;
    xml_node table = parent.append_child("w:tbl");
    xml_node properties = table.append_child("w:tblPr");
    AddValue(properties, "w:tblStyle", "Ruled");
    xml_node width = properties.append_child("w:tblW");
    Set(width, "w:w", 5000);  // Fiftieths of a per cent.
    Set(width, "w:type", "pct");
    xml_node look = properties.append_child("w:tblLook");
    Set(look, "w:val", rows_have_names ? "00A0" : "0020");
    Set(look, "w:firstRow", 1);
    Set(look, "w:firstColumn", rows_have_names ? 1 : 0);
    xml_node grid = table.append_child("w:tblGrid");
    const int column = kTextWidth / std::max(1, static_cast<int>(header.size()));
    for (size_t i = 0; i < header.size(); ++i) {
      Set(grid.append_child("w:gridCol"), "w:w", column);
    }
    const auto put = [&](const std::vector<Inlines>& row, bool is_header) {
      xml_node node = table.append_child("w:tr");
      if (is_header) {
        node.append_child("w:trPr").append_child("w:tblHeader");
      }
      for (size_t i = 0; i < row.size(); ++i) {
        xml_node cell = node.append_child("w:tc");
        xml_node cell_width = cell.append_child("w:tcPr").append_child("w:tcW");
        Set(cell_width, "w:w", column);
        Set(cell_width, "w:type", "dxa");
        Place at{.parent = cell, .language = place.language, .style = "Cell"};
        Runs(row[i], {.bold = is_header || (rows_have_names && i == 0)}, at, Paragraph(at));
      }
    };
    put(header, true);
    for (const std::vector<Inlines>& row : rows) {
      put(row, false);
    }
    // Two tables that touch would be one.
    Paragraph({.parent = place.parent, .style = "AfterTable"});
  }

  // --- paragraphs and runs

  // The bar beside a part moves with the indent of each paragraph: this space puts it back in line, as far as Word lets it. In points.
  static int SpaceBeforeText(int indent) {
    constexpr int kSpace = 8, kMostSpace = 31, kTwipsInAPoint = 20;
    return std::min(kSpace + indent / kTwipsInAPoint, kMostSpace);
  }

  xml_node Paragraph(const Place& place) {
    xml_node parent = place.parent;
    xml_node paragraph = parent.append_child("w:p");
    xml_node properties = paragraph.append_child("w:pPr");
    AddValue(properties, "w:pStyle", place.style);
    const bool boxed = place.role == Section::Role::kAnswer;
    if (place.role != Section::Role::kPlain && place.style != "Quote") {
      xml_node left = properties.append_child("w:pBdr").append_child("w:left");
      Set(left, "w:val", "single");
      Set(left, "w:sz", 24);
      Set(left, "w:space", SpaceBeforeText(place.indent - place.role_indent));
      Set(left, "w:color", boxed ? std::string_view(colour_) : "C5CBD3");
    }
    if (boxed) {
      xml_node shade = properties.append_child("w:shd");
      Set(shade, "w:val", "clear");
      Set(shade, "w:color", "auto");
      Set(shade, "w:fill", "F1F4F7");
    }
    if (place.style == "Fact" || place.style == "BoxedFact") {
      constexpr int kLabel = 2400;
      if (place.indent > 0) {
        xml_node tab = properties.append_child("w:tabs").append_child("w:tab");
        Set(tab, "w:val", "left");
        Set(tab, "w:pos", kLabel + place.indent);
        xml_node indent = properties.append_child("w:ind");
        Set(indent, "w:left", kLabel + place.indent);
        Set(indent, "w:hanging", kLabel);
      }
    } else if (place.indent > 0) {
      Set(properties.append_child("w:ind"), "w:left", place.indent);
    }
    return paragraph;
  }

  static xml_node Properties(xml_node paragraph) { return paragraph.child("w:pPr"); }

  void Runs(const Inlines& inlines, const Look& look, const Place& place, xml_node parent) {
    for (const Inline& item : inlines) {
      std::visit(Overloaded{
                     [&](const Text& text) { Run(text.text, look, place, parent); },
                     [&](const document::Code& code) {
                       Look inner = look;
                       inner.code = true;
                       Run(code.text, inner, place, parent);
                     },
                     [&](const LineBreak&) { parent.append_child("w:r").append_child("w:br"); },
                     [&](const Emphasis& emphasis) {
                       Look inner = look;
                       inner.italic = !look.italic;
                       Runs(emphasis.content, inner, place, parent);
                     },
                     [&](const Strong& strong) {
                       Look inner = look;
                       inner.bold = true;
                       Runs(strong.content, inner, place, parent);
                     },
                     [&](const Link& link) { Write(link, look, place, parent); },
                 },
                 item.value);
    }
  }

  void Write(const Link& link, const Look& look, const Place& place, xml_node parent) {
    const auto href = SafeHref(link.href);
    const auto bookmark = href && href->starts_with('#') ? bookmarks_.find(href->substr(1)) : bookmarks_.end();
    if (!href || (href->starts_with('#') && bookmark == bookmarks_.end())) {
      return Runs(link.content, look, place, parent);
    }
    xml_node node = parent.append_child("w:hyperlink");
    if (bookmark != bookmarks_.end()) {
      Set(node, "w:anchor", fmt::format("part_{}", bookmark->second));
    } else {
      const auto [known, added] = links_.emplace(*href, static_cast<int>(hrefs_.size()));
      if (added) {
        hrefs_.push_back(*href);
      }
      Set(node, "r:id", fmt::format("link{}", known->second));
    }
    Look inner = look;
    inner.link = true;
    Runs(link.content, inner, place, node);
  }

  void Run(const std::string& text, const Look& look, const Place& place, xml_node parent) {
    xml_node run = parent.append_child("w:r");
    xml_node properties;
    const auto property = [&](const char* name) {
      if (!properties) {
        properties = run.prepend_child("w:rPr");
      }
      return properties.append_child(name);
    };
    if (look.link) {
      Set(property("w:rStyle"), "w:val", "Hyperlink");
    }
    if (look.code) {
      xml_node fonts = property("w:rFonts");
      Set(fonts, "w:ascii", "Courier New");
      Set(fonts, "w:hAnsi", "Courier New");
      Set(fonts, "w:cs", "Courier New");
    }
    if (look.bold) {
      property("w:b");
    }
    if (look.italic) {
      property("w:i");
    }
    if (!look.colour.empty() && !look.link) {
      Set(property("w:color"), "w:val", look.colour);
    }
    if (!place.language.empty()) {
      Set(property("w:lang"), "w:val", place.language);
    }
    std::string characters = text;
    std::replace_if(
        characters.begin(), characters.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
    xml_node node = run.append_child("w:t");
    Set(node, "xml:space", "preserve");
    node.text().set(characters.c_str());
  }

  // The page: size, margins, header and footer.
  void PageSetup() {
    xml_node section = body_.append_child("w:sectPr");
    const auto reference = [&](const char* element, std::string_view type, std::string_view id) {
      xml_node node = section.append_child(element);
      Set(node, "w:type", type);
      Set(node, "r:id", id);
    };
    reference("w:headerReference", "default", "header");
    reference("w:headerReference", "first", "first_header");
    reference("w:footerReference", "default", "footer");
    reference("w:footerReference", "first", "footer");
    xml_node size = section.append_child("w:pgSz");
    Set(size, "w:w", kPageWidth);
    Set(size, "w:h", kPageHeight);
    xml_node margins = section.append_child("w:pgMar");
    for (const char* side : {"w:top", "w:right", "w:bottom", "w:left"}) {
      Set(margins, side, kMargin);
    }
    Set(margins, "w:header", 700);
    Set(margins, "w:footer", 700);
    Set(margins, "w:gutter", 0);
    section.append_child("w:titlePg");
  }

  const Document& document_;
  const std::string colour_;
  pugi::xml_document part_;
  xml_node body_;
  std::vector<word::Numbering> lists_;
  std::vector<std::string> hrefs_;
  std::map<std::string, int, std::less<>> links_;
  std::map<std::string, int, std::less<>> bookmarks_;
};

}  // namespace

absl::StatusOr<std::string> RenderWord(const Document& document) { return word::Zip(WordWriter(document).Write()); }

}  // namespace section55::document
