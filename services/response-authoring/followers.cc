#include "services/response-authoring/followers.h"

#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "section55/authoring/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"
#include "section55/registry/v1/events.pb.h"
#include "services/response-authoring/rules.h"
#include "services/response-authoring/store.h"

namespace section55::authoring {
namespace {

absl::Status UnreadablePayload(const common::v1::Event& event) {
  return absl::DataLossError("the payload cannot be read as " + event.payload().type_url());
}

absl::Status RememberBody(db::Transaction& tx, const registry::v1::Body& body) {
  const auto id = base::ParseName(body.name(), "bodies/{body}");
  const auto force = base::ParseName(body.force(), "forces/{force}");
  if (!id || !force) {
    return absl::InvalidArgumentError("a body was registered under a malformed name: " + body.name());
  }
  return store::SaveBody(tx, (*id)[0], (*force)[0]);
}

absl::Status OpenResponses(db::Transaction& tx, const common::v1::Event& event,
                           const registry::v1::InspectionPublished& published, events::EventLog& log, absl::Time now) {
  for (const auto& obligation : published.obligations()) {
    store::StoredResponse stored;
    stored.response = rules::Open(published.inspection(), obligation, now);
    const absl::Status inserted = store::InsertResponse(tx, stored);
    if (absl::IsAlreadyExists(inserted)) {
      continue;
    }
    RETURN_IF_ERROR(inserted);
    v1::ResponseOpened opened;
    *opened.mutable_response() = stored.response;
    RETURN_IF_ERROR(log.Append(tx,
                               {.tenant = stored.response.body().name(),
                                .subject = stored.response.name(),
                                .actor = event.actor(),
                                .cause = event.event_id(),
                                .time = now},
                               opened));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status OnRegistryEvent(db::Transaction& tx, const common::v1::Event& event, events::EventLog& log,
                             const base::Clock& clock) {
  if (event.payload().Is<registry::v1::BodyRegistered>()) {
    registry::v1::BodyRegistered registered;
    return event.payload().UnpackTo(&registered) ? RememberBody(tx, registered.body()) : UnreadablePayload(event);
  }
  if (event.payload().Is<registry::v1::InspectionPublished>()) {
    registry::v1::InspectionPublished published;
    return event.payload().UnpackTo(&published) ? OpenResponses(tx, event, published, log, clock.Now())
                                                : UnreadablePayload(event);
  }
  return absl::OkStatus();
}

absl::Status OnPublicationEvent(db::Transaction& tx, const common::v1::Event& event) {
  if (!event.payload().Is<publication::v1::ResponsePublished>()) {
    return absl::OkStatus();
  }
  publication::v1::ResponsePublished published;
  if (!event.payload().UnpackTo(&published)) {
    return UnreadablePayload(event);
  }
  ASSIGN_OR_RETURN(const rules::ResponseId id, rules::ParseResponseName(published.response(), "response"));
  ASSIGN_OR_RETURN(store::StoredResponse stored, store::LoadResponse(tx, id.body, id.inspection));
  if (stored.response.state() == v1::Response::PUBLISHED) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(rules::MarkPublished(published.publication().edition(),
                                       base::FromTimestamp(published.publication().published_time()), stored.response));
  return store::UpdateResponse(tx, stored);
}

}  // namespace section55::authoring
