#include "services/deadline-scheduler/changes.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/service/successions.h"
#include "section55/deadlines/v1/events.pb.h"

namespace section55::deadlines {
namespace {

constexpr std::string_view kActor = "services/deadline-scheduler";

// The event that carries nothing but the deadline as it is now.
template <typename Payload>
Payload About(const v1::Deadline& deadline) {
  Payload payload;
  *payload.mutable_deadline() = deadline;
  return payload;
}

std::string LastPart(std::string_view name) { return std::string(name.substr(name.rfind('/') + 1)); }

}  // namespace

absl::Status Changes::Tell(db::Transaction& tx, const v1::Deadline& deadline, std::string_view actor,
                           std::string_view cause, const google::protobuf::Message& payload) const {
  return log_.Append(tx,
                     {.tenant = rules::BodyOf(deadline),
                      .subject = deadline.name(),
                      .actor = std::string(actor),
                      .cause = std::string(cause),
                      .time = clock_.Now()},
                     payload);
}

absl::Status Changes::PutOnTimer(db::Transaction& tx, const v1::Deadline& deadline) const {
  return jobs_.Schedule(tx, {.kind = std::string(kMissedDeadline),
                             .key = deadline.name(),
                             .tenant = rules::BodyOf(deadline),
                             .due = rules::MissedFrom(deadline)});
}

absl::Status Changes::Open(db::Transaction& tx, const registry::v1::Inspection& inspection, const rules::DeadlineId& id,
                           std::string_view cause) const {
  ASSIGN_OR_RETURN(std::optional<v1::Deadline> opened, rules::Open(inspection, id, clock_.Now()));
  if (!opened) {
    return absl::OkStatus();
  }
  store::StoredDeadline stored{*std::move(opened)};
  if (const absl::Status inserted = store::InsertDeadline(tx, stored); !inserted.ok()) {
    return absl::IsAlreadyExists(inserted) ? absl::OkStatus() : inserted;
  }
  RETURN_IF_ERROR(Tell(tx, stored.message, kActor, cause, About<v1::DeadlineOpened>(stored.message)));
  ASSIGN_OR_RETURN(const std::optional<absl::Time> published, store::AwaitPublication(tx, id));
  RETURN_IF_ERROR(published ? Meet(tx, id, *published, cause) : PutOnTimer(tx, stored.message));
  return AwaitSuccession(tx, rules::BodyOf(stored.message));
}

absl::Status Changes::Correct(db::Transaction& tx, const registry::v1::Inspection& inspection,
                              const registry::v1::Body& body, const std::string& reason, const std::string& actor,
                              std::string_view cause) const {
  const std::string report = LastPart(inspection.name());
  const rules::DeadlineId own{LastPart(body.name()), report};
  std::vector<rules::DeadlineId> ids = {own};
  for (const std::string& predecessor : body.predecessors()) {
    ids.push_back({LastPart(predecessor), report});
  }
  for (const rules::DeadlineId& id : ids) {
    absl::StatusOr<store::StoredDeadline> stored = store::LoadDeadline(tx, id);
    if (absl::IsNotFound(stored.status()) || (stored.ok() && stored->message.state() == v1::Deadline::TRANSFERRED)) {
      continue;
    }
    RETURN_IF_ERROR(stored.status());
    v1::Deadline& deadline = stored->message;
    ASSIGN_OR_RETURN(const rules::Corrected what, rules::Correct(inspection, reason, actor, clock_.Now(), deadline));
    if (what == rules::Corrected::kNothing) {
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(store::UpdateDeadline(tx, *stored));
    if (what == rules::Corrected::kCancelled) {
      RETURN_IF_ERROR(jobs_.Cancel(tx, kMissedDeadline, deadline.name()));
      return Tell(tx, deadline, kActor, cause, About<v1::DeadlineCancelled>(deadline));
    }
    RETURN_IF_ERROR(what == rules::Corrected::kMoved
                        ? Tell(tx, deadline, kActor, cause, About<v1::DeadlineMoved>(deadline))
                        : Tell(tx, deadline, kActor, cause, About<v1::DeadlineOpened>(deadline)));
    if (deadline.state() != v1::Deadline::PENDING) {
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(PutOnTimer(tx, deadline));
    RETURN_IF_ERROR(AwaitSuccession(tx, rules::BodyOf(deadline)));
    ASSIGN_OR_RETURN(const std::optional<absl::Time> published, store::PublishedTime(tx, id));
    return published ? Meet(tx, id, *published, cause) : absl::OkStatus();
  }
  return Open(tx, inspection, own, cause);
}

absl::Status Changes::Cancel(db::Transaction& tx, const rules::DeadlineId& id, const std::string& reason,
                             std::string_view cause) const {
  absl::StatusOr<store::StoredDeadline> stored = store::LoadDeadline(tx, id);
  if (absl::IsNotFound(stored.status())) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(stored.status());
  if (!rules::Cancel(reason, clock_.Now(), stored->message)) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(store::UpdateDeadline(tx, *stored));
  RETURN_IF_ERROR(jobs_.Cancel(tx, kMissedDeadline, stored->message.name()));
  return Tell(tx, stored->message, kActor, cause, About<v1::DeadlineCancelled>(stored->message));
}

absl::Status Changes::PutSuccessionOnTimer(db::Transaction& tx, std::string_view kind, const std::string& predecessor,
                                           absl::Time due) const {
  return jobs_.Schedule(tx, {.kind = std::string(kind), .key = predecessor, .due = due});
}

absl::Status Changes::Remember(db::Transaction& tx, const registry::v1::BodySucceeded& succeeded) const {
  ASSIGN_OR_RETURN(const service::Succession succession, service::SuccessionOf(succeeded));
  RETURN_IF_ERROR(service::SaveSuccession(tx, succession));
  return PutSuccessionOnTimer(tx, kSucceedBody, succession.predecessor, succession.from);
}

absl::Status Changes::Remember(db::Transaction& tx, const registry::v1::ForceSucceeded& succeeded) const {
  ASSIGN_OR_RETURN(const service::Succession succession, service::SuccessionOf(succeeded));
  RETURN_IF_ERROR(service::SaveSuccession(tx, succession));
  return PutSuccessionOnTimer(tx, kSucceedForce, succession.predecessor, succession.from);
}

absl::Status Changes::AwaitSuccession(db::Transaction& tx, const std::string& body) const {
  ASSIGN_OR_RETURN(const auto succession, service::FindSuccession(tx, body));
  return succession ? PutSuccessionOnTimer(tx, kSucceedBody, body, succession->from) : absl::OkStatus();
}

absl::Status Changes::TransferOne(db::Transaction& tx, const std::string& successor,
                                  store::StoredDeadline& stored) const {
  std::optional<v1::Deadline> next = rules::Transfer(successor, clock_.Now(), stored.message);
  if (!next) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(store::UpdateDeadline(tx, stored));
  RETURN_IF_ERROR(jobs_.Cancel(tx, kMissedDeadline, stored.message.name()));
  RETURN_IF_ERROR(Tell(tx, stored.message, kActor, "timer", About<v1::DeadlineTransferred>(stored.message)));
  store::StoredDeadline opened{*std::move(next)};
  if (const absl::Status inserted = store::InsertDeadline(tx, opened); !inserted.ok()) {
    // The successor answers the report itself: it has its own deadline already.
    return absl::IsAlreadyExists(inserted) ? absl::OkStatus() : inserted;
  }
  RETURN_IF_ERROR(Tell(tx, opened.message, kActor, "timer", About<v1::DeadlineOpened>(opened.message)));
  ASSIGN_OR_RETURN(const rules::DeadlineId id, rules::ParseDeadlineName(opened.message.name()));
  ASSIGN_OR_RETURN(const std::optional<absl::Time> published, store::AwaitPublication(tx, id));
  RETURN_IF_ERROR(published ? Meet(tx, id, *published, "timer") : PutOnTimer(tx, opened.message));
  return AwaitSuccession(tx, rules::BodyOf(opened.message));
}

absl::Status Changes::SucceedBody(db::Transaction& tx, const std::string& predecessor) const {
  ASSIGN_OR_RETURN(const auto succession, service::FindSuccession(tx, predecessor));
  if (!succession) {
    return absl::OkStatus();
  }
  if (clock_.Now() < succession->from) {
    return PutSuccessionOnTimer(tx, kSucceedBody, predecessor, succession->from);
  }
  registry::v1::BodySucceeded succeeded;
  if (!succeeded.ParseFromString(succession->event)) {
    return absl::DataLossError("the stored succession of " + predecessor + " cannot be read");
  }
  const std::string successor = LastPart(succession->successor);
  if (!succeeded.force().name().empty()) {
    RETURN_IF_ERROR(store::SaveBody(tx, successor, LastPart(succeeded.force().name())));
  }
  constexpr int kBatch = 64;
  int found = 0;
  for (const v1::Deadline::State state : {v1::Deadline::PENDING, v1::Deadline::MISSED}) {
    store::DeadlineQuery query;
    query.bodies = {LastPart(predecessor)};
    query.state = state;
    query.limit = kBatch;
    ASSIGN_OR_RETURN(std::vector<store::StoredDeadline> open, store::ListDeadlines(tx, query));
    for (store::StoredDeadline& stored : open) {
      RETURN_IF_ERROR(TransferOne(tx, successor, stored));
    }
    found += static_cast<int>(open.size());
  }
  // The rest in another transaction.
  return found >= kBatch ? PutSuccessionOnTimer(tx, kSucceedBody, predecessor, clock_.Now()) : absl::OkStatus();
}

absl::Status Changes::SucceedForce(db::Transaction& tx, const std::string& predecessor) const {
  ASSIGN_OR_RETURN(const auto succession, service::FindSuccession(tx, predecessor));
  if (!succession) {
    return absl::OkStatus();
  }
  if (clock_.Now() < succession->from) {
    return PutSuccessionOnTimer(tx, kSucceedForce, predecessor, succession->from);
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> bodies, store::BodiesOf(tx, LastPart(predecessor)));
  for (const std::string& body : bodies) {
    RETURN_IF_ERROR(store::SaveBody(tx, body, LastPart(succession->successor)));
  }
  return absl::OkStatus();
}

absl::Status Changes::Meet(db::Transaction& tx, const rules::DeadlineId& id, absl::Time published,
                           std::string_view cause) const {
  ASSIGN_OR_RETURN(store::StoredDeadline stored, store::LoadDeadline(tx, id));
  if (stored.message.state() == v1::Deadline::TRANSFERRED) {
    ASSIGN_OR_RETURN(const rules::DeadlineId successor, rules::ParseDeadlineName(stored.message.transferred_to()));
    return Meet(tx, successor, published, cause);
  }
  if (!rules::Meet(published, stored.message)) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(store::UpdateDeadline(tx, stored));
  RETURN_IF_ERROR(jobs_.Cancel(tx, kMissedDeadline, stored.message.name()));
  return Tell(tx, stored.message, kActor, cause, About<v1::DeadlineMet>(stored.message));
}

absl::Status Changes::Miss(db::Transaction& tx, const rules::DeadlineId& id) const {
  ASSIGN_OR_RETURN(store::StoredDeadline stored, store::LoadDeadline(tx, id));
  if (rules::Miss(clock_.Now(), stored.message)) {
    RETURN_IF_ERROR(store::UpdateDeadline(tx, stored));
    return Tell(tx, stored.message, kActor, "timer", About<v1::DeadlineMissed>(stored.message));
  }
  return stored.message.state() == v1::Deadline::PENDING ? PutOnTimer(tx, stored.message) : absl::OkStatus();
}

absl::Status Changes::SaveReinstated(db::Transaction& tx, store::StoredDeadline& stored, std::string_view cause) const {
  RETURN_IF_ERROR(store::UpdateDeadline(tx, stored));
  RETURN_IF_ERROR(PutOnTimer(tx, stored.message));
  return Tell(tx, stored.message, stored.message.reinstatements().rbegin()->actor(), cause,
              About<v1::DeadlineReinstated>(stored.message));
}

}  // namespace section55::deadlines
