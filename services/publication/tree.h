// What was approved as the document that is published: its content and its order, built here and nowhere else.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/document/document.h"
#include "section55/authoring/v1/response.pb.h"
#include "section55/publication/v1/publication_record.pb.h"
#include "services/publication/budget.h"

namespace section55::publication {

struct TreeOptions {
  // Marks a document that does not count yet: "Draft".
  std::string watermark = {};
  // Only this finding with its answer and the comments on it, "inspections/safe-to-share/findings/recommendation-5"; empty: the whole.
  std::string finding = {};
  // Whether it says when it was published and how to check it. A draft does not, nor does the content as data, whose hash the others hold.
  bool tells_of_publication = true;
};

// The order: the facts; the answers at a glance; key findings; each finding answered, after what it stands under, with the body's answer and the chief officer's
// comments on it; the chief officer's general comments; the body's comments, reply and monitoring, signed; findings addressed to others;
// how to check it. Every text is counted in `budget` by the bytes of its HTML or its JSON, whichever are more, under the field of the request that holds it. `record` has
// its content hash if the document tells of its publication; while its edition has no instant, the document says that it is being published.
// `public_url` is the register's address as the public knows it, without a slash at the end. Pure.
document::Document BuildDocument(const authoring::v1::Response& approved, const v1::PublicationRecord& record,
                                 std::string_view public_url, const TreeOptions& options, Budget& budget);

}  // namespace section55::publication
