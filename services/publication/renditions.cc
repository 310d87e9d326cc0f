#include "services/publication/renditions.h"

#include "libs/base/ids.h"
#include "libs/base/status.h"
#include "services/publication/render.h"
#include "services/publication/rules.h"

namespace section55::publication {

absl::StatusOr<Renditions> Render(const authoring::v1::Response& approved,
                                  const std::optional<v1::PublicationRecord>& earlier, std::string_view public_url) {
  constexpr size_t kLimit = base::kLargestRendition - kRoomForProof;
  ASSIGN_OR_RETURN(v1::PublicationRecord record, rules::Describe(approved, earlier));
  Renditions renditions;
  ASSIGN_OR_RETURN(renditions.json, RenderJson(approved, kLimit));
  renditions.content_hash = base::Sha256Hex(renditions.json);
  record.set_content_hash(renditions.content_hash);
  ASSIGN_OR_RETURN(renditions.html, RenderHtml(approved, record, public_url, kLimit));
  return renditions;
}

}  // namespace section55::publication
