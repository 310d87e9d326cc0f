// The transport of publication: authorised calls in, rules and store, answers out.
#pragma once

#include <string_view>

#include "libs/db/database.h"
#include "libs/rpc/server.h"
#include "section55/publication/v1/publication.grpc.pb.h"
#include "services/publication/renditions.h"

namespace section55::publication {

inline constexpr std::string_view kServiceName = "section55.publication.v1.Publication";

// Thread-safe.
class PublicationService : public v1::Publication::Service {
 public:
  PublicationService(rpc::Server& server, db::Database& database, Renderer& renderer)
      : server_(server), database_(database), renderer_(renderer) {}

  grpc::Status GetPublication(grpc::ServerContext* context, const v1::GetPublicationRequest* request,
                              v1::PublicationRecord* response) override;
  grpc::Status ListPublications(grpc::ServerContext* context, const v1::ListPublicationsRequest* request,
                                v1::ListPublicationsResponse* response) override;
  grpc::Status CheckRenditions(grpc::ServerContext* context, const v1::CheckRenditionsRequest* request,
                               v1::CheckRenditionsResponse* response) override;
  grpc::Status GetRendition(grpc::ServerContext* context, const v1::GetRenditionRequest* request,
                            grpc::ServerWriter<v1::GetRenditionResponse>* writer) override;
  grpc::Status PreviewResponse(grpc::ServerContext* context, const v1::PreviewResponseRequest* request,
                               grpc::ServerWriter<v1::PreviewResponseResponse>* writer) override;
  grpc::Status ListCopies(grpc::ServerContext* context, const v1::ListCopiesRequest* request,
                          v1::ListCopiesResponse* response) override;
  grpc::Status CreateRecipient(grpc::ServerContext* context, const v1::CreateRecipientRequest* request,
                               v1::Recipient* response) override;
  grpc::Status ListRecipients(grpc::ServerContext* context, const v1::ListRecipientsRequest* request,
                              v1::ListRecipientsResponse* response) override;

 private:
  rpc::Server& server_;
  db::Database& database_;
  Renderer& renderer_;
};

}  // namespace section55::publication
