// The transport of response-authoring: authorised calls in, rules and store, answers out.
#pragma once

#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "libs/db/database.h"
#include "libs/events/event_log.h"
#include "libs/jobs/queue.h"
#include "libs/rpc/bytes_methods.h"
#include "libs/rpc/server.h"
#include "section55/authoring/v1/response_authoring.grpc.pb.h"
#include "services/response-authoring/renditions.h"
#include "services/response-authoring/store.h"

namespace section55::authoring {

inline constexpr std::string_view kServiceName = "section55.authoring.v1.ResponseAuthoring";

// Thread-safe.
class ResponseAuthoringService : public rpc::BytesMethods<v1::ResponseAuthoring::Service> {
 public:
  ResponseAuthoringService(rpc::Server& server, db::Database& database, events::EventLog& log, jobs::Queue& jobs,
                           Renditions& renditions);

  grpc::Status ListResponses(grpc::ServerContext* context, const v1::ListResponsesRequest* request,
                             v1::ListResponsesResponse* response) override;
  grpc::Status InviteChiefOfficer(grpc::ServerContext* context, const v1::InviteChiefOfficerRequest* request,
                                  v1::Response* response) override;
  grpc::Status SubmitChiefOfficerComments(grpc::ServerContext* context,
                                          const v1::SubmitChiefOfficerCommentsRequest* request,
                                          v1::Response* response) override;
  grpc::Status SaveDraftContribution(grpc::ServerContext* context, const v1::SaveDraftContributionRequest* request,
                                     v1::DraftContribution* response) override;
  grpc::Status DeleteDraftContribution(grpc::ServerContext* context, const v1::DeleteDraftContributionRequest* request,
                                       v1::DeleteDraftContributionResponse* response) override;
  grpc::Status ListDraftContributions(grpc::ServerContext* context, const v1::ListDraftContributionsRequest* request,
                                      v1::ListDraftContributionsResponse* response) override;
  grpc::Status SendDraftContributions(grpc::ServerContext* context, const v1::SendDraftContributionsRequest* request,
                                      v1::Response* response) override;
  grpc::Status GetDraftProgress(grpc::ServerContext* context, const v1::GetDraftProgressRequest* request,
                                v1::DraftProgress* response) override;
  grpc::Status WithdrawChiefOfficerComments(grpc::ServerContext* context,
                                            const v1::WithdrawChiefOfficerCommentsRequest* request,
                                            v1::Response* response) override;
  grpc::Status RecordNoComments(grpc::ServerContext* context, const v1::RecordNoCommentsRequest* request,
                                v1::Response* response) override;
  grpc::Status UpdateResponse(grpc::ServerContext* context, const v1::UpdateResponseRequest* request,
                              v1::Response* response) override;
  grpc::Status AnswerTogether(grpc::ServerContext* context, const v1::AnswerTogetherRequest* request,
                              v1::Response* response) override;
  grpc::Status NormaliseText(grpc::ServerContext* context, const v1::NormaliseTextRequest* request,
                             v1::NormaliseTextResponse* response) override;
  grpc::Status CheckResponse(grpc::ServerContext* context, const v1::CheckResponseRequest* request,
                             v1::CheckResponseResponse* response) override;
  grpc::Status SubmitResponse(grpc::ServerContext* context, const v1::SubmitResponseRequest* request,
                              v1::Response* response) override;
  grpc::Status ReturnResponse(grpc::ServerContext* context, const v1::ReturnResponseRequest* request,
                              v1::Response* response) override;
  grpc::Status ApproveResponse(grpc::ServerContext* context, const v1::ApproveResponseRequest* request,
                               v1::Response* response) override;
  grpc::Status ExemptResponse(grpc::ServerContext* context, const v1::ExemptResponseRequest* request,
                              v1::Response* response) override;
  grpc::Status ConfirmExemption(grpc::ServerContext* context, const v1::ConfirmExemptionRequest* request,
                                v1::Response* response) override;
  grpc::Status RevokeExemption(grpc::ServerContext* context, const v1::RevokeExemptionRequest* request,
                               v1::Response* response) override;
  grpc::Status ListRevisions(grpc::ServerContext* context, const v1::ListRevisionsRequest* request,
                             v1::ListRevisionsResponse* response) override;
  grpc::Status GetRevision(grpc::ServerContext* context, const v1::GetRevisionRequest* request,
                           v1::Revision* response) override;
  grpc::Status CompareRevisions(grpc::ServerContext* context, const v1::CompareRevisionsRequest* request,
                                v1::CompareRevisionsResponse* response) override;
  grpc::Status ExplainConflict(grpc::ServerContext* context, const v1::ExplainConflictRequest* request,
                               v1::ExplainConflictResponse* response) override;
  grpc::Status CommentOnResponse(grpc::ServerContext* context, const v1::CommentOnResponseRequest* request,
                                 v1::Comment* response) override;
  grpc::Status ListComments(grpc::ServerContext* context, const v1::ListCommentsRequest* request,
                            v1::ListCommentsResponse* response) override;
  grpc::Status ListExemptions(grpc::ServerContext* context, const v1::ListExemptionsRequest* request,
                              v1::ListExemptionsResponse* response) override;

 private:
  struct Change;

  // In bytes: nearly all that is asked of this service.
  grpc::Status GetResponse(grpc::ServerContext* context, const v1::GetResponseRequest* request, std::string* answer);

  // The shape of every change: load, compare the etag, apply `rule`, work out what to write; then write it.
  template <typename Request>
  absl::Status ChangeResponse(const rpc::Call& call, const Request& request, const std::string& name,
                              std::string_view name_field, const std::string& etag, store::ReportForm form,
                              v1::Response* response, absl::FunctionRef<absl::Status(Change&)> rule);

  rpc::Server& server_;
  db::Database& database_;
  events::EventLog& log_;
  jobs::Queue& jobs_;
  Renditions& renditions_;
};

}  // namespace section55::authoring
