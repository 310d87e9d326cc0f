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
#include "services/inspection-registry/findings.h"
#include "services/inspection-registry/life.h"
#include "services/inspection-registry/rules.h"
#include "services/inspection-registry/store.h"

namespace section55::registry {
namespace {

// A page of reports: what is left of a message after the other things in it.
constexpr size_t kPageBytes = base::kLargestMessage - base::kEventRoom;

}  // namespace

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
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    const auto paging = rpc::ReadPaging<std::string, std::string>(*request, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    store::InspectionQuery query;
    query.with_drafts = MaySeeDrafts(call.caller);
    query.limit = paging.size;
    query.max_bytes = kPageBytes;
    if (paging.after) {
      query.after = store::InspectionKey{std::get<0>(*paging.after), std::get<1>(*paging.after)};
    }
    store::InspectionPage page;
    RETURN_IF_ERROR(database_.Read(
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(page, store::ListInspections(tx, query));
          return absl::OkStatus();
        },
        call.deadline));
    if (page.more) {
      const auto [date, inspection] = store::KeyOf(page.inspections.back());
      rpc::SetNextPage(*request, std::make_tuple(date, inspection), *response);
    }
    response->mutable_inspections()->Assign(std::make_move_iterator(page.inspections.begin()),
                                            std::make_move_iterator(page.inspections.end()));
    return absl::OkStatus();
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
