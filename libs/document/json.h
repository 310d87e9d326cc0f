// Blocks to JSON, for the open data of the register and for clients that draw a text themselves.
//
// A text is an array of blocks. Keys come in the order shown, and all of them are always present:
//   {"type": "paragraph", "content": [inline ...]}
//   {"type": "heading", "level": 1 to 6, "content": [inline ...]}        level as written, not re-levelled
//   {"type": "list", "ordered": false, "start": 1, "tight": true, "items": [[block ...] ...]}
//   {"type": "block_quote", "content": [block ...]}
//   {"type": "code_block", "text": "..."}
//   {"type": "table", "header": [[inline ...] ...], "rows": [[[inline ...] ...] ...]}
//   {"type": "thematic_break"}
// An inline is one of:
//   {"type": "text", "text": "..."}
//   {"type": "code", "text": "..."}
//   {"type": "line_break"}
//   {"type": "emphasis", "content": [inline ...]}
//   {"type": "strong", "content": [inline ...]}
//   {"type": "link", "href": "https://...", "content": [inline ...]}
//
// A document is one object:
//   {"watermark": "", "author": "...", "title": "...", "subtitle": "...", "language": "en-GB", "content": [element ...]}
// An element is one of:
//   {"type": "section", "id": "...", "role": "plain" | "quoted" | "comment" | "answer", "heading": "...", "content": [element ...]}
//   {"type": "facts", "facts": [{"label": "...", "mark": "", "tone": "plain" | "good" | "bad", "value": [inline ...]} ...]}
//   {"type": "prose", "language": null or "cy", "blocks": [block ...]}       null: the language of the document
//   {"type": "remark", "kind": "note" | "mark" | "notice" | "plain", "content": [inline ...]}
//   {"type": "overview", "caption": "...", "columns": ["..." ...], "rows": [[[inline ...] ...] ...]}
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "libs/document/blocks.h"
#include "libs/document/document.h"

namespace section55::document {

// Deterministic: equal blocks give equal JSON and, by dump(), equal bytes. Pure and thread-safe. dump() throws on
// strings that are not UTF-8; blocks from ParseMarkdown have none.
nlohmann::ordered_json ToJson(const Blocks& blocks);

// A document as the object above, an element on a line: never more in memory than what is written and one element. Strings that are not
// UTF-8 come with replacement characters. Deterministic, pure and thread-safe.
std::string RenderJson(const Document& document);

}  // namespace section55::document
