// The transport of inspection-registry: authorised calls in, rules and store, answers out.
#pragma once

#include "libs/db/database.h"
#include "libs/events/event_log.h"
#include "libs/rpc/server.h"
#include "section55/registry/v1/inspection_registry.grpc.pb.h"

namespace section55::registry {

inline constexpr std::string_view kServiceName = "section55.registry.v1.InspectionRegistry";

// Thread-safe.
class InspectionRegistryService : public v1::InspectionRegistry::Service {
 public:
  InspectionRegistryService(rpc::Server& server, db::Database& database, events::EventLog& log)
      : server_(server), database_(database), log_(log) {}

  grpc::Status CreateForce(grpc::ServerContext* context, const v1::CreateForceRequest* request,
                           v1::Force* response) override;
  grpc::Status GetForce(grpc::ServerContext* context, const v1::GetForceRequest* request, v1::Force* response) override;
  grpc::Status ListForces(grpc::ServerContext* context, const v1::ListForcesRequest* request,
                          v1::ListForcesResponse* response) override;
  grpc::Status CreateBody(grpc::ServerContext* context, const v1::CreateBodyRequest* request,
                          v1::Body* response) override;
  grpc::Status GetBody(grpc::ServerContext* context, const v1::GetBodyRequest* request, v1::Body* response) override;
  grpc::Status ListBodies(grpc::ServerContext* context, const v1::ListBodiesRequest* request,
                          v1::ListBodiesResponse* response) override;
  grpc::Status CreateInspection(grpc::ServerContext* context, const v1::CreateInspectionRequest* request,
                                v1::Inspection* response) override;
  grpc::Status GetInspection(grpc::ServerContext* context, const v1::GetInspectionRequest* request,
                             v1::Inspection* response) override;
  grpc::Status ListInspections(grpc::ServerContext* context, const v1::ListInspectionsRequest* request,
                               v1::ListInspectionsResponse* response) override;
  grpc::Status UpdateInspection(grpc::ServerContext* context, const v1::UpdateInspectionRequest* request,
                                v1::Inspection* response) override;
  grpc::Status PublishInspection(grpc::ServerContext* context, const v1::PublishInspectionRequest* request,
                                 v1::Inspection* response) override;
  grpc::Status UpdateForce(grpc::ServerContext* context, const v1::UpdateForceRequest* request,
                           v1::Force* response) override;
  grpc::Status SucceedForce(grpc::ServerContext* context, const v1::SucceedForceRequest* request,
                            v1::Force* response) override;
  grpc::Status UpdateBody(grpc::ServerContext* context, const v1::UpdateBodyRequest* request,
                          v1::Body* response) override;
  grpc::Status SucceedBody(grpc::ServerContext* context, const v1::SucceedBodyRequest* request,
                           v1::Body* response) override;
  grpc::Status CorrectInspection(grpc::ServerContext* context, const v1::CorrectInspectionRequest* request,
                                 v1::Inspection* response) override;
  grpc::Status WithdrawInspection(grpc::ServerContext* context, const v1::WithdrawInspectionRequest* request,
                                  v1::Inspection* response) override;
  grpc::Status ListInspectionRevisions(grpc::ServerContext* context, const v1::ListInspectionRevisionsRequest* request,
                                       v1::ListInspectionRevisionsResponse* response) override;
  grpc::Status GetInspectionRevision(grpc::ServerContext* context, const v1::GetInspectionRevisionRequest* request,
                                     v1::InspectionRevision* response) override;
  grpc::Status GetFinding(grpc::ServerContext* context, const v1::GetFindingRequest* request,
                          v1::Finding* response) override;
  grpc::Status GetRelations(grpc::ServerContext* context, const v1::GetRelationsRequest* request,
                            v1::GetRelationsResponse* response) override;

  grpc::Status ListFindings(grpc::ServerContext* context, const v1::ListFindingsRequest* request,
                            v1::ListFindingsResponse* response) override;
  grpc::Status ImportInspections(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::ImportInspectionsResponse, v1::ImportInspectionsRequest>* stream) override;
  grpc::Status ExportInspections(grpc::ServerContext* context, const v1::ExportInspectionsRequest* request,
                                 grpc::ServerWriter<v1::ExportInspectionsResponse>* writer) override;

 private:
  rpc::Server& server_;
  db::Database& database_;
  events::EventLog& log_;
};

}  // namespace section55::registry
