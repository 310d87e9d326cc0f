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

std::string_view NameOf(Section::Role role) {
  switch (role) {
    case Section::Role::kQuoted:
      return "quoted";
    case Section::Role::kComment:
      return "comment";
    case Section::Role::kAnswer:
      return "answer";
    case Section::Role::kPlain:
      break;
  }
  return "plain";
}

std::string_view NameOf(Tone tone) { return tone == Tone::kGood ? "good" : tone == Tone::kBad ? "bad" : "plain"; }

std::string_view NameOf(Remark::Kind kind) {
  switch (kind) {
    case Remark::Kind::kNote:
      return "note";
    case Remark::Kind::kMark:
      return "mark";
    case Remark::Kind::kNotice:
      return "notice";
    case Remark::Kind::kPlain:
      break;
  }
  return "plain";
}

Json ToJson(const Facts& facts) {
  Json list = Json::array();
  for (const Fact& fact : facts.facts) {
    list.push_back({{"label", fact.label},
                    {"mark", fact.mark},
                    {"tone", NameOf(fact.tone)},
                    {"value", InlinesToJson(fact.value)}});
  }
  return {{"type", "facts"}, {"facts", std::move(list)}};
}

Json ToJson(const Overview& overview) {
  Json rows = Json::array();
  for (const std::vector<Inlines>& row : overview.rows) {
    rows.push_back(RowToJson(row));
  }
  return {
      {"type", "overview"}, {"caption", overview.caption}, {"columns", overview.columns}, {"rows", std::move(rows)}};
}

std::string Dump(const Json& json) {
  constexpr int kCompact = -1;
  return json.dump(kCompact, ' ', false, Json::error_handler_t::replace);
}

// The object without the brace that closes it, to be continued.
std::string Open(const Json& json) {
  std::string text = Dump(json);
  text.pop_back();
  return text;
}

void Write(const std::vector<Element>& elements, std::string& out);

void Write(const Element& element, std::string& out) {
  std::visit(Overloaded{
                 [&](const Section& section) {
                   out += Open({{"type", "section"},
                                {"id", section.id},
                                {"role", NameOf(section.role)},
                                {"heading", section.heading}});
                   out += ",\"content\":";
                   Write(section.content, out);
                   out += '}';
                 },
                 [&](const Facts& facts) { out += Dump(ToJson(facts)); },
                 [&](const Prose& prose) {
                   out += Dump({{"type", "prose"},
                                {"language", prose.language.empty() ? Json(nullptr) : Json(prose.language)},
                                {"blocks", document::ToJson(prose.blocks)}});
                 },
                 [&](const Remark& remark) {
                   out += Dump(
                       {{"type", "remark"}, {"kind", NameOf(remark.kind)}, {"content", InlinesToJson(remark.content)}});
                 },
                 [&](const Overview& overview) { out += Dump(ToJson(overview)); },
             },
             element.value);
}

void Write(const std::vector<Element>& elements, std::string& out) {
  std::string_view before = "[\n";
  for (const Element& element : elements) {
    out += before;
    Write(element, out);
    before = ",\n";
  }
  out += elements.empty() ? "[]" : "]";
}

}  // namespace

std::string RenderJson(const Document& document) {
  std::string out = Open({{"watermark", document.watermark},
                          {"author", document.author},
                          {"title", document.title},
                          {"subtitle", document.subtitle},
                          {"language", document.language}});
  out += ",\"content\":";
  Write(document.content, out);
  out += '}';
  return out;
}

nlohmann::ordered_json ToJson(const Blocks& blocks) {
  Json array = Json::array();
  for (const Block& block : blocks) {
    array.push_back(ToJson(block));
  }
  return array;
}

}  // namespace section55::document
