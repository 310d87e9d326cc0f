// Everything that is published of an approved response.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/limits.h"
#include "section55/authoring/v1/response.pb.h"
#include "section55/publication/v1/publication_record.pb.h"

namespace section55::publication {

// What is left free in each rendition when it is checked and staged: the proof of publication is written into it afterwards, and nothing
// that was promised then may fail for a few bytes.
inline constexpr size_t kRoomForProof = 16 * base::kKibibyte;

// The renditions of an edition that can be read and whose instant is not known yet.
struct Renditions {
  std::string json;
  std::string html;
  std::string content_hash;  // of the JSON
};

// Makes all renditions. What passes here can be published: the check before approval and publication itself are this function. `earlier` is
// the record of the edition that is public, if there is one. INVALID_ARGUMENT: what in the response cannot be rendered or is too
// large, by field. Pure.
absl::StatusOr<Renditions> Render(const authoring::v1::Response& approved,
                                  const std::optional<v1::PublicationRecord>& earlier, std::string_view public_url);

}  // namespace section55::publication
