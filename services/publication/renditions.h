// Everything that is published of an approved response.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "libs/base/limits.h"
#include "libs/document/document.h"
#include "section55/authoring/v1/response.pb.h"
#include "section55/publication/v1/publication.pb.h"

namespace section55::publication {

// Raised by whoever changes what any rendition of the same response is, be it a word: then a rendition of an earlier version is made again
// by that version's program. The tests hold the bytes of this one.
inline constexpr int32_t kRendererVersion = 1;

// What is left free in each rendition when it is checked and staged: the instant of publication is written into it afterwards, and
// nothing that was promised then may fail for a few bytes.
inline constexpr size_t kRoomForProof = 16 * base::kKibibyte;

// The renditions of an edition.
struct Renditions {
  // Each format there is. HTML is the article alone: the register puts its page round it when it is read.
  std::map<v1::GetRenditionRequest::Format, std::string> bytes;
  std::string content_hash;  // SHA-256 of the JSON
};

// Makes renditions. What was made for the last few checks is kept in memory: publication needs it moments later. `public_url`: the register's address as the public knows it, without a slash at the end. Thread-safe.
class Renderer {
 public:
  explicit Renderer(std::string public_url) : public_url_(std::move(public_url)) {}

  // Makes all renditions of an edition whose instant is not known yet, or takes those that the check of the same document has made. What
  // passes here can be published: the check before approval and publication itself are this function. `earlier` is the record of the edition that is public, if there is one. INVALID_ARGUMENT: what
  // in the response cannot be rendered or is too large, by field. FAILED_PRECONDITION: fonts are missing.
  absl::StatusOr<Renditions> Render(const authoring::v1::Response& approved,
                                    const std::optional<v1::PublicationRecord>& earlier) {
    return RenderEdition(approved, earlier, /*keep=*/false);
  }
  // The same before an approval: what it makes is kept.
  absl::StatusOr<Renditions> Check(const authoring::v1::Response& response,
                                   const std::optional<v1::PublicationRecord>& earlier) {
    return RenderEdition(response, earlier, /*keep=*/true);
  }

  // The same once the instant is known: `record` has it, and the hash of `staged`, whose JSON it keeps.
  absl::StatusOr<Renditions> RenderPublished(const authoring::v1::Response& approved,
                                             const v1::PublicationRecord& record, Renditions staged) const;

  // One rendition of a draft, marked as such. `finding` by name; empty: the whole. INVALID_ARGUMENT as above.
  absl::StatusOr<std::string> RenderDraft(const authoring::v1::Response& draft, v1::GetRenditionRequest::Format format,
                                          const std::string& finding) const;

 private:
  using Bytes = std::map<v1::GetRenditionRequest::Format, std::string>;
  struct Kept {
    document::Document document;
    Bytes bytes;
  };

  absl::StatusOr<Renditions> RenderEdition(const authoring::v1::Response& approved,
                                           const std::optional<v1::PublicationRecord>& earlier, bool keep);
  // The renditions of that very document, which are kept no longer then.
  std::optional<Bytes> Take(const document::Document& document);
  void Keep(const document::Document& document, const Bytes& bytes);

  const std::string public_url_;
  absl::Mutex mutex_;
  std::list<Kept> kept_ ABSL_GUARDED_BY(mutex_);  // the latest first
};

// SHA-256 of what all this is made from.
std::string SourceHash(const authoring::v1::Response& approved);

}  // namespace section55::publication
