#include "services/deadline-scheduler/changes.h"

#include <optional>
#include <string>
#include <utility>

#include "libs/base/status.h"
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
  return published ? Meet(tx, id, *published, cause) : PutOnTimer(tx, stored.message);
}

absl::Status Changes::Meet(db::Transaction& tx, const rules::DeadlineId& id, absl::Time published,
                           std::string_view cause) const {
  ASSIGN_OR_RETURN(store::StoredDeadline stored, store::LoadDeadline(tx, id));
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
