#include "services/publication/renditions.h"

#include <algorithm>
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

// As many as are approved at about the same time, and no more memory than that; one that is larger is made twice.
constexpr size_t kMostKept = 4;
constexpr size_t kLargestKept = 4 * base::kMebibyte;

constexpr auto kDocuments = {Format::HTML, Format::PDF, Format::DOCX, Format::TEXT};  // those that tell of publication

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

  const document::Document& document() const { return document_; }

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

}  // namespace

std::optional<Renderer::Bytes> Renderer::Take(const document::Document& document) {
  const absl::MutexLock lock(&mutex_);
  const auto found =
      std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return kept.document == document; });
  if (found == kept_.end()) {
    return std::nullopt;
  }
  Bytes bytes = std::move(found->bytes);
  kept_.erase(found);
  return bytes;
}

void Renderer::Keep(const document::Document& document, const Bytes& bytes) {
  size_t size = 0;
  for (const auto& [format, its] : bytes) {
    size += its.size();
  }
  if (size > kLargestKept) {
    return;
  }
  Kept kept{document, bytes};
  const absl::MutexLock lock(&mutex_);
  kept_.push_front(std::move(kept));
  if (kept_.size() > kMostKept) {
    kept_.pop_back();
  }
}

absl::StatusOr<Renditions> Renderer::RenderEdition(const authoring::v1::Response& approved,
                                                   const std::optional<v1::PublicationRecord>& earlier, bool keep) {
  constexpr size_t kLimit = kLargest - kRoomForProof;
  ASSIGN_OR_RETURN(v1::PublicationRecord record, rules::Describe(approved, earlier));
  ASSIGN_OR_RETURN(const v1::PublicationRecord alone, rules::Describe(approved, std::nullopt));
  ASSIGN_OR_RETURN(std::string json,
                   FromTree(approved, alone, public_url_, {.tells_of_publication = false}, kLimit).Make(Format::JSON));
  Renditions renditions;
  renditions.content_hash = base::Sha256Hex(json);
  record.set_content_hash(renditions.content_hash);
  const FromTree tree(approved, record, public_url_, {}, kLimit);
  if (std::optional<Bytes> kept = Take(tree.document())) {
    renditions.bytes = *std::move(kept);
  } else {
    for (const auto format : kDocuments) {
      ASSIGN_OR_RETURN(renditions.bytes[format], tree.Make(format));
    }
  }
  if (keep) {
    Keep(tree.document(), renditions.bytes);
  }
  renditions.bytes[Format::JSON] = std::move(json);
  return renditions;
}

absl::StatusOr<Renditions> Renderer::RenderPublished(const authoring::v1::Response& approved,
                                                     const v1::PublicationRecord& record, Renditions staged) const {
  const FromTree tree(approved, record, public_url_, {}, kLargest);
  for (const auto format : kDocuments) {
    ASSIGN_OR_RETURN(staged.bytes[format], tree.Make(format));
  }
  return staged;
}

absl::StatusOr<std::string> Renderer::RenderDraft(const authoring::v1::Response& draft, Format::Format format,
                                                  const std::string& finding) const {
  ASSIGN_OR_RETURN(const v1::PublicationRecord record, rules::Describe(draft, std::nullopt));
  return FromTree(draft, record, public_url_, {.watermark = "Draft", .finding = finding, .tells_of_publication = false},
                  kLargest)
      .Make(format);
}

std::string SourceHash(const authoring::v1::Response& approved) {
  return base::Sha256Hex(db::SerialiseDeterministically(approved));
}

}  // namespace section55::publication
