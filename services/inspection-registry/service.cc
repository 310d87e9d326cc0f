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
#include "services/inspection-registry/findings.h"
#include "services/inspection-registry/rules.h"
#include "services/inspection-registry/store.h"

namespace section55::registry {
namespace {

// A page of reports: what is left of a message after the other things in it.
constexpr size_t kPageBytes = base::kLargestMessage - base::kEventRoom;

// The etag that a resource bears when it has been saved over version `version`; 0 for a new one. It is part of the answer, which is
// complete before anything is written.
std::string NextEtag(int64_t version) { return base::EtagOf(version + 1); }

// A page of forces or bodies, in the order of their ids.
template <typename Request, typename Item, typename Response>
absl::Status ReadPage(const rpc::Call& call, db::Database& database, const Request& request,
                      absl::StatusOr<std::vector<Item>> (*list)(db::Transaction&, std::string_view, int),
                      google::protobuf::RepeatedPtrField<Item>& page, Response& response) {
  base::Violations violations;
  const auto paging = rpc::ReadPaging<std::string>(request, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  std::vector<Item> items;
  RETURN_IF_ERROR(database.Lookup(
      [&](db::Transaction& tx) -> absl::Status {
        ASSIGN_OR_RETURN(items, list(tx, paging.after ? std::get<0>(*paging.after) : "", paging.limit()));
        return absl::OkStatus();
      },
      call.deadline));
  rpc::FinishPage(
      request, paging, items, [](const Item& item) { return item.name().substr(item.name().find('/') + 1); }, response);
  page.Assign(std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
  return absl::OkStatus();
}

// One force or body, by its name.
template <typename Request, typename Item>
absl::Status ReadOne(const rpc::Call& call, db::Database& database, const Request& request, std::string_view pattern,
                     absl::StatusOr<Item> (*load)(db::Transaction&, std::string_view), Item& response) {
  base::Violations violations;
  const std::string id = base::IdIn("name", request.name(), pattern, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  return database.Lookup(
      [&](db::Transaction& tx) -> absl::Status {
        ASSIGN_OR_RETURN(response, load(tx, id));
        return absl::OkStatus();
      },
      call.deadline);
}

bool MaySeeDrafts(const access::Identity& caller) {
  using common::v1::AccessRule;
  return caller.kind == access::Identity::Kind::kService || caller.Holds(AccessRule::REGISTRAR, "") ||
         caller.Holds(AccessRule::AUDITOR, "");
}

}  // namespace

grpc::Status InspectionRegistryService::CreateForce(grpc::ServerContext* context, const v1::CreateForceRequest* request,
                                                    v1::Force* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    rules::ValidateCreateForce(*request, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    return rpc::Change(
        call, database_, *request, *response,
        [&](db::Transaction&) -> absl::Status {
          *response = request->force();
          response->set_name(base::MakeName(base::kForceName, {request->force_id()}));
          *response->mutable_create_time() = base::ToTimestamp(call.now);
          response->set_etag(NextEtag(0));
          return absl::OkStatus();
        },
        [&](db::Transaction& tx) { return store::InsertForce(tx, *response); });
  });
}

grpc::Status InspectionRegistryService::GetForce(grpc::ServerContext* context, const v1::GetForceRequest* request,
                                                 v1::Force* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return ReadOne(call, database_, *request, base::kForceName, store::LoadForce, *response);
  });
}

grpc::Status InspectionRegistryService::ListForces(grpc::ServerContext* context, const v1::ListForcesRequest* request,
                                                   v1::ListForcesResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return ReadPage(call, database_, *request, store::ListForces, *response->mutable_forces(), *response);
  });
}

grpc::Status InspectionRegistryService::CreateBody(grpc::ServerContext* context, const v1::CreateBodyRequest* request,
                                                   v1::Body* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    rules::ValidateCreateBody(*request, violations);
    const std::string& force_name = request->body().force();
    const auto force_id = base::ParseName(force_name, base::kForceName);
    v1::BodyRegistered event;
    return rpc::Change(
        call, database_, *request, *response,
        [&](db::Transaction& tx) -> absl::Status {
          base::Violations all = violations;
          event.Clear();
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
          response->set_name(base::MakeName(base::kBodyName, {request->body_id()}));
          *response->mutable_create_time() = base::ToTimestamp(call.now);
          response->set_etag(NextEtag(0));
          *event.mutable_body() = *response;
          return store::CheckNewBody(tx, *response);
        },
        [&](db::Transaction& tx) -> absl::Status {
          RETURN_IF_ERROR(store::InsertBody(tx, *response));
          return log_.Append(tx, events::OriginOf(call, response->name(), response->name()), event);
        });
  });
}

grpc::Status InspectionRegistryService::GetBody(grpc::ServerContext* context, const v1::GetBodyRequest* request,
                                                v1::Body* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return ReadOne(call, database_, *request, base::kBodyName, store::LoadBody, *response);
  });
}

grpc::Status InspectionRegistryService::ListBodies(grpc::ServerContext* context, const v1::ListBodiesRequest* request,
                                                   v1::ListBodiesResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return ReadPage(call, database_, *request, store::ListBodies, *response->mutable_bodies(), *response);
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
    given.set_name(base::MakeName(base::kInspectionName, {request->inspection_id()}));
    given.set_state(v1::Inspection::DRAFT);
    *given.mutable_create_time() = base::ToTimestamp(call.now);
    *given.mutable_update_time() = base::ToTimestamp(call.now);
    return rpc::Change(
        call, database_, *request, *response,
        [&](db::Transaction& tx) -> absl::Status {
          base::Violations all = violations;
          ASSIGN_OR_RETURN(const auto registered, store::ListForcesAndBodies(tx));
          rules::ValidateReferences(given, registered, all);
          rules::ValidateSize(given, registered, all);
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
          ASSIGN_OR_RETURN(store::StoredInspection stored, store::LoadInspection(tx, id));
          if (stored.message.state() == v1::Inspection::DRAFT && !MaySeeDrafts(call.caller)) {
            return base::NotFound(request->name());
          }
          *response = std::move(stored.message);
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
    rules::ValidateInspection(given, violations);
    const std::string& etag = request->etag().empty() ? request->inspection().etag() : request->etag();
    store::StoredInspection changed;
    return rpc::Change(
        call, database_, *request, *response,
        [&](db::Transaction& tx) -> absl::Status {
          base::Violations all = violations;
          ASSIGN_OR_RETURN(const auto registered, store::ListForcesAndBodies(tx));
          rules::ValidateReferences(given, registered, all);
          RETURN_IF_ERROR(all.ToStatus());

          ASSIGN_OR_RETURN(changed, store::LoadInspection(tx, id));
          v1::Inspection& inspection = changed.message;
          RETURN_IF_ERROR(base::CheckEtag(inspection.name(), etag, inspection.etag()));
          RETURN_IF_ERROR(base::Move(rules::kTransitions, inspection, v1::Inspection::DRAFT));
          rules::CopyFields(given, request->update_mask(), inspection);
          rules::ValidateSize(inspection, registered, all);
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

grpc::Status InspectionRegistryService::PublishInspection(grpc::ServerContext* context,
                                                          const v1::PublishInspectionRequest* request,
                                                          v1::Inspection* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    const std::string id = base::IdIn("name", request->name(), base::kInspectionName, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    store::StoredInspection published;
    v1::InspectionPublished event;
    return rpc::Change(
        call, database_, *request, *response,
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(published, store::LoadInspection(tx, id));
          v1::Inspection& inspection = published.message;
          RETURN_IF_ERROR(base::CheckEtag(inspection.name(), request->etag(), inspection.etag()));
          RETURN_IF_ERROR(base::Move(rules::kTransitions, inspection, v1::Inspection::PUBLISHED));
          RETURN_IF_ERROR(rules::CheckReady(inspection, calendar::LondonDay(call.now)));
          ASSIGN_OR_RETURN(const auto registered, store::ListForcesAndBodies(tx));
          ASSIGN_OR_RETURN(const auto obligations, rules::ObligationsOf(inspection, registered));
          inspection.set_revision(rules::kFirstRevision);
          *inspection.mutable_update_time() = base::ToTimestamp(call.now);
          *inspection.mutable_publish_time() = base::ToTimestamp(call.now);
          *response = inspection;
          response->set_etag(NextEtag(published.version));
          ASSIGN_OR_RETURN(event, rules::MakePublished(*response, obligations));
          return absl::OkStatus();
        },
        [&](db::Transaction& tx) -> absl::Status {
          store::StoredInspection row = published;
          RETURN_IF_ERROR(store::UpdateInspection(tx, row));
          return log_.Append(tx, events::OriginOf(call, "", row.message.name()), event);
        });
  });
}

}  // namespace section55::registry
