#include "libs/document/check.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/base/unicode.h"
#include "libs/document/bounds.h"
#include "libs/document/markdown.h"
#include "libs/document/plain_text.h"
#include "libs/document/size.h"

namespace section55::document {
namespace {

bool ShowsNothing(const Blocks& blocks) { return !base::HasVisible(RenderPlainText(blocks)); }

void AddExpansion(std::string_view field, std::string_view markdown, const Reading& reading,
                  base::Violations& violations) {
  if (reading.references_ignored) {
    violations.Add(field, fmt::format("uses its link definitions so often that the addresses could fill more than {} "
                                      "bytes; shorten the addresses or use them less often",
                                      kMaxReferenceBytes));
  }
  if (reading.tables_ignored) {
    violations.Add(field, fmt::format("has tables that could grow past {} cells when short rows are filled up; part "
                                      "them by empty lines or give them fewer columns",
                                      kMaxTableCells));
  }
  if (reading.flattened) {
    violations.Add(field, fmt::format("nests quotes, lists or emphasis more than {} deep", kMaxDepth - 1));
  }
  const RenderedSize size = RenderedSizeOf(reading.blocks);
  const std::size_t most = MostAllowedBytes(markdown.size());
  if (const std::size_t larger = std::max(size.html, size.json); larger > most) {
    violations.Add(field, fmt::format("would be {} bytes long when it is published, and a text of its length may be at "
                                      "most {}; use fewer cells, list items, links or other marks",
                                      larger, most));
  }
}

}  // namespace

bool IsBlankMarkdown(std::string_view markdown) {
  return !IsSurelyVisible(markdown) && (base::IsBlank(markdown) || ShowsNothing(ParseMarkdown(markdown)));
}

std::size_t MostAllowedBytes(std::size_t length) { return kMostBytesPerByte * length + kMostBytesBeside; }

void CheckMarkdown(std::string_view field, std::string_view markdown, std::size_t max_characters,
                   base::Presence presence, base::Violations& violations) {
  // What is too long or garbled is not worth parsing.
  if (!base::CheckText(field, markdown, max_characters, presence, violations)) {
    return;
  }
  const bool visible = presence == base::Presence::kOptional || IsSurelyVisible(markdown);
  const bool bounded = MostRenderedBytes(markdown) <= MostAllowedBytes(markdown.size()) && IsSurelyShallow(markdown);
  if (visible && bounded) {
    return;
  }
  const Reading reading = ReadMarkdown(markdown);
  if (!visible && ShowsNothing(reading.blocks)) {
    violations.Add(field, "is required: nothing in it can be seen when it is published");
    return;
  }
  AddExpansion(field, markdown, reading, violations);
}

}  // namespace section55::document
