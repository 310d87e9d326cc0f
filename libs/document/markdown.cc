#include "libs/document/markdown.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "libs/base/unicode.h"
#include "libs/document/bounds.h"
#include "libs/document/links.h"
#include "libs/document/plain_text.h"

namespace section55::document {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";
// Stands for the colon after a bracket while a text is parsed that must have no link definitions: a non-character, which Unicode keeps
// for uses such as this one.
constexpr std::string_view kColon = "\uFDD0";

struct NodeDeleter {
  void operator()(cmark_node* node) const { cmark_node_free(node); }
};
using Parsed = std::unique_ptr<cmark_node, NodeDeleter>;

cmark_syntax_extension* TableExtension() {
  // Registration is not thread-safe in cmark; the initialisation of a static is.
  static cmark_syntax_extension* const extension = [] {
    cmark_gfm_core_extensions_ensure_registered();
    return cmark_find_syntax_extension("table");
  }();
  return extension;
}

Parsed Parse(std::string_view markdown, bool with_tables) {
  cmark_parser* parser = cmark_parser_new(CMARK_OPT_VALIDATE_UTF8);
  if (with_tables) {
    cmark_parser_attach_syntax_extension(parser, TableExtension());
  }
  cmark_parser_feed(parser, markdown.data(), markdown.size());
  Parsed document(cmark_parser_finish(parser));
  cmark_parser_free(parser);
  return document;
}

// The same text with no link definition in it: "]:" is no more what begins one.
std::string WithoutDefinitions(std::string_view markdown) {
  std::string changed;
  changed.reserve(markdown.size() + markdown.size() / 4);
  for (std::size_t i = 0; i < markdown.size(); ++i) {
    if (markdown[i] == ':' && i > 0 && markdown[i - 1] == ']') {
      changed += kColon;
    } else if (markdown.substr(i).starts_with(kColon)) {
      changed += kReplacement;
      i += kColon.size() - 1;
    } else {
      changed += markdown[i];
    }
  }
  return changed;
}

// `literal` without the characters that XML forbids; null counts as empty. cmark has made it valid UTF-8, but an entity
// such as &#1; can still name any character.
std::string Clean(const char* literal) {
  std::string clean;
  const std::string_view text(literal == nullptr ? "" : literal);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::string_view rest = text.substr(i);
    // The bytes FE and FF are how cmark writes the entities of U+FFFE and U+FFFF; they never stand in valid UTF-8.
    if ((byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7F || byte >= 0xFE) {
      clean += kReplacement;
    } else if (byte == 0xC2 && rest.size() > 1 && static_cast<unsigned char>(rest[1]) < 0xA0) {  // U+0080 to U+009F
      clean += kReplacement;
      i += 1;
    } else if (rest.starts_with("\xEF\xBF\xBE") || rest.starts_with("\xEF\xBF\xBF")) {  // U+FFFE and U+FFFF
      clean += kReplacement;
      i += 2;
    } else {
      clean += text[i];
    }
  }
  return clean;
}

// Raw HTML less its comments. One that does not end hides nothing.
std::string WithoutComments(std::string html) {
  for (std::size_t begin = html.find("<!--"); begin != std::string::npos; begin = html.find("<!--", begin)) {
    const std::size_t end = html.find("-->", begin + 2);  // "<!-->" is a whole one.
    if (end == std::string::npos) {
      break;
    }
    html.erase(begin, end + 3 - begin);
  }
  return html;
}

bool IsBlank(const Inlines& inlines) { return !base::HasVisible(RenderPlainText(inlines)); }

// Adds text, as part of the text before it if there is one.
void AppendText(std::string text, Inlines& inlines) {
  if (text.empty()) {
    return;
  }
  if (Text* last = inlines.empty() ? nullptr : std::get_if<Text>(&inlines.back().value)) {
    last->text += text;
  } else {
    inlines.push_back({Text{std::move(text)}});
  }
}

// --- Bare addresses ---

// How much of `text`, which starts with a scheme, is the address: up to the first character that seldom stands in one,
// less the punctuation of the sentence around it.
std::size_t BareUrlLength(std::string_view text) {
  const auto ends_url = [](char c) {
    return c <= ' ' || c >= 0x7F || std::string_view("<>\"`").find(c) != std::string_view::npos;
  };
  std::string_view url = text.substr(0, std::find_if(text.begin(), text.end(), ends_url) - text.begin());
  auto unmatched = std::count(url.begin(), url.end(), ')') - std::count(url.begin(), url.end(), '(');
  while (!url.empty()) {
    if (url.back() == ')' && unmatched > 0) {
      --unmatched;
    } else if (std::string_view(".,;:!?'*_~").find(url.back()) == std::string_view::npos) {
      break;
    }
    url.remove_suffix(1);
  }
  return url.size();
}

bool IsAsciiAlphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The text with its bare addresses as links.
void AppendWithLinks(std::string_view text, Inlines& inlines) {
  std::size_t done = 0;
  for (std::size_t at = text.find("http"); at != std::string_view::npos; at = text.find("http", at)) {
    const std::size_t length = BareUrlLength(text.substr(at));
    const std::string_view url = text.substr(at, length);
    const bool within_word = at > 0 && IsAsciiAlphanumeric(text[at - 1]);
    const std::optional<std::string> href = within_word ? std::nullopt : SafeHref(url);
    if (!href) {
      at += length;  // At least 4. Past the whole run, so that no character is looked at more than twice.
      continue;
    }
    AppendText(std::string(text.substr(done, at - done)), inlines);
    inlines.push_back({Link{*href, {{Text{std::string(url)}}}}});
    at += length;
    done = at;
  }
  AppendText(std::string(text.substr(done)), inlines);
}

Inlines WithBareUrlsLinked(Inlines inlines) {
  Inlines linked;
  for (Inline& item : inlines) {
    if (const Text* text = std::get_if<Text>(&item.value)) {
      AppendWithLinks(text->text, linked);
    } else {
      linked.push_back(std::move(item));
    }
  }
  return linked;
}

// The number of the extension's node type is given at run time, and no public header names it.
bool IsTable(cmark_node* node) { return std::string_view(cmark_node_get_type_string(node)) == "table"; }

// One text on its way from cmark's tree to blocks.
class Converter {
 public:
  // `lines`: the source, for what cmark drops of it.
  Converter(std::vector<std::string_view> lines, bool without_definitions)
      : lines_(std::move(lines)), without_definitions_(without_definitions) {}

  Blocks BlocksOf(cmark_node* parent, int depth = 0) {
    Blocks blocks;
    for (cmark_node* node = cmark_node_first_child(parent); node != nullptr; node = cmark_node_next(node)) {
      AppendBlock(node, depth, blocks);
    }
    return blocks;
  }

  // Whether something stood too deep to be kept as it was.
  bool flattened() const { return flattened_; }

 private:
  // --- Characters ---

  std::string Restored(std::string text) const {
    if (without_definitions_) {
      for (std::size_t at = text.find(kColon); at != std::string::npos; at = text.find(kColon, at)) {
        text.replace(at, kColon.size(), ":");
      }
    }
    return text;
  }

  // The characters of a node, none for one that has only children.
  std::string LiteralOf(cmark_node* node) const {
    std::string literal = Restored(Clean(cmark_node_get_literal(node)));
    const cmark_node_type type = cmark_node_get_type(node);
    const bool raw = type == CMARK_NODE_HTML_BLOCK || type == CMARK_NODE_HTML_INLINE;
    return raw ? WithoutComments(std::move(literal)) : literal;
  }

  // The text of everything beneath `node`, one string for each paragraph, heading, cell or other leaf that has any. Does
  // not recurse, however deep the tree is.
  std::vector<std::string> TextsOf(cmark_node* node) const {
    std::vector<std::string> texts;
    std::string text;
    const auto flush = [&] {
      if (base::HasVisible(text)) {
        texts.push_back(std::move(text));
      }
      text.clear();
    };
    cmark_iter* iter = cmark_iter_new(node);
    while (cmark_iter_next(iter) != CMARK_EVENT_DONE) {
      cmark_node* at = cmark_iter_get_node(iter);
      const cmark_node_type type = cmark_node_get_type(at);
      if ((type & CMARK_NODE_TYPE_MASK) == CMARK_NODE_TYPE_BLOCK) {
        flush();  // A new leaf begins, or one has ended.
      }
      if (cmark_iter_get_event_type(iter) != CMARK_EVENT_ENTER) {
        continue;
      }
      if (type == CMARK_NODE_SOFTBREAK || type == CMARK_NODE_LINEBREAK) {
        text += ' ';
      } else {
        text += LiteralOf(at);
      }
    }
    cmark_iter_free(iter);
    flush();
    return texts;
  }

  std::string TextOf(cmark_node* node) const {
    std::string joined;
    for (const std::string& text : TextsOf(node)) {
      joined += (joined.empty() ? "" : " ") + text;
    }
    return joined;
  }

  // --- Inlines ---

  Inlines InlinesOf(cmark_node* parent, int depth = 0, bool in_link = false) {
    Inlines inlines;
    AppendInlines(parent, depth, in_link, inlines);
    return in_link ? inlines : WithBareUrlsLinked(std::move(inlines));
  }

  void AppendInlines(cmark_node* parent, int depth, bool in_link, Inlines& out) {
    for (cmark_node* node = cmark_node_first_child(parent); node != nullptr; node = cmark_node_next(node)) {
      switch (cmark_node_get_type(node)) {
        case CMARK_NODE_SOFTBREAK:
          AppendText(" ", out);
          break;
        case CMARK_NODE_LINEBREAK:
          out.push_back({LineBreak{}});
          break;
        case CMARK_NODE_CODE:
          out.push_back({Code{LiteralOf(node)}});
          break;
        case CMARK_NODE_EMPH:
        case CMARK_NODE_STRONG:
        case CMARK_NODE_LINK:
          AppendNested(node, depth, in_link, out);
          break;
        case CMARK_NODE_TEXT:
        case CMARK_NODE_HTML_INLINE:
          AppendText(LiteralOf(node), out);
          break;
        default:  // An image: its alternative text. Whatever a later cmark may bring: its characters.
          AppendText(TextOf(node), out);
          break;
      }
    }
  }

  void AppendNested(cmark_node* node, int depth, bool in_link, Inlines& out) {
    if (depth + 1 >= kMaxDepth) {
      flattened_ = true;
      AppendText(TextOf(node), out);
    } else if (cmark_node_get_type(node) == CMARK_NODE_LINK) {
      AppendLink(node, depth, in_link, out);
    } else if (cmark_node_get_type(node) == CMARK_NODE_EMPH) {
      out.push_back({Emphasis{InlinesOf(node, depth + 1, in_link)}});
    } else {
      out.push_back({Strong{InlinesOf(node, depth + 1, in_link)}});
    }
  }

  void AppendLink(cmark_node* node, int depth, bool in_link, Inlines& out) {
    const std::optional<std::string> href = in_link ? std::nullopt : SafeHref(Restored(cmark_node_get_url(node)));
    if (!href) {
      AppendInlines(node, depth + 1, in_link, out);
      return;
    }
    Inlines content = InlinesOf(node, depth + 1, /*in_link=*/true);
    if (IsBlank(content)) {
      content = {{Text{*href}}};
    }
    out.push_back({Link{*href, std::move(content)}});
  }

  // --- Blocks ---

  template <class Kind>
  static void Add(Kind block, Blocks& out) {
    out.emplace_back().value = std::move(block);
  }

  void AppendBlock(cmark_node* node, int depth, Blocks& out) {
    const cmark_node_type type = cmark_node_get_type(node);
    const bool nests = type == CMARK_NODE_BLOCK_QUOTE || type == CMARK_NODE_LIST;
    if (type == CMARK_NODE_PARAGRAPH || type == CMARK_NODE_HEADING) {
      AppendLeaf(node, out);
    } else if (type == CMARK_NODE_CODE_BLOCK) {
      std::string text = LiteralOf(node);
      if (text.ends_with('\n')) {
        text.pop_back();
      }
      Add(CodeBlock{std::move(text)}, out);
    } else if (type == CMARK_NODE_HTML_BLOCK) {
      const std::string text = LiteralOf(node);
      if (base::HasVisible(text)) {
        Add(LiteralLines(text), out);
      }
    } else if (type == CMARK_NODE_THEMATIC_BREAK) {
      Add(ThematicBreak{}, out);
    } else if (IsTable(node)) {
      Add(TableOf(node), out);
    } else if (type == CMARK_NODE_BLOCK_QUOTE && depth + 1 < kMaxDepth) {
      Add(BlockQuote{BlocksOf(node, depth + 1)}, out);
    } else if (type == CMARK_NODE_LIST && depth + 1 < kMaxDepth) {
      Add(ListOf(node, depth), out);
    } else {
      flattened_ = flattened_ || nests;
      for (std::string& text : TextsOf(node)) {
        Add(Paragraph{{{Text{std::move(text)}}}}, out);
      }
    }
  }

  void AppendLeaf(cmark_node* node, Blocks& out) {
    Inlines content = InlinesOf(node);
    if (IsBlank(content)) {
      return;  // An image without a text, or a heading that would be an empty stop for a screen reader.
    }
    if (cmark_node_get_type(node) == CMARK_NODE_PARAGRAPH) {
      Add(Paragraph{std::move(content)}, out);
    } else {
      Add(Heading{cmark_node_get_heading_level(node), std::move(content)}, out);
    }
  }

  // Raw HTML as the writer typed it, line by line.
  static Paragraph LiteralLines(const std::string& text) {
    Paragraph paragraph;
    for (std::string_view line : Lines(text)) {
      if (!paragraph.content.empty()) {
        paragraph.content.push_back({LineBreak{}});
      }
      AppendText(std::string(line), paragraph.content);
    }
    return paragraph;
  }

  List ListOf(cmark_node* node, int depth) {
    const bool ordered = cmark_node_get_list_type(node) == CMARK_ORDERED_LIST;
    List list{.ordered = ordered,
              .start = ordered ? cmark_node_get_list_start(node) : 1,
              .tight = cmark_node_get_list_tight(node) != 0,
              .items = {}};
    for (cmark_node* item = cmark_node_first_child(node); item != nullptr; item = cmark_node_next(item)) {
      list.items.push_back(BlocksOf(item, depth + 1));
    }
    return list;
  }

  Table TableOf(cmark_node* node) {
    Table table;
    for (cmark_node* row = cmark_node_first_child(node); row != nullptr; row = cmark_node_next(row)) {
      Table::Row cells;
      for (cmark_node* cell = cmark_node_first_child(row); cell != nullptr; cell = cmark_node_next(cell)) {
        cells.push_back(InlinesOf(cell));
      }
      if (cmark_gfm_extensions_get_table_row_is_header(row)) {
        table.header = std::move(cells);
      } else {
        const std::string surplus = SurplusCells(row, cells.size());
        if (!surplus.empty()) {
          AppendText(" | " + surplus, cells.back());
        }
        table.rows.push_back(std::move(cells));
      }
    }
    return table;
  }

  // The text of the cells that stand in the source of `row` after the last column.
  std::string SurplusCells(cmark_node* row, std::size_t columns) const {
    const std::size_t number = static_cast<std::size_t>(cmark_node_get_start_line(row));
    if (number < 1 || number > lines_.size()) {
      return "";
    }
    const std::string_view line = lines_[number - 1];
    // A pipe before the first cell, which is optional, does not part two cells.
    const std::size_t first = line.find('|');
    std::size_t pipes_to_skip = columns;
    if (first != std::string_view::npos && line.find_first_not_of(" \t>") == first) {
      ++pipes_to_skip;
    }
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '\\') {
        ++i;
      } else if (line[i] == '|' && --pipes_to_skip == 0) {
        return TextOf(Parse(line.substr(i + 1), /*with_tables=*/false).get());
      }
    }
    return "";
  }

  const std::vector<std::string_view> lines_;
  const bool without_definitions_;
  bool flattened_ = false;
};

}  // namespace

Reading ReadMarkdown(std::string_view markdown) {
  std::vector<std::string_view> lines = Lines(markdown);
  Reading reading;
  reading.references_ignored = MostReferenceBytes(lines) > kMaxReferenceBytes;
  reading.tables_ignored = MostTableCells(lines) > kMaxTableCells;
  const Parsed document =
      Parse(reading.references_ignored ? WithoutDefinitions(markdown) : std::string(markdown), !reading.tables_ignored);
  Converter converter(std::move(lines), reading.references_ignored);
  reading.blocks = converter.BlocksOf(document.get());
  reading.flattened = converter.flattened();
  return reading;
}

Blocks ParseMarkdown(std::string_view markdown) { return ReadMarkdown(markdown).blocks; }

}  // namespace section55::document
