#include "services/deadline-scheduler/followers.h"

#include <string>
#include <vector>

#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "section55/publication/v1/events.pb.h"
#include "section55/registry/v1/events.pb.h"
#include "services/deadline-scheduler/rules.h"
#include "services/deadline-scheduler/store.h"

namespace section55::deadlines {
namespace {

using events::Event;

absl::Status OnBodyRegistered(db::Transaction& tx, const registry::v1::BodyRegistered& registered) {
  base::Violations violations;
  const std::string body = base::IdIn("body.name", registered.body().name(), base::kBodyName, violations);
  const std::string force = base::IdIn("body.force", registered.body().force(), base::kForceName, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  return store::SaveBody(tx, body, force);
}

absl::Status OnInspectionPublished(db::Transaction& tx, const Event& event,
                                   const registry::v1::InspectionPublished& published, const Changes& changes) {
  const registry::v1::Inspection& inspection = published.inspection();
  base::Violations violations;
  const std::string id = base::IdIn("inspection.name", inspection.name(), base::kInspectionName, violations);
  std::vector<std::string> bodies;
  for (const auto& obligation : published.obligations()) {
    bodies.push_back(base::IdIn("obligations.body.name", obligation.body().name(), base::kBodyName, violations));
  }
  RETURN_IF_ERROR(violations.ToStatus());
  RETURN_IF_ERROR(store::SaveInspection(tx, id, inspection));
  for (const std::string& body : bodies) {
    RETURN_IF_ERROR(changes.Open(tx, inspection, {body, id}, event.event_id()));
  }
  return absl::OkStatus();
}

absl::Status OnResponsePublished(db::Transaction& tx, const Event& event,
                                 const publication::v1::ResponsePublished& published, const Changes& changes) {
  base::Violations violations;
  const std::vector<std::string> ids = base::IdsIn("response", published.response(), base::kResponseName, violations);
  if (!published.publication().has_published_time()) {
    violations.Add("publication.published_time", "is required");
  }
  RETURN_IF_ERROR(violations.ToStatus());
  const rules::DeadlineId id{ids[0], ids[1]};
  const absl::Time time = base::FromTimestamp(published.publication().published_time());
  ASSIGN_OR_RETURN(const store::Publication found, store::RecordPublication(tx, id, time));
  if (found != store::Publication::kDeadlineIsWaiting) {
    return absl::OkStatus();
  }
  const absl::Status met = changes.Meet(tx, id, time, event.event_id());
  // When there is none, it was committed after this transaction's snapshot was taken.
  return absl::IsNotFound(met) ? tx.Conflict() : met;
}

}  // namespace

events::Handlers RegistryHandlers(const Changes& changes) {
  events::Handlers handlers;
  handlers.On<registry::v1::BodyRegistered>(
      [](db::Transaction& tx, const Event&, const registry::v1::BodyRegistered& registered) {
        return OnBodyRegistered(tx, registered);
      });
  handlers.On<registry::v1::InspectionPublished>(
      [&changes](db::Transaction& tx, const Event& event, const registry::v1::InspectionPublished& published) {
        return OnInspectionPublished(tx, event, published, changes);
      });
  return handlers;
}

events::Handlers PublicationHandlers(const Changes& changes) {
  events::Handlers handlers;
  handlers.On<publication::v1::ResponsePublished>(
      [&changes](db::Transaction& tx, const Event& event, const publication::v1::ResponsePublished& published) {
        return OnResponsePublished(tx, event, published, changes);
      });
  // What could not be published was not done: its deadline stands.
  handlers.Ignore<publication::v1::ResponseRefused>();
  return handlers;
}

}  // namespace section55::deadlines
