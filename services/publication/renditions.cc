#include "services/publication/renditions.h"

#include <utility>

#include "libs/base/ids.h"
#include "libs/base/status.h"
#include "libs/document/html.h"
#include "libs/document/pdf.h"
#include "libs/document/word.h"
#include "services/publication/budget.h"
#include "services/publication/render.h"
#include "services/publication/rules.h"
#include "services/publication/tree.h"

namespace section55::publication {
namespace {

constexpr size_t kLargest = base::kLargestRendition;

// What is made from the tree, within `limit` bytes each.
class FromTree {
 public:
  FromTree(const authoring::v1::Response& response, const v1::PublicationRecord& record, std::string_view public_url,
           const TreeOptions& options, size_t limit)
      : limit_(limit), budget_(limit), document_(BuildDocument(response, record, public_url, options, budget_)) {}

  // Before anything is made: what was left out of the tree took no memory.
  absl::Status Check() const { return budget_.ToStatus("the web page"); }

  absl::StatusOr<std::string> Html() const { return Within(document::RenderArticle(document_), "the web page"); }

  absl::StatusOr<std::string> Pdf() const {
    absl::StatusOr<std::string> pdf = document::RenderPdf(document_);
    if (absl::IsResourceExhausted(pdf.status())) {
      return budget_.TooLong("the PDF");
    }
    RETURN_IF_ERROR(pdf.status());
    return Within(*std::move(pdf), "the PDF");
  }

  absl::StatusOr<std::string> Word() const {
    ASSIGN_OR_RETURN(std::string word, document::RenderWord(document_));
    return Within(std::move(word), "the Word file");
  }

 private:
  absl::StatusOr<std::string> Within(std::string bytes, std::string_view form) const {
    if (bytes.size() > limit_) {
      return budget_.TooLong(form);
    }
    return bytes;
  }

  const size_t limit_;
  Budget budget_;
  const document::Document document_;
};

absl::Status AddFromTree(const authoring::v1::Response& response, const v1::PublicationRecord& record,
                         std::string_view public_url, size_t limit, Renditions& renditions) {
  const FromTree tree(response, record, public_url, {}, limit);
  RETURN_IF_ERROR(tree.Check());
  ASSIGN_OR_RETURN(renditions.html, tree.Html());
  ASSIGN_OR_RETURN(renditions.pdf, tree.Pdf());
  ASSIGN_OR_RETURN(renditions.word, tree.Word());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Renditions> Render(const authoring::v1::Response& approved,
                                  const std::optional<v1::PublicationRecord>& earlier, std::string_view public_url) {
  constexpr size_t kLimit = kLargest - kRoomForProof;
  ASSIGN_OR_RETURN(v1::PublicationRecord record, rules::Describe(approved, earlier));
  Renditions renditions;
  ASSIGN_OR_RETURN(renditions.json, RenderJson(approved, kLimit));
  renditions.content_hash = base::Sha256Hex(renditions.json);
  record.set_content_hash(renditions.content_hash);
  RETURN_IF_ERROR(AddFromTree(approved, record, public_url, kLimit, renditions));
  return renditions;
}

absl::StatusOr<Renditions> RenderPublished(const authoring::v1::Response& approved, const v1::PublicationRecord& record,
                                           std::string_view public_url, Renditions staged) {
  RETURN_IF_ERROR(AddFromTree(approved, record, public_url, kLargest, staged));
  return staged;
}

absl::StatusOr<std::string> RenderDraft(const authoring::v1::Response& draft, std::string_view public_url,
                                        v1::GetRenditionRequest::Format format, const std::string& finding) {
  ASSIGN_OR_RETURN(const v1::PublicationRecord record, rules::Describe(draft, std::nullopt));
  const FromTree tree(draft, record, public_url, {.watermark = "Draft", .finding = finding}, kLargest);
  RETURN_IF_ERROR(tree.Check());
  switch (format) {
    case v1::GetRenditionRequest::PDF:
      return tree.Pdf();
    case v1::GetRenditionRequest::DOCX:
      return tree.Word();
    default:
      return tree.Html();
  }
}

}  // namespace section55::publication
