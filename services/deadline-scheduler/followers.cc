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

// Remembers which force the body holds to account; one that does not hold one yet has no people of a force.
absl::Status SaveBody(db::Transaction& tx, const registry::v1::Body& body, const std::string& force_name) {
  base::Violations violations;
  const std::string id = base::IdIn("body.name", body.name(), base::kBodyName, violations);
  const std::string force =
      force_name.empty() ? "" : base::IdIn("body.force", force_name, base::kForceName, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  return force.empty() ? absl::OkStatus() : store::SaveBody(tx, id, force);
}

// What is known of a report; an empty one where that is nothing.
absl::StatusOr<registry::v1::Inspection> Recall(db::Transaction& tx, const std::string& id) {
  absl::StatusOr<registry::v1::Inspection> known = store::LoadInspection(tx, id);
  return absl::IsNotFound(known.status()) ? registry::v1::Inspection() : std::move(known);
}

// Remembers what the event tells of a report, unless more than that is known. Returns what is known now.
absl::StatusOr<registry::v1::Inspection> Learn(db::Transaction& tx, const std::string& id,
                                               const registry::v1::Inspection& told) {
  ASSIGN_OR_RETURN(registry::v1::Inspection known, Recall(tx, id));
  if (!known.name().empty() && !rules::IsNews(told, known)) {
    return known;
  }
  RETURN_IF_ERROR(store::SaveInspection(tx, id, told));
  return told;
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
  ASSIGN_OR_RETURN(const registry::v1::Inspection known, Learn(tx, id, inspection));
  if (known.state() == registry::v1::Inspection::WITHDRAWN) {
    return absl::OkStatus();
  }
  for (const std::string& body : bodies) {
    RETURN_IF_ERROR(changes.Open(tx, known, {body, id}, event.event_id()));
  }
  return absl::OkStatus();
}

absl::Status OnInspectionCorrected(db::Transaction& tx, const Event& event,
                                   const registry::v1::InspectionCorrected& corrected, const Changes& changes) {
  base::Violations violations;
  const std::string id =
      base::IdIn("inspection.name", corrected.inspection().name(), base::kInspectionName, violations);
  std::vector<std::string> not_owed;
  for (const auto& one : corrected.not_owed()) {
    not_owed.push_back(base::IdIn("not_owed.body", one.body(), base::kBodyName, violations));
  }
  RETURN_IF_ERROR(violations.ToStatus());
  ASSIGN_OR_RETURN(const registry::v1::Inspection known, Recall(tx, id));
  if (!known.name().empty() && !rules::IsNews(corrected.inspection(), known)) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(store::SaveInspection(tx, id, corrected.inspection()));
  for (const auto& obligation : corrected.obligations()) {
    RETURN_IF_ERROR(changes.Correct(tx, corrected.inspection(), obligation.body(), corrected.reason(), event.actor(),
                                    event.event_id()));
  }
  for (size_t i = 0; i < not_owed.size(); ++i) {
    RETURN_IF_ERROR(
        changes.Cancel(tx, {not_owed[i], id}, corrected.not_owed(static_cast<int>(i)).reason(), event.event_id()));
  }
  return absl::OkStatus();
}

absl::Status OnInspectionWithdrawn(db::Transaction& tx, const Event& event,
                                   const registry::v1::InspectionWithdrawn& withdrawn, const Changes& changes) {
  base::Violations violations;
  const std::string id =
      base::IdIn("inspection.name", withdrawn.inspection().name(), base::kInspectionName, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  ASSIGN_OR_RETURN(const registry::v1::Inspection known, Recall(tx, id));
  if (!known.name().empty() && !rules::IsNews(withdrawn.inspection(), known)) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(store::SaveInspection(tx, id, withdrawn.inspection()));
  store::DeadlineQuery query;
  query.everything = true;
  query.inspection = id;
  query.limit = 1000;
  std::vector<store::StoredDeadline> page;
  do {
    ASSIGN_OR_RETURN(page, store::ListDeadlines(tx, query));
    for (const store::StoredDeadline& stored : page) {
      query.after = store::KeyOf(stored.message);
      RETURN_IF_ERROR(
          changes.Cancel(tx, query.after->id, "The report was withdrawn: " + withdrawn.reason(), event.event_id()));
    }
  } while (page.size() == static_cast<size_t>(query.limit));
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
  using namespace registry::v1;  // NOLINT: this function is about its events
  events::Handlers handlers;
  handlers.On<BodyRegistered>([](db::Transaction& tx, const Event&, const BodyRegistered& registered) {
    return SaveBody(tx, registered.body(), registered.body().force());
  });
  handlers.On<BodyChanged>([](db::Transaction& tx, const Event&, const BodyChanged& changed) {
    return SaveBody(tx, changed.body(), changed.force().name());
  });
  // A deadline does not say what its force is called.
  handlers.Ignore<ForceChanged>();
  handlers.On<BodySucceeded>([&changes](db::Transaction& tx, const Event&, const BodySucceeded& succeeded) {
    return changes.Remember(tx, succeeded);
  });
  handlers.On<ForceSucceeded>([&changes](db::Transaction& tx, const Event&, const ForceSucceeded& succeeded) {
    return changes.Remember(tx, succeeded);
  });
  handlers.On<InspectionPublished>(
      [&changes](db::Transaction& tx, const Event& event, const InspectionPublished& published) {
        return OnInspectionPublished(tx, event, published, changes);
      });
  handlers.On<InspectionCorrected>(
      [&changes](db::Transaction& tx, const Event& event, const InspectionCorrected& corrected) {
        return OnInspectionCorrected(tx, event, corrected, changes);
      });
  handlers.On<InspectionWithdrawn>(
      [&changes](db::Transaction& tx, const Event& event, const InspectionWithdrawn& withdrawn) {
        return OnInspectionWithdrawn(tx, event, withdrawn, changes);
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
