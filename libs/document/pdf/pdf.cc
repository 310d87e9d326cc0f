#include "libs/document/pdf.h"

#include "libs/base/status.h"
#include "libs/document/pdf/file.h"
#include "libs/document/pdf/flow.h"
#include "libs/document/pdf/pages.h"

namespace section55::document {

absl::StatusOr<std::string> RenderPdf(const Document& document) {
  ASSIGN_OR_RETURN(const std::shared_ptr<pdf::Typesetter> typesetter, pdf::BorrowTypesetter());
  pdf::StructureTree tree(pdf::AnchorsOf(document));
  pdf::FontBook fonts;
  pdf::Node* root = tree.Add(nullptr, "Document");
  ASSIGN_OR_RETURN(pdf::FlowResult flow, pdf::Flow(document, kMostPdfLines, root, tree, fonts, *typesetter));
  const std::vector<pdf::OutlineEntry> outline = flow.outline;
  const pdf::Pages pages = pdf::Paginate(document, std::move(flow), tree, fonts, *typesetter);
  return pdf::WriteFile(document, outline, pages, *root, tree, fonts);
}

}  // namespace section55::document
