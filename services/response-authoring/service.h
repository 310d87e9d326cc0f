// The transport of response-authoring: authorised calls in, rules and store, answers out.
#pragma once

#include "libs/access/policy.h"
#include "libs/db/database.h"
#include "libs/events/event_log.h"
#include "libs/rpc/server.h"
#include "section55/authoring/v1/response_authoring.grpc.pb.h"

namespace section55::authoring {

inline constexpr std::string_view kServiceName = "section55.authoring.v1.ResponseAuthoring";

// Who of a force may see which body's responses. Thread-safe.
class BodyDirectory : public access::TenantDirectory {
 public:
  explicit BodyDirectory(db::Database& database) : database_(database) {}
  absl::StatusOr<std::string> ForceOf(std::string_view body) override;

 private:
  db::Database& database_;
};

// Thread-safe.
class ResponseAuthoringService : public v1::ResponseAuthoring::Service {
 public:
  ResponseAuthoringService(rpc::Server& server, db::Database& database, events::EventLog& log)
      : server_(server), database_(database), log_(log) {}

  grpc::Status GetResponse(grpc::ServerContext* context, const v1::GetResponseRequest* request,
                           v1::Response* response) override;
  grpc::Status ListResponses(grpc::ServerContext* context, const v1::ListResponsesRequest* request,
                             v1::ListResponsesResponse* response) override;
  grpc::Status InviteChiefOfficer(grpc::ServerContext* context, const v1::InviteChiefOfficerRequest* request,
                                  v1::Response* response) override;
  grpc::Status SubmitChiefOfficerComments(grpc::ServerContext* context,
                                          const v1::SubmitChiefOfficerCommentsRequest* request,
                                          v1::Response* response) override;
  grpc::Status RecordNoComments(grpc::ServerContext* context, const v1::RecordNoCommentsRequest* request,
                                v1::Response* response) override;
  grpc::Status UpdateResponse(grpc::ServerContext* context, const v1::UpdateResponseRequest* request,
                              v1::Response* response) override;
  grpc::Status CheckResponse(grpc::ServerContext* context, const v1::CheckResponseRequest* request,
                             v1::CheckResponseResponse* response) override;
  grpc::Status SubmitResponse(grpc::ServerContext* context, const v1::SubmitResponseRequest* request,
                              v1::Response* response) override;
  grpc::Status ReturnResponse(grpc::ServerContext* context, const v1::ReturnResponseRequest* request,
                              v1::Response* response) override;
  grpc::Status ApproveResponse(grpc::ServerContext* context, const v1::ApproveResponseRequest* request,
                               v1::Response* response) override;

 private:
  rpc::Server& server_;
  db::Database& database_;
  events::EventLog& log_;
};

}  // namespace section55::authoring
