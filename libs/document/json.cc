#include "libs/document/json.h"

namespace section55::document {
namespace {

using Json = nlohmann::ordered_json;

Json InlinesToJson(const Inlines& inlines);

Json ToJson(const Inline& item) {
  return std::visit(Overloaded{
                        [](const Text& text) -> Json {
                          return {{"type", "text"}, {"text", text.text}};
                        },
                        [](const Code& code) -> Json {
                          return {{"type", "code"}, {"text", code.text}};
                        },
                        [](const LineBreak&) -> Json {
                          return {{"type", "line_break"}};
                        },
                        [](const Emphasis& e) -> Json {
                          return {{"type", "emphasis"}, {"content", InlinesToJson(e.content)}};
                        },
                        [](const Strong& strong) -> Json {
                          return {{"type", "strong"}, {"content", InlinesToJson(strong.content)}};
                        },
                        [](const Link& link) -> Json {
                          return {{"type", "link"}, {"href", link.href}, {"content", InlinesToJson(link.content)}};
                        },
                    },
                    item.value);
}

Json InlinesToJson(const Inlines& inlines) {
  Json array = Json::array();
  for (const Inline& item : inlines) {
    array.push_back(ToJson(item));
  }
  return array;
}

Json RowToJson(const Table::Row& row) {
  Json array = Json::array();
  for (const Inlines& cell : row) {
    array.push_back(InlinesToJson(cell));
  }
  return array;
}

Json ToJson(const List& list) {
  Json items = Json::array();
  for (const Blocks& item : list.items) {
    items.push_back(document::ToJson(item));
  }
  return {{"type", "list"}, {"ordered", list.ordered}, {"start", list.start}, {"tight", list.tight}, {"items", items}};
}

Json ToJson(const Table& table) {
  Json rows = Json::array();
  for (const Table::Row& row : table.rows) {
    rows.push_back(RowToJson(row));
  }
  return {{"type", "table"}, {"header", RowToJson(table.header)}, {"rows", rows}};
}

Json ToJson(const Block& block) {
  return std::visit(
      Overloaded{
          [](const Paragraph& p) -> Json {
            return {{"type", "paragraph"}, {"content", InlinesToJson(p.content)}};
          },
          [](const Heading& heading) -> Json {
            return {{"type", "heading"}, {"level", heading.level}, {"content", InlinesToJson(heading.content)}};
          },
          [](const List& list) { return ToJson(list); },
          [](const BlockQuote& quote) -> Json {
            return {{"type", "block_quote"}, {"content", document::ToJson(quote.content)}};
          },
          [](const CodeBlock& code) -> Json {
            return {{"type", "code_block"}, {"text", code.text}};
          },
          [](const Table& table) { return ToJson(table); },
          [](const ThematicBreak&) -> Json {
            return {{"type", "thematic_break"}};
          },
      },
      block.value);
}

}  // namespace

nlohmann::ordered_json ToJson(const Blocks& blocks) {
  Json array = Json::array();
  for (const Block& block : blocks) {
    array.push_back(ToJson(block));
  }
  return array;
}

}  // namespace section55::document
