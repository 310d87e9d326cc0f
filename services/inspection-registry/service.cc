#include "services/inspection-registry/service.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/calendar/london.h"
#include "libs/rpc/mutate.h"
#include "libs/rpc/paging.h"
#include "services/inspection-registry/findings.h"
#include "services/inspection-registry/rules.h"
#include "services/inspection-registry/store.h"

namespace section55::registry {
namespace {

constexpr std::string_view kForcePattern = "forces/{force}";
constexpr std::string_view kBodyPattern = "bodies/{body}";
constexpr std::string_view kInspectionPattern = "inspections/{inspection}";

// A page of reports stays well below the 4 MiB that a client takes in one message.
constexpr size_t kPageBytes = size_t{2} * 1024 * 1024;

// The id in `name`, or a violation on `field` and an empty id.
std::string IdIn(std::string_view field, std::string_view name, std::string_view pattern,
                 base::Violations& violations) {
  if (const auto parts = base::ParseName(name, pattern)) {
    return parts->front();
  }
  violations.Add(field, fmt::format("must be {}", pattern));
  return "";
}

// The ids and dates in a page token. It is not sealed against forgery, so nothing else goes on to the database.
std::vector<std::string> PageKey(const google::protobuf::Message& request, size_t size, base::Violations& violations) {
  std::vector<std::string> key = rpc::ReadPageToken(request, size, violations);
  for (const std::string& part : key) {
    if (part.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos) {
      violations.Add("page_token", "is not one that this list gave");
      return {};
    }
  }
  return key;
}

// Moves a page into a response; `items` has one more than fits when others follow.
template <typename Request, typename Item, typename Response>
void FillPage(const Request& request, size_t page_size, std::vector<Item>& items,
              google::protobuf::RepeatedPtrField<Item>& page, Response& response) {
  if (items.size() > page_size) {
    items.resize(page_size);
    const std::string& last = items.back().name();
    response.set_next_page_token(rpc::MakePageToken(request, {last.substr(last.find('/') + 1)}));
  }
  page.Assign(std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
}

bool MaySeeDrafts(const access::Identity& caller) {
  using common::v1::AccessRule;
  return caller.kind == access::Identity::Kind::kService || caller.Holds(AccessRule::REGISTRAR, "") ||
         caller.Holds(AccessRule::AUDITOR, "");
}

events::Origin OriginOf(const rpc::Call& call, std::string_view tenant, std::string_view subject) {
  events::Origin origin;
  origin.tenant = tenant;
  origin.subject = subject;
  origin.actor = call.caller.actor;
  origin.cause = call.request_id;
  origin.time = call.now;
  return origin;
}

}  // namespace

grpc::Status InspectionRegistryService::CreateForce(grpc::ServerContext* context, const v1::CreateForceRequest* request,
                                                    v1::Force* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    rules::ValidateCreateForce(*request, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    return rpc::Mutate(call, database_, *request, *response, [&](db::Transaction& tx) {
      *response = request->force();
      response->set_name(fmt::format("forces/{}", request->force_id()));
      *response->mutable_create_time() = base::ToTimestamp(call.now);
      return store::InsertForce(tx, *response);
    });
  });
}

grpc::Status InspectionRegistryService::GetForce(grpc::ServerContext* context, const v1::GetForceRequest* request,
                                                 v1::Force* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    base::Violations violations;
    const std::string id = IdIn("name", request->name(), kForcePattern, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    return database_.Lookup([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(*response, store::LoadForce(tx, id));
      return absl::OkStatus();
    });
  });
}

grpc::Status InspectionRegistryService::ListForces(grpc::ServerContext* context, const v1::ListForcesRequest* request,
                                                   v1::ListForcesResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    base::Violations violations;
    const int size = rpc::PageSize(request->page_size(), violations);
    const std::vector<std::string> after = PageKey(*request, 1, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    return database_.Lookup([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(std::vector<v1::Force> forces,
                       store::ListForces(tx, after.empty() ? "" : after.front(), size + 1));
      FillPage(*request, size, forces, *response->mutable_forces(), *response);
      return absl::OkStatus();
    });
  });
}

grpc::Status InspectionRegistryService::CreateBody(grpc::ServerContext* context, const v1::CreateBodyRequest* request,
                                                   v1::Body* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    rules::ValidateCreateBody(*request, violations);
    const std::string& force_name = request->body().force();
    const auto force_id = base::ParseName(force_name, kForcePattern);
    return rpc::Mutate(call, database_, *request, *response, [&](db::Transaction& tx) -> absl::Status {
      base::Violations all = violations;
      v1::BodyRegistered event;
      if (force_id) {
        absl::StatusOr<v1::Force> force = store::LoadForce(tx, force_id->front());
        if (force.ok()) {
          *event.mutable_force() = *std::move(force);
        } else if (absl::IsNotFound(force.status())) {
          all.Add("body.force", fmt::format("{} is not registered", force_name));
        } else {
          return std::move(force).status();
        }
      }
      RETURN_IF_ERROR(all.ToStatus());

      *response = request->body();
      response->set_name(fmt::format("bodies/{}", request->body_id()));
      *response->mutable_create_time() = base::ToTimestamp(call.now);
      RETURN_IF_ERROR(store::InsertBody(tx, *response));
      *event.mutable_body() = *response;
      return log_.Append(tx, OriginOf(call, response->name(), response->name()), event);
    });
  });
}

grpc::Status InspectionRegistryService::GetBody(grpc::ServerContext* context, const v1::GetBodyRequest* request,
                                                v1::Body* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    base::Violations violations;
    const std::string id = IdIn("name", request->name(), kBodyPattern, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    return database_.Lookup([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(*response, store::LoadBody(tx, id));
      return absl::OkStatus();
    });
  });
}

grpc::Status InspectionRegistryService::ListBodies(grpc::ServerContext* context, const v1::ListBodiesRequest* request,
                                                   v1::ListBodiesResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    base::Violations violations;
    const int size = rpc::PageSize(request->page_size(), violations);
    const std::vector<std::string> after = PageKey(*request, 1, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    return database_.Lookup([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(std::vector<v1::Body> bodies,
                       store::ListBodies(tx, after.empty() ? "" : after.front(), size + 1));
      FillPage(*request, size, bodies, *response->mutable_bodies(), *response);
      return absl::OkStatus();
    });
  });
}

grpc::Status InspectionRegistryService::CreateInspection(grpc::ServerContext* context,
                                                         const v1::CreateInspectionRequest* request,
                                                         v1::Inspection* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    v1::Inspection given;
    rules::CopyFields(request->inspection(), rules::SettableFields(), given);
    rules::FillFindingIds(*given.mutable_findings());
    base::Violations violations;
    rules::ValidateCreateInspection(*request, violations);
    rules::ValidateInspection(given, violations);
    rules::ValidateSize(given, violations);
    return rpc::Mutate(call, database_, *request, *response, [&](db::Transaction& tx) -> absl::Status {
      base::Violations all = violations;
      ASSIGN_OR_RETURN(const auto registered, store::ListForcesAndBodies(tx));
      rules::ValidateReferences(given, registered, all);
      RETURN_IF_ERROR(all.ToStatus());

      store::StoredInspection stored;
      stored.inspection = given;
      stored.inspection.set_name(fmt::format("inspections/{}", request->inspection_id()));
      stored.inspection.set_state(v1::Inspection::DRAFT);
      *stored.inspection.mutable_create_time() = base::ToTimestamp(call.now);
      *stored.inspection.mutable_update_time() = base::ToTimestamp(call.now);
      RETURN_IF_ERROR(store::InsertInspection(tx, stored));
      *response = std::move(stored.inspection);
      return absl::OkStatus();
    });
  });
}

grpc::Status InspectionRegistryService::GetInspection(grpc::ServerContext* context,
                                                      const v1::GetInspectionRequest* request,
                                                      v1::Inspection* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    const std::string id = IdIn("name", request->name(), kInspectionPattern, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    return database_.Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(store::StoredInspection stored, store::LoadInspection(tx, id));
      if (stored.inspection.state() == v1::Inspection::DRAFT && !MaySeeDrafts(call.caller)) {
        return base::NotFound(request->name());
      }
      *response = std::move(stored.inspection);
      return absl::OkStatus();
    });
  });
}

grpc::Status InspectionRegistryService::ListInspections(grpc::ServerContext* context,
                                                        const v1::ListInspectionsRequest* request,
                                                        v1::ListInspectionsResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    store::InspectionQuery query;
    query.with_drafts = MaySeeDrafts(call.caller);
    query.max_bytes = kPageBytes;
    query.limit = rpc::PageSize(request->page_size(), violations);
    const std::vector<std::string> after = PageKey(*request, 2, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    if (!after.empty()) {
      query.after_date = after[0];
      query.after_inspection = after[1];
    }
    return database_.Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(store::InspectionPage page, store::ListInspections(tx, query));
      if (page.more) {
        const v1::Inspection& last = page.inspections.back();
        response->set_next_page_token(rpc::MakePageToken(
            *request, {rules::PublicationDateText(last), last.name().substr(last.name().find('/') + 1)}));
      }
      response->mutable_inspections()->Assign(std::make_move_iterator(page.inspections.begin()),
                                              std::make_move_iterator(page.inspections.end()));
      return absl::OkStatus();
    });
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
    const std::string id = IdIn("inspection.name", request->inspection().name(), kInspectionPattern, violations);
    rules::ValidateUpdateInspection(*request, violations);
    rules::ValidateInspection(given, violations);
    const std::string& etag = request->etag().empty() ? request->inspection().etag() : request->etag();
    return rpc::Mutate(call, database_, *request, *response, [&](db::Transaction& tx) -> absl::Status {
      base::Violations all = violations;
      ASSIGN_OR_RETURN(const auto registered, store::ListForcesAndBodies(tx));
      rules::ValidateReferences(given, registered, all);
      RETURN_IF_ERROR(all.ToStatus());

      ASSIGN_OR_RETURN(store::StoredInspection stored, store::LoadInspection(tx, id));
      v1::Inspection& inspection = stored.inspection;
      RETURN_IF_ERROR(base::CheckEtag(inspection.name(), etag, inspection.etag()));
      RETURN_IF_ERROR(rules::Move(inspection, rules::Action::kUpdate));
      rules::CopyFields(given, request->update_mask(), inspection);
      rules::ValidateSize(inspection, all);
      RETURN_IF_ERROR(all.ToStatus());
      *inspection.mutable_update_time() = base::ToTimestamp(call.now);
      RETURN_IF_ERROR(store::UpdateInspection(tx, stored));
      *response = std::move(inspection);
      return absl::OkStatus();
    });
  });
}

grpc::Status InspectionRegistryService::PublishInspection(grpc::ServerContext* context,
                                                          const v1::PublishInspectionRequest* request,
                                                          v1::Inspection* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    const std::string id = IdIn("name", request->name(), kInspectionPattern, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    return rpc::Mutate(call, database_, *request, *response, [&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(store::StoredInspection stored, store::LoadInspection(tx, id));
      v1::Inspection& inspection = stored.inspection;
      RETURN_IF_ERROR(base::CheckEtag(inspection.name(), request->etag(), inspection.etag()));
      RETURN_IF_ERROR(rules::Move(inspection, rules::Action::kPublish));
      RETURN_IF_ERROR(rules::CheckReady(inspection, calendar::LondonDay(call.now)));
      ASSIGN_OR_RETURN(const auto registered, store::ListForcesAndBodies(tx));
      ASSIGN_OR_RETURN(const auto obligations, rules::ObligationsOf(inspection, registered));
      *inspection.mutable_update_time() = base::ToTimestamp(call.now);
      *inspection.mutable_publish_time() = base::ToTimestamp(call.now);
      RETURN_IF_ERROR(store::UpdateInspection(tx, stored));
      ASSIGN_OR_RETURN(const v1::InspectionPublished event, rules::MakePublished(inspection, obligations));
      RETURN_IF_ERROR(log_.Append(tx, OriginOf(call, "", inspection.name()), event));
      *response = std::move(inspection);
      return absl::OkStatus();
    });
  });
}

}  // namespace section55::registry
