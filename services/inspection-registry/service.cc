#include "services/inspection-registry/service.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/ids.h"
#include "libs/base/limits.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/calendar/london.h"
#include "libs/events/origin.h"
#include "libs/rpc/change.h"
#include "libs/rpc/paging.h"
#include "services/inspection-registry/access.h"
#include "services/inspection-registry/exchange.h"
#include "services/inspection-registry/find.h"
#include "services/inspection-registry/findings.h"
#include "services/inspection-registry/life.h"
#include "services/inspection-registry/rules.h"
#include "services/inspection-registry/store.h"

namespace section55::registry {
namespace {}  // namespace

grpc::Status InspectionRegistryService::CreateInspection(grpc::ServerContext* context,
                                                         const v1::CreateInspectionRequest* request,
                                                         v1::Inspection* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    v1::Inspection given;
    rules::CopyFields(request->inspection(), rules::SettableFields(), given);
    rules::FillFindingIds(*given.mutable_findings());
    base::Violations violations;
    rules::ValidateCreateInspection(*request, violations);
    given.set_name(base::MakeName(base::kInspectionName, {request->inspection_id()}));
    rules::ValidateInspection(given, given.name(), violations);
    given.set_state(v1::Inspection::DRAFT);
    *given.mutable_create_time() = base::ToTimestamp(call.now);
    *given.mutable_update_time() = base::ToTimestamp(call.now);
    return rpc::Change(
        call, database_, *request, *response,
        [&](db::Transaction& tx) -> absl::Status {
          base::Violations all = violations;
          ASSIGN_OR_RETURN(const store::StoredRegister registered, store::LoadRegister(tx));
          ASSIGN_OR_RETURN(const rules::Reports related, LoadRelated(tx, given));
          rules::ValidateReferences(given, registered.all, related, all);
          rules::ValidateSize(given, registered.all, all);
          RETURN_IF_ERROR(all.ToStatus());
          *response = given;
          response->set_etag(NextEtag(0));
          return absl::OkStatus();
        },
        [&](db::Transaction& tx) {
          store::StoredInspection row{given};
          return store::InsertInspection(tx, row);
        });
  });
}

grpc::Status InspectionRegistryService::GetInspection(grpc::ServerContext* context,
                                                      const v1::GetInspectionRequest* request,
                                                      v1::Inspection* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    const std::string id = base::IdIn("name", request->name(), base::kInspectionName, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    return database_.Lookup(
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(*response, LoadVisible(tx, call.caller, id, request->name()));
          return absl::OkStatus();
        },
        call.deadline);
  });
}

grpc::Status InspectionRegistryService::ListInspections(grpc::ServerContext* context,
                                                        const v1::ListInspectionsRequest* request,
                                                        v1::ListInspectionsResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return FindInspections(call, database_, *request, MaySeeDrafts(call.caller), *response);
  });
}

grpc::Status InspectionRegistryService::ListFindings(grpc::ServerContext* context,
                                                     const v1::ListFindingsRequest* request,
                                                     v1::ListFindingsResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return FindFindings(call, database_, *request, MaySeeDrafts(call.caller), *response);
  });
}

grpc::Status InspectionRegistryService::ImportInspections(
    grpc::ServerContext* context,
    grpc::ServerReaderWriter<v1::ImportInspectionsResponse, v1::ImportInspectionsRequest>* stream) {
  return server_.Serve(context, v1::ImportInspectionsRequest::default_instance(), [&](rpc::Call& call) {
    return Import(
        call, database_, [&](v1::ImportInspectionsRequest& piece) { return rpc::Server::ReadNext(*stream, piece); },
        [&](const v1::ImportInspectionsResponse& answer) { return stream->Write(answer); });
  });
}

grpc::Status InspectionRegistryService::ExportInspections(grpc::ServerContext* context,
                                                          const v1::ExportInspectionsRequest* request,
                                                          grpc::ServerWriter<v1::ExportInspectionsResponse>* writer) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return Export(call, database_, *request,
                  [&](const v1::ExportInspectionsResponse& piece) { return writer->Write(piece); });
  });
}

grpc::Status InspectionRegistryService::UpdateInspection(grpc::ServerContext* context,
                                                         const v1::UpdateInspectionRequest* request,
                                                         v1::Inspection* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    v1::Inspection given;
    rules::CopyFields(request->inspection(), request->update_mask(), given);
    rules::FillFindingIds(*given.mutable_findings());
    base::Violations violations;
    const std::string id =
        base::IdIn("inspection.name", request->inspection().name(), base::kInspectionName, violations);
    rules::ValidateUpdateInspection(*request, violations);
    rules::ValidateInspection(given, request->inspection().name(), violations);
    const std::string& etag = request->etag().empty() ? request->inspection().etag() : request->etag();
    store::StoredInspection changed;
    return rpc::Change(
        call, database_, *request, *response,
        [&](db::Transaction& tx) -> absl::Status {
          base::Violations all = violations;
          ASSIGN_OR_RETURN(const store::StoredRegister registered, store::LoadRegister(tx));
          ASSIGN_OR_RETURN(const rules::Reports related, LoadRelated(tx, given));
          rules::ValidateReferences(given, registered.all, related, all);
          RETURN_IF_ERROR(all.ToStatus());

          ASSIGN_OR_RETURN(changed, store::LoadInspection(tx, id));
          v1::Inspection& inspection = changed.message;
          RETURN_IF_ERROR(base::CheckEtag(inspection.name(), etag, inspection.etag()));
          RETURN_IF_ERROR(base::Move(rules::kTransitions, inspection, v1::Inspection::DRAFT));
          rules::CopyFields(given, request->update_mask(), inspection);
          rules::ValidateSize(inspection, registered.all, all);
          RETURN_IF_ERROR(all.ToStatus());
          *inspection.mutable_update_time() = base::ToTimestamp(call.now);
          *response = inspection;
          response->set_etag(NextEtag(changed.version));
          return absl::OkStatus();
        },
        [&](db::Transaction& tx) {
          store::StoredInspection row = changed;
          return store::UpdateInspection(tx, row);
        });
  });
}

}  // namespace section55::registry
