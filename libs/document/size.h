// How large the renditions of blocks are, counted without making them. Pure and thread-safe.
#pragma once

#include <cstddef>

#include "libs/document/blocks.h"

namespace section55::document {

struct RenderedSize {
  std::size_t html = 0;  // Bytes of RenderHtml with its default options.
  std::size_t json = 0;  // Bytes of dump() of ToJson.
};

RenderedSize RenderedSizeOf(const Blocks& blocks);

}  // namespace section55::document
