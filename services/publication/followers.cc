#include "services/publication/followers.h"

#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/service/successions.h"
#include "section55/authoring/v1/events.pb.h"
#include "section55/registry/v1/events.pb.h"
#include "services/publication/jobs.h"
#include "services/publication/rules.h"
#include "services/publication/store.h"

namespace section55::publication {
namespace {

absl::Status OnApproved(db::Transaction& tx, const events::Event& event, const authoring::v1::Response& approved,
                        jobs::Queue& queue, const base::Clock& clock) {
  const auto ids = base::ParseName(approved.name(), base::kResponseName);
  if (!ids || approved.edition() < 1) {
    return base::Error(absl::StatusCode::kInvalidArgument, "MALFORMED_EVENT",
                       "an approved response without a name or an edition");
  }
  const store::Key key{(*ids)[0], (*ids)[1]};
  ASSIGN_OR_RETURN(const std::optional<v1::PublicationRecord> existing, store::FindPublication(tx, key));
  if (existing && existing->edition() >= approved.edition()) {
    return absl::OkStatus();  // the instant of publication is never moved
  }
  ASSIGN_OR_RETURN(const bool counts, store::SaveApproval(tx, key, approved, event.event_id()));
  return counts ? SchedulePublication(tx, queue, key, approved.edition(), event.event_id(), clock.Now())
                : absl::OkStatus();
}

// Whose people may do what for whom from which day on.
template <typename Event>
absl::Status Remember(db::Transaction& tx, const Event& event) {
  ASSIGN_OR_RETURN(const service::Succession succession, service::SuccessionOf(event));
  return service::SaveSuccession(tx, succession);
}

}  // namespace

events::Handlers AuthoringHandlers(jobs::Queue& queue, base::Clock& clock) {
  events::Handlers handlers;
  handlers.On<authoring::v1::ResponseApproved>([&queue, &clock](db::Transaction& tx, const events::Event& event,
                                                                const authoring::v1::ResponseApproved& payload) {
    return OnApproved(tx, event, payload.response(), queue, clock);
  });
  handlers.Ignore<authoring::v1::ResponseOpened>();
  handlers.Ignore<authoring::v1::ChiefOfficerInvited>();
  handlers.Ignore<authoring::v1::ChiefOfficerCommented>();
  handlers.Ignore<authoring::v1::ResponseSubmitted>();
  handlers.Ignore<authoring::v1::ResponseReturned>();
  // What is published answers the report as it was approved, under the author of that day; what is not is none of our business.
  handlers.Ignore<authoring::v1::ResponseCorrected>();
  handlers.Ignore<authoring::v1::ResponseClosed>();
  // What is exempt is not published; what was exempt and is owed again is published when it is approved.
  handlers.Ignore<authoring::v1::ResponseExempted>();
  handlers.Ignore<authoring::v1::ExemptionRevoked>();
  handlers.Ignore<authoring::v1::ResponseCommented>();
  return handlers;
}

events::Handlers RegistryHandlers() {
  using namespace registry::v1;  // NOLINT: this function is about its events
  events::Handlers handlers;
  handlers.On<BodySucceeded>([](db::Transaction& tx, const events::Event&, const BodySucceeded& succeeded) {
    return Remember(tx, succeeded);
  });
  handlers.On<ForceSucceeded>([](db::Transaction& tx, const events::Event&, const ForceSucceeded& succeeded) {
    return Remember(tx, succeeded);
  });
  // What is published says of reports, bodies and forces what was approved.
  handlers.Ignore<BodyRegistered>();
  handlers.Ignore<BodyChanged>();
  handlers.Ignore<ForceChanged>();
  handlers.Ignore<InspectionPublished>();
  handlers.Ignore<InspectionCorrected>();
  handlers.Ignore<InspectionWithdrawn>();
  return handlers;
}

}  // namespace section55::publication
