#include "services/publication/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "libs/base/filter.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/rpc/change.h"
#include "libs/rpc/paging.h"
#include "libs/rpc/parent.h"
#include "services/publication/rules.h"
#include "services/publication/store.h"
#include "services/publication/words.h"

namespace section55::publication {
namespace {

constexpr size_t kChunk = size_t{64} * 1024;
constexpr char kFormats[] = "must be HTML, JSON, PDF, DOCX or TEXT";

// The publication that a request names in `field`; a violation when it names none.
store::Key ReadName(std::string_view field, std::string_view name, base::Violations& violations) {
  std::vector<std::string> ids = base::IdsIn(field, name, base::kPublicationName, violations);
  return {std::move(ids[0]), std::move(ids[1])};
}

bool IsFormat(v1::GetRenditionRequest::Format format) {
  return format != v1::GetRenditionRequest::FORMAT_UNSPECIFIED && v1::GetRenditionRequest::Format_IsValid(format);
}

// Piece by piece.
template <typename Chunk>
absl::Status Send(const std::string& content, grpc::ServerWriter<Chunk>& writer) {
  Chunk chunk;
  for (size_t sent = 0; sent < content.size(); sent += kChunk) {
    chunk.set_data(content.substr(sent, kChunk));
    if (!writer.Write(chunk)) {
      return absl::CancelledError("the caller has gone");
    }
  }
  return absl::OkStatus();
}

}  // namespace

grpc::Status PublicationService::GetPublication(grpc::ServerContext* context, const v1::GetPublicationRequest* request,
                                                v1::PublicationRecord* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    const store::Key key = ReadName("name", request->name(), violations);
    RETURN_IF_ERROR(violations.ToStatus());
    return database_.Lookup(
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(*response, store::LoadPublication(tx, key));
          return absl::OkStatus();
        },
        call.deadline);
  });
}

grpc::Status PublicationService::ListPublications(grpc::ServerContext* context,
                                                  const v1::ListPublicationsRequest* request,
                                                  v1::ListPublicationsResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    store::PublicationQuery query;
    const rpc::Parent parent = rpc::ReadParent(request->parent(), call.scope, violations);
    for (const base::Condition& condition :
         base::ParseFilter(request->filter(), {base::NameField("inspection", base::kInspectionName)}, violations)) {
      query.inspection = condition.text;
    }
    const auto paging = rpc::ReadPaging<int64_t, std::string, std::string>(*request, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    if (!parent.everything) {
      query.body = parent.bodies.front();  // what is public is open to any caller, so it is the one that was named
    }
    if (paging.after) {
      const auto& [micros, body, inspection] = *paging.after;
      query.after = store::PublicationPlace{micros, {body, inspection}};
    }
    query.limit = paging.limit();

    std::vector<v1::PublicationRecord> found;
    RETURN_IF_ERROR(database_.Lookup(
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(found, store::ListPublications(tx, query));
          return absl::OkStatus();
        },
        call.deadline));
    const auto key_of = [](const v1::PublicationRecord& record) {
      const store::PublicationPlace place = store::PlaceOf(record);
      return std::tuple(place.published_micros, place.key.body, place.key.inspection);
    };
    rpc::FinishPage(*request, paging, found, key_of, *response);
    response->mutable_publications()->Assign(found.begin(), found.end());
    return absl::OkStatus();
  });
}

grpc::Status PublicationService::CheckRenditions(grpc::ServerContext* context,
                                                 const v1::CheckRenditionsRequest* request,
                                                 v1::CheckRenditionsResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    const std::vector<std::string> ids =
        base::IdsIn("response.name", request->response().name(), base::kResponseName, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    std::optional<v1::PublicationRecord> earlier;
    RETURN_IF_ERROR(database_.Lookup(
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(earlier, store::FindPublication(tx, {ids[0], ids[1]}));
          return absl::OkStatus();
        },
        call.deadline));
    ASSIGN_OR_RETURN(const Renditions renditions, renderer_.Check(request->response(), earlier));
    for (const auto& [format, bytes] : renditions.bytes) {
      v1::RenditionSize& size = *response->add_renditions();
      size.set_format(format);
      size.set_bytes(static_cast<int64_t>(bytes.size()));
    }
    return absl::OkStatus();
  });
}

grpc::Status PublicationService::GetRendition(grpc::ServerContext* context, const v1::GetRenditionRequest* request,
                                              grpc::ServerWriter<v1::GetRenditionResponse>* writer) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    const store::Key key = ReadName("name", request->name(), violations);
    if (!IsFormat(request->format())) {
      violations.Add("format", kFormats);
    }
    RETURN_IF_ERROR(violations.ToStatus());
    // Read as a whole before anything is sent: a slow reader holds no connection to the database.
    std::string content;
    RETURN_IF_ERROR(database_.Lookup(
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(content, store::LoadRendition(tx, key, request->format()));
          return absl::OkStatus();
        },
        call.deadline));
    return Send(content, *writer);
  });
}

grpc::Status PublicationService::PreviewResponse(grpc::ServerContext* context,
                                                 const v1::PreviewResponseRequest* request,
                                                 grpc::ServerWriter<v1::PreviewResponseResponse>* writer) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    base::Violations violations;
    if (!IsFormat(request->format())) {
      violations.Add("format", kFormats);
    }
    std::string finding = request->finding();
    if (!finding.empty()) {
      const authoring::v1::Response& response = request->response();
      finding = finding.find('/') == std::string::npos ? fmt::format("{}/findings/{}", response.inspection(), finding)
                                                       : finding;
      const auto& findings = response.report().findings();
      if (std::none_of(findings.begin(), findings.end(), [&](const registry::v1::Finding& candidate) {
            return FindingName(response, candidate) == finding;
          })) {
        violations.Add("finding", "is no finding of the report");
      }
    }
    RETURN_IF_ERROR(violations.ToStatus());
    ASSIGN_OR_RETURN(const std::string content, renderer_.RenderDraft(request->response(), request->format(), finding));
    return Send(content, *writer);
  });
}

grpc::Status PublicationService::ListCopies(grpc::ServerContext* context, const v1::ListCopiesRequest* request,
                                            v1::ListCopiesResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    const store::Key key = ReadName("parent", request->parent(), violations);
    const auto paging = rpc::ReadPaging<int64_t, int64_t, std::string>(*request, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    store::CopyPlace after;
    if (paging.after) {
      std::tie(after.edition, after.kind, after.copy_id) = *paging.after;
    }

    std::vector<v1::Copy> found;
    RETURN_IF_ERROR(database_.Read(
        [&](db::Transaction& tx) -> absl::Status {
          RETURN_IF_ERROR(store::LoadPublication(tx, key).status());
          ASSIGN_OR_RETURN(found, store::ListCopies(tx, key, after, paging.limit()));
          return absl::OkStatus();
        },
        call.deadline));
    const auto key_of = [](const v1::Copy& copy) {
      const store::CopyPlace place = store::PlaceOf(copy);
      return std::tuple(place.edition, place.kind, place.copy_id);
    };
    rpc::FinishPage(*request, paging, found, key_of, *response);
    response->mutable_copies()->Assign(found.begin(), found.end());
    return absl::OkStatus();
  });
}

grpc::Status PublicationService::CreateRecipient(grpc::ServerContext* context,
                                                 const v1::CreateRecipientRequest* request, v1::Recipient* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    rules::CheckRecipient(*request, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    return rpc::Change(
        call, database_, *request, *response,
        [&](db::Transaction&) {
          *response = request->recipient();
          response->set_name(fmt::format("recipients/{}", request->recipient_id()));
          return absl::OkStatus();
        },
        [&](db::Transaction& tx) { return store::InsertRecipient(tx, *response); });
  });
}

grpc::Status PublicationService::ListRecipients(grpc::ServerContext* context, const v1::ListRecipientsRequest* request,
                                                v1::ListRecipientsResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    const auto paging = rpc::ReadPaging<std::string>(*request, violations);
    RETURN_IF_ERROR(violations.ToStatus());

    std::vector<v1::Recipient> found;
    RETURN_IF_ERROR(database_.Lookup(
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(found,
                           store::ListRecipients(tx, paging.after ? std::get<0>(*paging.after) : "", paging.limit()));
          return absl::OkStatus();
        },
        call.deadline));
    const auto key_of = [](const v1::Recipient& recipient) {
      return std::tuple(recipient.name().substr(recipient.name().rfind('/') + 1));
    };
    rpc::FinishPage(*request, paging, found, key_of, *response);
    response->mutable_recipients()->Assign(found.begin(), found.end());
    return absl::OkStatus();
  });
}

}  // namespace section55::publication
