// An approved response as data, beside the document that is made of it. Pure: the same arguments give the same bytes.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "libs/document/document.h"
#include "section55/authoring/v1/response.pb.h"

namespace section55::publication {

// The content as data and the document of it as one tree; the shape stands in the README. `document` says nothing of when it was published
// and holds no hash, so that the SHA-256 of the bytes can be the publication's content_hash. `finding` by name: only it, its answer and the
// comments on it; empty: everything.
// INVALID_ARGUMENT: more than `limit` bytes, with a violation on the text that takes the most ("response.answers[3].explanation").
absl::StatusOr<std::string> RenderJson(const authoring::v1::Response& approved, const document::Document& document,
                                       const std::string& finding, size_t limit);

}  // namespace section55::publication
