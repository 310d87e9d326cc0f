#include "services/response-authoring/followers.h"

#include <memory>
#include <string>
#include <vector>

#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "section55/authoring/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"
#include "section55/registry/v1/events.pb.h"
#include "services/response-authoring/reports.h"
#include "services/response-authoring/rules.h"
#include "services/response-authoring/store.h"
#include "services/response-authoring/successions.h"

namespace section55::authoring {
namespace {

using common::v1::Event;

// A response that an event of another service names.
absl::StatusOr<store::StoredResponse> LoadNamed(db::Transaction& tx, const std::string& name) {
  ASSIGN_OR_RETURN(const rules::ResponseId id, rules::ParseResponseName(name, "response"));
  return store::LoadResponse(tx, id.body, id.inspection, store::ReportForm::kFacts);
}

absl::Status OnPublished(db::Transaction& tx, const Event& event, const publication::v1::ResponsePublished& published,
                         const Changes& changes) {
  ASSIGN_OR_RETURN(store::StoredResponse stored, LoadNamed(tx, published.response()));
  const v1::Response before = stored.response;
  RETURN_IF_ERROR(rules::MarkPublished(published.publication().edition(),
                                       base::FromTimestamp(published.publication().published_time()), stored.response));
  return stored.response.state() == before.state() ? absl::OkStatus()
                                                   : changes.Save(tx, Cause::Of(event), before, stored, {});
}

absl::Status OnRefused(db::Transaction& tx, const Event& event, const publication::v1::ResponseRefused& refused,
                       const Changes& changes) {
  ASSIGN_OR_RETURN(store::StoredResponse stored, LoadNamed(tx, refused.response()));
  if (refused.has_approve_time() &&
      base::FromTimestamp(refused.approve_time()) != base::FromTimestamp(stored.response.approval().time())) {
    return absl::OkStatus();  // of an earlier approval, heard of again
  }
  const v1::Response before = stored.response;
  auto returned = std::make_unique<v1::ResponseReturned>();
  returned->set_response(refused.response());
  v1::Step& refusal = *returned->mutable_refusal();
  refusal.set_actor(event.actor());
  *refusal.mutable_time() = base::ToTimestamp(changes.Now());
  refusal.set_reason(refused.reason());
  RETURN_IF_ERROR(rules::Refuse(refused.edition(), refusal, stored.response));
  if (stored.response.state() == before.state()) {
    return absl::OkStatus();
  }
  std::vector<std::unique_ptr<google::protobuf::Message>> events;
  events.push_back(std::move(returned));
  RETURN_IF_ERROR(TakeUpWaiting(tx, stored, events));
  std::vector<const google::protobuf::Message*> told;
  for (const auto& one : events) {
    told.push_back(one.get());
  }
  RETURN_IF_ERROR(changes.Save(tx, Cause::Of(event), before, stored, told));
  return AwaitSuccession(tx, stored.response.body().name(), changes.jobs());
}

}  // namespace

events::Handlers RegistryHandlers(const Changes& changes) {
  using namespace registry::v1;  // NOLINT: this function is about its events
  events::Handlers handlers;
  handlers.On<BodyRegistered>([](db::Transaction& tx, const Event&, const BodyRegistered& registered) {
    return OnBodyRegistered(tx, registered);
  });
  handlers.On<BodyChanged>([&changes](db::Transaction& tx, const Event& event, const BodyChanged& changed) {
    return OnBodyChanged(tx, Cause::Of(event), changed, changes);
  });
  handlers.On<ForceChanged>([&changes](db::Transaction& tx, const Event& event, const ForceChanged& changed) {
    return OnForceChanged(tx, Cause::Of(event), changed, changes);
  });
  handlers.On<BodySucceeded>([&changes](db::Transaction& tx, const Event&, const BodySucceeded& succeeded) {
    return OnBodySucceeded(tx, succeeded, changes);
  });
  handlers.On<ForceSucceeded>([&changes](db::Transaction& tx, const Event&, const ForceSucceeded& succeeded) {
    return OnForceSucceeded(tx, succeeded, changes);
  });
  handlers.On<InspectionPublished>(
      [&changes](db::Transaction& tx, const Event& event, const InspectionPublished& published) {
        return OnInspectionPublished(tx, Cause::Of(event), published, changes);
      });
  handlers.On<InspectionCorrected>(
      [&changes](db::Transaction& tx, const Event& event, const InspectionCorrected& corrected) {
        return OnInspectionCorrected(tx, Cause::Of(event), corrected, changes);
      });
  handlers.On<InspectionWithdrawn>(
      [&changes](db::Transaction& tx, const Event& event, const InspectionWithdrawn& withdrawn) {
        return OnInspectionWithdrawn(tx, Cause::Of(event), withdrawn, changes);
      });
  return handlers;
}

events::Handlers PublicationHandlers(const Changes& changes) {
  events::Handlers handlers;
  handlers.On<publication::v1::ResponsePublished>(
      [&changes](db::Transaction& tx, const Event& event, const publication::v1::ResponsePublished& published) {
        return OnPublished(tx, event, published, changes);
      });
  handlers.On<publication::v1::ResponseRefused>(
      [&changes](db::Transaction& tx, const Event& event, const publication::v1::ResponseRefused& refused) {
        return OnRefused(tx, event, refused, changes);
      });
  return handlers;
}

}  // namespace section55::authoring
