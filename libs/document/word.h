// A document as a Word file (.docx, Office Open XML): real styles and headings, numbered lists, tables with header rows that repeat,
// links and bookmarks, languages, core properties. Written with libzip and pugixml.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "libs/document/document.h"

namespace section55::document {

// Deterministic: the same document gives the same bytes; nothing in them tells when they were made. INTERNAL: the archive could not be
// written. Thread-safe.
absl::StatusOr<std::string> RenderWord(const Document& document);

}  // namespace section55::document
