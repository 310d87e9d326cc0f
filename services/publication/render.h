// An approved response as data. Pure: the same arguments give the same bytes.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "section55/authoring/v1/response.pb.h"

namespace section55::publication {

// The content as data, in reading order; its shape stands in the README. It says nothing of when it was published and
// holds no hash, so that its SHA-256 can be the publication's content_hash. In render_json.cc.
// INVALID_ARGUMENT: more than `limit` bytes, with a violation on the text that takes the most ("response.answers[3].explanation").
absl::StatusOr<std::string> RenderJson(const authoring::v1::Response& approved, size_t limit);

}  // namespace section55::publication
