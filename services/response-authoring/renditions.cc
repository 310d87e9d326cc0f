#include "services/response-authoring/renditions.h"

#include <fmt/format.h>

#include <string>

#include "libs/base/log.h"
#include "libs/base/status.h"
#include "libs/rpc/server.h"

namespace section55::authoring {

absl::Status PublicationRenditions::Check(const v1::Response& approved, absl::Time deadline) {
  publication::v1::CheckRenditionsRequest request;
  *request.mutable_response() = approved;
  publication::v1::CheckRenditionsResponse sizes;
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(deadline));
  const absl::Status status = rpc::FromGrpc(publication_->CheckRenditions(&context, request, &sizes));
  if (status.ok()) {
    return status;
  }
  if (absl::IsInvalidArgument(status)) {
    std::string reasons;
    const google::rpc::BadRequest bad_request = base::BadRequestOf(status);
    for (const auto& violation : bad_request.field_violations()) {
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", violation.field(), violation.description());
    }
    return base::Error(absl::StatusCode::kFailedPrecondition, "NOT_PUBLISHABLE",
                       fmt::format("could not be published as it is, so it cannot be approved: {}",
                                   reasons.empty() ? std::string(status.message()) : reasons),
                       {{"resource", approved.name()}});
  }
  base::Log(base::Severity::kWarning, "publication could not say whether a response can be published",
            {{"response", approved.name()}, {"error", status.ToString()}});
  return base::Error(absl::StatusCode::kUnavailable, "PUBLICATION_UNAVAILABLE",
                     "publication did not say whether this can be published, so it was not approved: try again in a "
                     "moment",
                     {{"resource", approved.name()}});
}

}  // namespace section55::authoring
