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
#pragma once

#include <nlohmann/json.hpp>

#include "libs/document/blocks.h"

namespace section55::document {

// Deterministic: equal blocks give equal JSON and, by dump(), equal bytes. Pure and thread-safe. dump() throws on
// strings that are not UTF-8; blocks from ParseMarkdown have none.
nlohmann::ordered_json ToJson(const Blocks& blocks);

}  // namespace section55::document
