#include "services/response-authoring/followers.h"

#include <fmt/format.h>

#include <string>

#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "section55/authoring/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"
#include "section55/registry/v1/events.pb.h"
#include "services/response-authoring/rules.h"
#include "services/response-authoring/store.h"
#include "services/response-authoring/views.h"

namespace section55::authoring {
namespace {

using common::v1::Event;

events::Origin OriginOf(const v1::Response& response, std::string_view actor, std::string_view cause, absl::Time now) {
  return {.tenant = response.body().name(),
          .subject = response.name(),
          .actor = std::string(actor),
          .cause = std::string(cause),
          .time = now};
}

absl::Status RememberBody(db::Transaction& tx, const registry::v1::BodyRegistered& registered) {
  const registry::v1::Body& body = registered.body();
  const auto id = base::ParseName(body.name(), base::kBodyName);
  const auto force = base::ParseName(body.force(), base::kForceName);
  if (!id || !force) {
    return absl::InvalidArgumentError("a body was registered under a malformed name: " + body.name());
  }
  RETURN_IF_ERROR(store::KeepBody(tx, registered));
  return store::SaveBody(tx, (*id)[0], (*force)[0]);
}

// Opens one response. Nothing when it is open already.
absl::Status OpenResponse(db::Transaction& tx, const Event& event, const registry::v1::Inspection& inspection,
                          const registry::v1::Obligation& obligation, events::EventLog& log, absl::Time now) {
  store::StoredResponse stored;
  stored.response = rules::Open(inspection, obligation, now);
  stored.revision = inspection.revision();
  const store::Save save = store::Prepare(v1::Response(), event.actor(), now, stored);
  const absl::Status written = store::Write(tx, save);
  if (absl::IsAlreadyExists(written)) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(written);
  v1::ResponseOpened opened;
  *opened.mutable_response() = views::Basic(stored.response);
  *opened.mutable_response()->mutable_report() = inspection;
  return log.Append(tx, OriginOf(stored.response, event.actor(), event.event_id(), now), opened);
}

absl::Status OpenResponses(db::Transaction& tx, const Event& event, const registry::v1::InspectionPublished& published,
                           events::EventLog& log, absl::Time now) {
  // The etag is that of the registry's own resource.
  registry::v1::Inspection report = published.inspection();
  report.clear_etag();
  RETURN_IF_ERROR(store::KeepReport(tx, report));
  report.clear_findings();  // only in what was kept
  for (const registry::v1::Obligation& obligation : published.obligations()) {
    RETURN_IF_ERROR(OpenResponse(tx, event, report, obligation, log, now));
  }
  return absl::OkStatus();
}

// A response that an event of another service names.
absl::StatusOr<store::StoredResponse> LoadNamed(db::Transaction& tx, const std::string& name) {
  ASSIGN_OR_RETURN(const rules::ResponseId id, rules::ParseResponseName(name, "response"));
  return store::LoadResponse(tx, id.body, id.inspection, store::ReportForm::kFacts);
}

// Saves what another service's event made of a response.
absl::Status SaveChanged(db::Transaction& tx, const Event& event, const v1::Response& before, absl::Time now,
                         store::StoredResponse& stored) {
  *stored.response.mutable_update_time() = base::ToTimestamp(now);
  return store::Write(tx, store::Prepare(before, event.actor(), now, stored));
}

absl::Status OnPublished(db::Transaction& tx, const Event& event, const publication::v1::ResponsePublished& published,
                         absl::Time now) {
  ASSIGN_OR_RETURN(store::StoredResponse stored, LoadNamed(tx, published.response()));
  const v1::Response before = stored.response;
  RETURN_IF_ERROR(rules::MarkPublished(published.publication().edition(),
                                       base::FromTimestamp(published.publication().published_time()), stored.response));
  return stored.response.state() == before.state() ? absl::OkStatus() : SaveChanged(tx, event, before, now, stored);
}

absl::Status OnRefused(db::Transaction& tx, const Event& event, const publication::v1::ResponseRefused& refused,
                       events::EventLog& log, absl::Time now) {
  ASSIGN_OR_RETURN(store::StoredResponse stored, LoadNamed(tx, refused.response()));
  if (refused.has_approve_time() &&
      base::FromTimestamp(refused.approve_time()) != base::FromTimestamp(stored.response.approval().time())) {
    return absl::OkStatus();  // of an earlier approval, heard of again
  }
  const v1::Response before = stored.response;
  v1::ResponseReturned returned;
  returned.set_response(refused.response());
  v1::Step& refusal = *returned.mutable_refusal();
  refusal.set_actor(event.actor());
  *refusal.mutable_time() = base::ToTimestamp(now);
  refusal.set_reason(refused.reason());
  RETURN_IF_ERROR(rules::Refuse(refused.edition(), refusal, stored.response));
  if (stored.response.state() == before.state()) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(SaveChanged(tx, event, before, now, stored));
  return log.Append(tx, OriginOf(stored.response, event.actor(), event.event_id(), now), returned);
}

}  // namespace

events::Handlers RegistryHandlers(events::EventLog& log, const base::Clock& clock) {
  events::Handlers handlers;
  handlers.On<registry::v1::BodyRegistered>(
      [](db::Transaction& tx, const Event&, const registry::v1::BodyRegistered& registered) {
        return RememberBody(tx, registered);
      });
  handlers.On<registry::v1::InspectionPublished>(
      [&](db::Transaction& tx, const Event& event, const registry::v1::InspectionPublished& published) {
        return OpenResponses(tx, event, published, log, clock.Now());
      });
  return handlers;
}

events::Handlers PublicationHandlers(events::EventLog& log, const base::Clock& clock) {
  events::Handlers handlers;
  handlers.On<publication::v1::ResponsePublished>(
      [&](db::Transaction& tx, const Event& event, const publication::v1::ResponsePublished& published) {
        return OnPublished(tx, event, published, clock.Now());
      });
  handlers.On<publication::v1::ResponseRefused>(
      [&](db::Transaction& tx, const Event& event, const publication::v1::ResponseRefused& refused) {
        return OnRefused(tx, event, refused, log, clock.Now());
      });
  return handlers;
}

}  // namespace section55::authoring
