// Pages, fonts and structure as the bytes of a PDF file, written by libqpdf.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "libs/document/document.h"
#include "libs/document/pdf/pages.h"

namespace section55::document::pdf {

absl::StatusOr<std::string> WriteFile(const Document& document, const std::vector<OutlineEntry>& outline,
                                      const Pages& pages, const Node& root, const StructureTree& tree,
                                      const FontBook& fonts);

}  // namespace section55::document::pdf
