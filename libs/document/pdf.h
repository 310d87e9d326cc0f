// A document as a tagged PDF (PDF/UA-1), A4: laid out by Pango, fonts reduced by HarfBuzz, written by libqpdf.
//
// What is read aloud is the tree and nothing else: running heads, page numbers, rules and repeated table heads are artifacts. Texts
// keep their languages, tables the names of their columns and rows, links their targets, within the document too; the outline is that
// of the sections. What a page cannot hold goes on on the next: rows taller than a page, tables with more columns than fit (their rows
// then have several bands).
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "libs/document/document.h"

namespace section55::document {

// Lines and cells of tables: about 1,500 pages of prose. What is longer is no document that anybody prints, and takes time that others
// wait for.
inline constexpr std::size_t kMostPdfLines = 60'000;

// Deterministic: the same document gives the same bytes on every machine with the same Debian. RESOURCE_EXHAUSTED: it has more than
// kMostPdfLines lines and cells. FAILED_PRECONDITION: fonts are missing; the message says which packages have them. Thread-safe.
absl::StatusOr<std::string> RenderPdf(const Document& document);

}  // namespace section55::document
