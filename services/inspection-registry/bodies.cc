// The calls about forces and bodies.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/calendar/london.h"
#include "libs/events/origin.h"
#include "libs/rpc/change.h"
#include "services/inspection-registry/access.h"
#include "services/inspection-registry/find.h"
#include "services/inspection-registry/register.h"
#include "services/inspection-registry/service.h"
#include "services/inspection-registry/store.h"

namespace section55::registry {
namespace {

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

const v1::Force* Find(const rules::Register& all, const v1::Force&, std::string_view name) {
  return all.FindForce(name);
}
const v1::Body* Find(const rules::Register& all, const v1::Body&, std::string_view name) { return all.FindBody(name); }

// The event with the body and its force: the one it holds to account today, or else held last or will hold.
template <typename Event>
void Fill(const rules::Register& all, const v1::Body& body, absl::Time now, Event& event) {
  *event.mutable_body() = body;
  event.clear_force();
  const std::string held = rules::ForceHeld(body, calendar::LondonDay(now));
  if (const v1::Force* force = all.FindForce(held.empty() ? body.force() : held); force != nullptr) {
    *event.mutable_force() = *force;
  }
}

// The one that a request is about, with the etag that it names.
template <typename Message>
absl::StatusOr<Message> LoadForChange(const store::StoredRegister& stored, const std::string& name,
                                      const std::string& etag) {
  const Message* const found = Find(stored.all, Message(), name);
  if (found == nullptr) {
    return base::NotFound(name);
  }
  RETURN_IF_ERROR(base::CheckEtag(name, etag, found->etag()));
  return *found;
}

// Saves what is not as it was.
absl::Status SaveAll(db::Transaction& tx, const store::StoredRegister& stored, const std::vector<v1::Force>& forces,
                     const std::vector<v1::Body>& bodies) {
  RETURN_IF_ERROR(store::ChangeRegister(tx, stored.version));
  for (const v1::Force& force : forces) {
    RETURN_IF_ERROR(store::UpdateForce(tx, force, stored.versions.at(force.name())));
  }
  for (const v1::Body& body : bodies) {
    RETURN_IF_ERROR(store::UpdateBody(tx, body, stored.versions.at(body.name())));
  }
  return absl::OkStatus();
}

// The etag that each will bear once it is saved.
template <typename Message>
void SetEtags(const store::StoredRegister& stored, std::vector<Message>& messages) {
  for (Message& message : messages) {
    message.set_etag(NextEtag(stored.versions.at(message.name())));
  }
}

template <typename Message>
void SetEtag(const std::vector<Message>& changed, Message& told) {
  for (const Message& message : changed) {
    if (message.name() == told.name()) {
      told.set_etag(message.etag());
    }
  }
}

void SetEtags(const store::StoredRegister& stored, rules::BodySuccession& succession) {
  SetEtags(stored, succession.bodies);
  SetEtag(succession.bodies, *succession.event.mutable_predecessor());
  SetEtag(succession.bodies, *succession.event.mutable_successor());
}

void SetEtags(const store::StoredRegister& stored, rules::ForceSuccession& succession) {
  SetEtags(stored, succession.forces);
  SetEtags(stored, succession.bodies);
  SetEtag(succession.forces, *succession.event.mutable_predecessor());
  SetEtag(succession.forces, *succession.event.mutable_successor());
  for (v1::Body& body : *succession.event.mutable_bodies()) {
    SetEtag(succession.bodies, body);
  }
}

// Tells of those in whose history the succession stands too, as they have come in the successor's place: the event does not name them.
absl::Status TellHeirs(db::Transaction& tx, events::EventLog& log, const rpc::Call& call, const rules::Register& all,
                       const rules::BodySuccession& succession) {
  for (const v1::Body& body : succession.bodies) {
    if (body.name() != succession.event.predecessor().name() && body.name() != succession.event.successor().name()) {
      v1::BodyChanged changed;
      Fill(all, body, call.now, changed);
      RETURN_IF_ERROR(log.Append(tx, events::OriginOf(call, body.name(), body.name()), changed));
    }
  }
  return absl::OkStatus();
}

absl::Status TellHeirs(db::Transaction& tx, events::EventLog& log, const rpc::Call& call, const rules::Register&,
                       const rules::ForceSuccession& succession) {
  for (const v1::Force& force : succession.forces) {
    if (force.name() != succession.event.predecessor().name() && force.name() != succession.event.successor().name()) {
      v1::ForceChanged changed;
      *changed.mutable_force() = force;
      RETURN_IF_ERROR(log.Append(tx, events::OriginOf(call, "", force.name()), changed));
    }
  }
  return absl::OkStatus();
}

// SucceedForce and SucceedBody, which differ in what they change.
template <typename Succession, typename Request, typename Message>
absl::Status Succeed(const rpc::Call& call, db::Database& database, events::EventLog& log, const Request& request,
                     void (*validate)(const Request&, base::Violations&), Message& response) {
  base::Violations violations;
  validate(request, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  store::StoredRegister stored;
  Succession succession;
  return rpc::Change(
      call, database, request, response,
      [&](db::Transaction& tx) -> absl::Status {
        ASSIGN_OR_RETURN(stored, store::LoadRegister(tx));
        RETURN_IF_ERROR(LoadForChange<Message>(stored, request.name(), request.etag()).status());
        ASSIGN_OR_RETURN(succession, rules::Succeed(request, stored.all));
        SetEtags(stored, succession);
        response = succession.event.predecessor();
        return absl::OkStatus();
      },
      [&](db::Transaction& tx) -> absl::Status {
        RETURN_IF_ERROR(SaveAll(tx, stored, succession.forces, succession.bodies));
        RETURN_IF_ERROR(log.Append(tx, events::OriginOf(call, "", request.name()), succession.event));
        return TellHeirs(tx, log, call, stored.all, succession);
      });
}

}  // namespace

grpc::Status InspectionRegistryService::CreateForce(grpc::ServerContext* context, const v1::CreateForceRequest* request,
                                                    v1::Force* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    rules::ValidateCreateForce(*request, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    store::StoredRegister stored;
    return rpc::Change(
        call, database_, *request, *response,
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(stored, store::LoadRegister(tx));
          *response = request->force();
          response->clear_succession();
          response->clear_predecessors();
          response->set_name(base::MakeName(base::kForceName, {request->force_id()}));
          *response->mutable_create_time() = base::ToTimestamp(call.now);
          response->set_etag(NextEtag(0));
          return stored.all.FindForce(response->name()) == nullptr ? absl::OkStatus()
                                                                   : base::AlreadyExists(response->name());
        },
        [&](db::Transaction& tx) -> absl::Status {
          RETURN_IF_ERROR(store::ChangeRegister(tx, stored.version));
          return store::InsertForce(tx, *response);
        });
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
  return server_.Serve(context, *request,
                       [&](rpc::Call& call) { return FindForces(call, database_, *request, *response); });
}

grpc::Status InspectionRegistryService::UpdateForce(grpc::ServerContext* context, const v1::UpdateForceRequest* request,
                                                    v1::Force* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    base::IdIn("force.name", request->force().name(), base::kForceName, violations);
    rules::ValidateUpdateForce(*request, violations);
    const std::string& etag = request->etag().empty() ? request->force().etag() : request->etag();
    store::StoredRegister stored;
    v1::ForceChanged event;
    return rpc::Change(
        call, database_, *request, *response,
        [&](db::Transaction& tx) -> absl::Status {
          RETURN_IF_ERROR(violations.ToStatus());
          ASSIGN_OR_RETURN(stored, store::LoadRegister(tx));
          ASSIGN_OR_RETURN(*response, LoadForChange<v1::Force>(stored, request->force().name(), etag));
          base::Violations wrong;
          rules::ApplyUpdate(*request, *response, wrong);
          RETURN_IF_ERROR(wrong.ToStatus());
          response->set_etag(NextEtag(stored.versions.at(response->name())));
          *event.mutable_force() = *response;
          return absl::OkStatus();
        },
        [&](db::Transaction& tx) -> absl::Status {
          RETURN_IF_ERROR(SaveAll(tx, stored, {*response}, {}));
          return log_.Append(tx, events::OriginOf(call, "", response->name()), event);
        });
  });
}

grpc::Status InspectionRegistryService::SucceedForce(grpc::ServerContext* context,
                                                     const v1::SucceedForceRequest* request, v1::Force* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return Succeed<rules::ForceSuccession>(call, database_, log_, *request, rules::ValidateSucceedForce, *response);
  });
}

grpc::Status InspectionRegistryService::CreateBody(grpc::ServerContext* context, const v1::CreateBodyRequest* request,
                                                   v1::Body* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    rules::ValidateCreateBody(*request, violations);
    store::StoredRegister stored;
    v1::BodyRegistered event;
    return rpc::Change(
        call, database_, *request, *response,
        [&](db::Transaction& tx) -> absl::Status {
          base::Violations all = violations;
          ASSIGN_OR_RETURN(stored, store::LoadRegister(tx));
          *response = rules::Normalised(request->body());
          response->set_name(base::MakeName(base::kBodyName, {request->body_id()}));
          *response->mutable_create_time() = base::ToTimestamp(call.now);
          response->set_etag(NextEtag(0));
          const absl::Status fits = rules::CheckLinks(stored.all, *response);
          const google::rpc::BadRequest unknown = base::BadRequestOf(fits);
          for (const auto& violation : unknown.field_violations()) {
            all.Add(violation.field(), violation.description());
          }
          RETURN_IF_ERROR(all.ToStatus());
          if (stored.all.FindBody(response->name()) != nullptr) {
            return base::AlreadyExists(response->name());
          }
          Fill(stored.all, *response, call.now, event);
          return fits;
        },
        [&](db::Transaction& tx) -> absl::Status {
          RETURN_IF_ERROR(store::ChangeRegister(tx, stored.version));
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
  return server_.Serve(context, *request,
                       [&](rpc::Call& call) { return FindBodies(call, database_, *request, *response); });
}

grpc::Status InspectionRegistryService::UpdateBody(grpc::ServerContext* context, const v1::UpdateBodyRequest* request,
                                                   v1::Body* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    base::IdIn("body.name", request->body().name(), base::kBodyName, violations);
    rules::ValidateUpdateBody(*request, violations);
    const std::string& etag = request->etag().empty() ? request->body().etag() : request->etag();
    store::StoredRegister stored;
    v1::BodyChanged event;
    return rpc::Change(
        call, database_, *request, *response,
        [&](db::Transaction& tx) -> absl::Status {
          RETURN_IF_ERROR(violations.ToStatus());
          ASSIGN_OR_RETURN(stored, store::LoadRegister(tx));
          ASSIGN_OR_RETURN(*response, LoadForChange<v1::Body>(stored, request->body().name(), etag));
          base::Violations wrong;
          rules::ApplyUpdate(*request, *response, wrong);
          RETURN_IF_ERROR(wrong.ToStatus());
          RETURN_IF_ERROR(rules::CheckLinks(stored.all, *response));
          response->set_etag(NextEtag(stored.versions.at(response->name())));
          Fill(stored.all, *response, call.now, event);
          return absl::OkStatus();
        },
        [&](db::Transaction& tx) -> absl::Status {
          RETURN_IF_ERROR(SaveAll(tx, stored, {}, {*response}));
          return log_.Append(tx, events::OriginOf(call, response->name(), response->name()), event);
        });
  });
}

grpc::Status InspectionRegistryService::SucceedBody(grpc::ServerContext* context, const v1::SucceedBodyRequest* request,
                                                    v1::Body* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return Succeed<rules::BodySuccession>(call, database_, log_, *request, rules::ValidateSucceedBody, *response);
  });
}

}  // namespace section55::registry
