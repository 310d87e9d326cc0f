#include "services/deadline-scheduler/followers.h"

#include <optional>

#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "section55/deadlines/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"
#include "section55/registry/v1/events.pb.h"
#include "services/deadline-scheduler/rules.h"
#include "services/deadline-scheduler/store.h"
#include "services/deadline-scheduler/worker.h"

namespace section55::deadlines {
namespace {

// Meets the deadline and says so, unless it was met before.
absl::Status MeetDeadline(db::Transaction& tx, store::StoredDeadline& stored, absl::Time published,
                          events::EventLog& log, const events::Origin& origin) {
  if (!rules::Meet(published, stored.deadline)) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(store::UpdateDeadline(tx, stored));
  v1::DeadlineMet met;
  *met.mutable_deadline() = stored.deadline;
  return log.Append(tx, origin, met);
}

absl::Status OpenDeadline(db::Transaction& tx, const registry::v1::Inspection& inspection, const store::DeadlineId& id,
                          events::EventLog& log, std::string_view cause, base::Clock& clock) {
  const absl::Time now = clock.Now();
  ASSIGN_OR_RETURN(std::optional<v1::Deadline> opened, rules::Open(inspection, id, now));
  if (!opened) {
    return absl::OkStatus();
  }
  store::StoredDeadline stored{*std::move(opened)};
  if (const absl::Status inserted = store::InsertDeadline(tx, stored); !inserted.ok()) {
    return absl::IsAlreadyExists(inserted) ? absl::OkStatus() : inserted;
  }
  const events::Origin origin = OriginOf(stored.deadline, cause, now);
  v1::DeadlineOpened event;
  *event.mutable_deadline() = stored.deadline;
  RETURN_IF_ERROR(log.Append(tx, origin, event));
  ASSIGN_OR_RETURN(const std::optional<absl::Time> published, store::AwaitPublication(tx, id));
  return published ? MeetDeadline(tx, stored, *published, log, origin) : absl::OkStatus();
}

absl::Status OnInspectionPublished(db::Transaction& tx, const registry::v1::InspectionPublished& published,
                                   events::EventLog& log, std::string_view cause, base::Clock& clock) {
  const registry::v1::Inspection& inspection = published.inspection();
  ASSIGN_OR_RETURN(const std::string inspection_id,
                   rules::ParseId(inspection.name(), "inspections/{inspection}", "inspection.name"));
  RETURN_IF_ERROR(store::SaveInspection(tx, inspection_id, inspection));
  for (const auto& obligation : published.obligations()) {
    ASSIGN_OR_RETURN(const std::string body,
                     rules::ParseId(obligation.body().name(), "bodies/{body}", "obligations.body.name"));
    RETURN_IF_ERROR(OpenDeadline(tx, inspection, {body, inspection_id}, log, cause, clock));
  }
  // One of them may be due before what the worker sleeps for.
  tx.AfterCommit([&clock] { clock.Wake(); });
  return absl::OkStatus();
}

absl::Status OnBodyRegistered(db::Transaction& tx, const registry::v1::BodyRegistered& registered) {
  ASSIGN_OR_RETURN(const std::string body, rules::ParseId(registered.body().name(), "bodies/{body}", "body.name"));
  ASSIGN_OR_RETURN(const std::string force, rules::ParseId(registered.body().force(), "forces/{force}", "body.force"));
  return store::SaveBody(tx, body, force);
}

}  // namespace

absl::Status OnRegistryEvent(db::Transaction& tx, const common::v1::Event& event, events::EventLog& log,
                             base::Clock& clock) {
  if (registry::v1::BodyRegistered registered; event.payload().UnpackTo(&registered)) {
    return OnBodyRegistered(tx, registered);
  }
  if (registry::v1::InspectionPublished published; event.payload().UnpackTo(&published)) {
    return OnInspectionPublished(tx, published, log, event.event_id(), clock);
  }
  return absl::OkStatus();
}

absl::Status OnPublicationEvent(db::Transaction& tx, const common::v1::Event& event, events::EventLog& log,
                                const base::Clock& clock) {
  publication::v1::ResponsePublished published;
  if (!event.payload().UnpackTo(&published)) {
    return absl::OkStatus();
  }
  const auto parts = base::ParseName(published.response(), "bodies/{body}/responses/{inspection}");
  if (!parts || !published.publication().has_published_time()) {
    base::Violations violations;
    violations.Add(parts ? "publication.published_time" : "response", "is missing or malformed");
    return violations.ToStatus();
  }
  const store::DeadlineId id{(*parts)[0], (*parts)[1]};
  const absl::Time time = base::FromTimestamp(published.publication().published_time());
  ASSIGN_OR_RETURN(const store::Publication found, store::RecordPublication(tx, id, time));
  if (found != store::Publication::kDeadlineIsWaiting) {
    return absl::OkStatus();
  }
  absl::StatusOr<store::StoredDeadline> stored = store::LoadDeadline(tx, id);
  if (absl::IsNotFound(stored.status())) {
    return tx.Conflict();  // it was committed after this transaction's snapshot was taken
  }
  RETURN_IF_ERROR(stored.status());
  return MeetDeadline(tx, *stored, time, log, OriginOf(stored->deadline, event.event_id(), clock.Now()));
}

}  // namespace section55::deadlines
