// An approved response in the forms in which it is published. Pure: the same arguments give the same bytes.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "section55/authoring/v1/response.pb.h"
#include "section55/publication/v1/publication_record.pb.h"

namespace section55::publication {

// The content as data, in reading order; its shape stands in the README. It says nothing of when it was published and
// holds no hash, so that its SHA-256 can be the publication's content_hash. In render_json.cc.
// INVALID_ARGUMENT: more than `limit` bytes, with a violation on the text that takes the most ("response.answers[3].explanation").
absl::StatusOr<std::string> RenderJson(const authoring::v1::Response& approved, size_t limit);

// The public page: the whole response in the order of the office's form, then the proof of publication. `record` has its content hash;
// while its edition has no instant, the page says that it is being published. `public_url` is the register's address as the public
// knows it, without a slash at the end. INVALID_ARGUMENT as above.
absl::StatusOr<std::string> RenderHtml(const authoring::v1::Response& approved, const v1::PublicationRecord& record,
                                       std::string_view public_url, size_t limit);

}  // namespace section55::publication
