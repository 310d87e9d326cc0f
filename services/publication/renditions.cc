#include "services/publication/renditions.h"

#include <utility>

#include "libs/base/ids.h"
#include "libs/base/status.h"
#include "libs/db/proto_table.h"
#include "libs/document/html.h"
#include "libs/document/pdf.h"
#include "libs/document/plain_text.h"
#include "libs/document/word.h"
#include "services/publication/budget.h"
#include "services/publication/render_json.h"
#include "services/publication/rules.h"
#include "services/publication/tree.h"

namespace section55::publication {
namespace {

using Format = v1::GetRenditionRequest;

constexpr size_t kLargest = base::kLargestRendition;

// What is made from one tree, within `limit` bytes each.
class FromTree {
 public:
  FromTree(const authoring::v1::Response& response, const v1::PublicationRecord& record, std::string_view public_url,
           TreeOptions options, size_t limit)
      : response_(response),
        options_(std::move(options)),
        limit_(limit),
        budget_(limit),
        document_(BuildDocument(response, record, public_url, options_, budget_)) {}

  absl::StatusOr<std::string> Make(Format::Format format) const {
    // Before anything is made: what was left out of the tree took no memory.
    RETURN_IF_ERROR(budget_.ToStatus("the web page"));
    switch (format) {
      case Format::JSON:
        return RenderJson(response_, document_, options_.finding, limit_);
      case Format::PDF: {
        absl::StatusOr<std::string> pdf = document::RenderPdf(document_);
        if (absl::IsResourceExhausted(pdf.status())) {
          return budget_.TooLong("the PDF");
        }
        return Within(std::move(pdf), "the PDF");
      }
      case Format::DOCX:
        return Within(document::RenderWord(document_), "the Word file");
      case Format::TEXT:
        return Within(document::RenderMail(document_), "the plain text");
      default:
        return Within(document::RenderArticle(document_), "the web page");
    }
  }

 private:
  absl::StatusOr<std::string> Within(absl::StatusOr<std::string> bytes, std::string_view form) const {
    if (bytes.ok() && bytes->size() > limit_) {
      return budget_.TooLong(form);
    }
    return bytes;
  }

  const authoring::v1::Response& response_;
  const TreeOptions options_;
  const size_t limit_;
  Budget budget_;
  const document::Document document_;
};

// Those that tell when they were published.
absl::Status AddDocuments(const authoring::v1::Response& response, const v1::PublicationRecord& record,
                          std::string_view public_url, size_t limit, Renditions& renditions) {
  const FromTree tree(response, record, public_url, {}, limit);
  for (const auto format : {Format::HTML, Format::PDF, Format::DOCX, Format::TEXT}) {
    ASSIGN_OR_RETURN(renditions.bytes[format], tree.Make(format));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Renditions> Render(const authoring::v1::Response& approved,
                                  const std::optional<v1::PublicationRecord>& earlier, std::string_view public_url) {
  constexpr size_t kLimit = kLargest - kRoomForProof;
  ASSIGN_OR_RETURN(v1::PublicationRecord record, rules::Describe(approved, earlier));
  Renditions renditions;
  ASSIGN_OR_RETURN(const v1::PublicationRecord alone, rules::Describe(approved, std::nullopt));
  ASSIGN_OR_RETURN(renditions.bytes[Format::JSON],
                   FromTree(approved, alone, public_url, {.tells_of_publication = false}, kLimit).Make(Format::JSON));
  renditions.content_hash = base::Sha256Hex(renditions.bytes[Format::JSON]);
  record.set_content_hash(renditions.content_hash);
  RETURN_IF_ERROR(AddDocuments(approved, record, public_url, kLimit, renditions));
  return renditions;
}

absl::StatusOr<Renditions> RenderPublished(const authoring::v1::Response& approved, const v1::PublicationRecord& record,
                                           std::string_view public_url, Renditions staged) {
  RETURN_IF_ERROR(AddDocuments(approved, record, public_url, kLargest, staged));
  return staged;
}

std::string SourceHash(const authoring::v1::Response& approved) {
  return base::Sha256Hex(db::SerialiseDeterministically(approved));
}

absl::StatusOr<std::string> RenderDraft(const authoring::v1::Response& draft, std::string_view public_url,
                                        v1::GetRenditionRequest::Format format, const std::string& finding) {
  ASSIGN_OR_RETURN(const v1::PublicationRecord record, rules::Describe(draft, std::nullopt));
  return FromTree(draft, record, public_url, {.watermark = "Draft", .finding = finding, .tells_of_publication = false},
                  kLargest)
      .Make(format);
}

}  // namespace section55::publication
