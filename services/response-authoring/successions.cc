#include "services/response-authoring/successions.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/service/successions.h"
#include "section55/authoring/v1/events.pb.h"
#include "services/response-authoring/life.h"
#include "services/response-authoring/store.h"
#include "services/response-authoring/store_drafts.h"

namespace section55::authoring {
namespace {

using service::Succession;
using store::ReportForm;
using store::StoredResponse;

constexpr std::string_view kSucceedBody = "succeed-body";
constexpr std::string_view kSucceedForce = "succeed-force";
constexpr std::string_view kThisService = "services/response-authoring";
// At once, in one transaction, so that nobody else has to wait for long.
constexpr int kBatch = 16;

std::string LastPart(std::string_view name) { return std::string(name.substr(name.rfind('/') + 1)); }

absl::Status Malformed(std::string_view what) {
  return base::Error(absl::StatusCode::kInvalidArgument, "MALFORMED_EVENT", what);
}

jobs::Job JobOf(std::string_view kind, const std::string& predecessor, absl::Time due) {
  return {.kind = std::string(kind), .key = predecessor, .due = due};
}

template <typename Event>
absl::Status Remember(db::Transaction& tx, std::string_view kind, const Event& event, const Changes& changes) {
  ASSIGN_OR_RETURN(const Succession succession, service::SuccessionOf(event));
  RETURN_IF_ERROR(service::SaveSuccession(tx, succession));
  return changes.jobs().Schedule(tx, JobOf(kind, succession.predecessor, succession.from));
}

// All of it, for when the registry has forgotten it.
absl::Status Keep(db::Transaction& tx, const registry::v1::Body& body, const registry::v1::Force& force) {
  if (!base::ParseName(body.name(), base::kBodyName)) {
    return Malformed("a body under a malformed name: " + body.name());
  }
  RETURN_IF_ERROR(store::KeepBody(tx, body, force));
  return store::KeepForce(tx, force);
}

absl::Status RememberForce(db::Transaction& tx, const registry::v1::Body& body, const std::string& force_name) {
  const auto id = base::ParseName(body.name(), base::kBodyName);
  const auto force = base::ParseName(force_name, base::kForceName);
  if (!id || (!force && !force_name.empty())) {
    return Malformed("a body under a malformed name: " + body.name());
  }
  // One that does not hold a force yet has no people of a force.
  return force ? store::SaveBody(tx, (*id)[0], (*force)[0]) : absl::OkStatus();
}

// Puts right all open responses of a body.
template <typename Fact>
absl::Status PutAllRight(db::Transaction& tx, const Cause& cause, const std::string& body, const Fact& fact,
                         const Changes& changes) {
  constexpr int kAll = 100'000;
  ASSIGN_OR_RETURN(const std::vector<std::string> inspections,
                   store::OfBody(tx, body, {v1::Response::OPEN, v1::Response::IN_REVIEW, v1::Response::EXEMPT}, kAll));
  for (const std::string& inspection : inspections) {
    ASSIGN_OR_RETURN(StoredResponse stored, store::LoadResponse(tx, body, inspection, ReportForm::kFacts));
    const v1::Response before = stored.response;
    if (rules::PutRight(fact, stored.response)) {
      RETURN_IF_ERROR(changes.Save(tx, cause, before, stored, {}));
    }
  }
  return absl::OkStatus();
}

// Hands one response over.
absl::Status TransferOne(db::Transaction& tx, const Cause& cause, const registry::v1::BodySucceeded& succeeded,
                         StoredResponse& stored, const Changes& changes) {
  const v1::Response before = stored.response;
  ASSIGN_OR_RETURN(v1::Response next,
                   rules::Transfer(succeeded.successor(), succeeded.force(),
                                   succeeded.predecessor().succession().reason(), changes.Now(), stored.response));
  v1::ResponseClosed closed;
  closed.set_response(stored.response.name());
  *closed.mutable_closure() = stored.response.closure();
  RETURN_IF_ERROR(changes.Save(tx, cause, before, stored, {&closed}));

  const std::string body = LastPart(succeeded.successor().name());
  const std::string inspection = LastPart(next.inspection());
  RETURN_IF_ERROR(store::MoveDrafts(tx, LastPart(succeeded.predecessor().name()), inspection, body));
  absl::StatusOr<StoredResponse> there = store::LoadResponse(tx, body, inspection, ReportForm::kFacts);
  if (absl::IsNotFound(there.status())) {
    StoredResponse opened{std::move(next), 0, stored.revision};
    RETURN_IF_ERROR(changes.Open(tx, cause, opened));
  } else {
    RETURN_IF_ERROR(there.status());
    const v1::Response was = there->response;
    rules::Join(stored.response, there->response);
    RETURN_IF_ERROR(changes.Save(tx, cause, was, *there, {}));
  }
  return AwaitSuccession(tx, succeeded.successor().name(), changes.jobs());
}

// What the two kinds of job have in common: the succession, unless its day has not come (the clock was set back): then it waits on.
template <typename Event>
absl::StatusOr<std::optional<Event>> ComeTrue(db::Transaction& tx, std::string_view kind,
                                              const std::string& predecessor, const Changes& changes) {
  ASSIGN_OR_RETURN(const std::optional<Succession> succession, service::FindSuccession(tx, predecessor));
  if (!succession) {
    return std::nullopt;
  }
  if (changes.Now() < succession->from) {
    RETURN_IF_ERROR(changes.jobs().Schedule(tx, JobOf(kind, predecessor, succession->from)));
    return std::nullopt;
  }
  Event event;
  if (!event.ParseFromString(succession->event)) {
    return absl::DataLossError("the stored succession of " + predecessor + " cannot be read");
  }
  return event;
}

absl::Status SucceedBody(db::Transaction& tx, const std::string& predecessor, const Changes& changes) {
  ASSIGN_OR_RETURN(const auto succeeded, ComeTrue<registry::v1::BodySucceeded>(tx, kSucceedBody, predecessor, changes));
  if (!succeeded) {
    return absl::OkStatus();
  }
  if (!succeeded->force().name().empty()) {
    RETURN_IF_ERROR(store::SaveBody(tx, LastPart(succeeded->successor().name()), LastPart(succeeded->force().name())));
  }
  const Cause cause{std::string(kThisService), "timer"};
  const std::string body = LastPart(predecessor);
  ASSIGN_OR_RETURN(const std::vector<std::string> inspections,
                   store::OfBody(tx, body, {v1::Response::OPEN, v1::Response::IN_REVIEW}, kBatch));
  for (const std::string& inspection : inspections) {
    ASSIGN_OR_RETURN(StoredResponse stored, store::LoadResponse(tx, body, inspection, ReportForm::kFacts));
    RETURN_IF_ERROR(TransferOne(tx, cause, *succeeded, stored, changes));
  }
  // The rest in another transaction.
  return inspections.size() == static_cast<size_t>(kBatch)
             ? changes.jobs().Schedule(tx, JobOf(kSucceedBody, predecessor, changes.Now()))
             : absl::OkStatus();
}

absl::Status SucceedForce(db::Transaction& tx, const std::string& predecessor, const Changes& changes) {
  ASSIGN_OR_RETURN(const auto succeeded,
                   ComeTrue<registry::v1::ForceSucceeded>(tx, kSucceedForce, predecessor, changes));
  if (!succeeded) {
    return absl::OkStatus();
  }
  const Cause cause{std::string(kThisService), "timer"};
  ASSIGN_OR_RETURN(const std::vector<std::string> bodies, store::BodiesOf(tx, LastPart(predecessor)));
  for (const std::string& body : bodies) {
    RETURN_IF_ERROR(PutAllRight(tx, cause, body, succeeded->successor(), changes));
    RETURN_IF_ERROR(store::SaveBody(tx, body, LastPart(succeeded->successor().name())));
  }
  return absl::OkStatus();
}

bool IsFinal(const absl::Status& error) {
  return absl::IsDataLoss(error) || absl::IsNotFound(error) || absl::IsInvalidArgument(error);
}

}  // namespace

absl::Status OnBodyRegistered(db::Transaction& tx, const registry::v1::BodyRegistered& registered) {
  RETURN_IF_ERROR(Keep(tx, registered.body(), registered.force()));
  return RememberForce(tx, registered.body(), registered.body().force());
}

absl::Status OnBodyChanged(db::Transaction& tx, const Cause& cause, const registry::v1::BodyChanged& changed,
                           const Changes& changes) {
  RETURN_IF_ERROR(Keep(tx, changed.body(), changed.force()));
  RETURN_IF_ERROR(RememberForce(tx, changed.body(), changed.force().name()));
  const std::string body = LastPart(changed.body().name());
  RETURN_IF_ERROR(PutAllRight(tx, cause, body, changed.body(), changes));
  return changed.has_force() ? PutAllRight(tx, cause, body, changed.force(), changes) : absl::OkStatus();
}

absl::Status OnForceChanged(db::Transaction& tx, const Cause& cause, const registry::v1::ForceChanged& changed,
                            const Changes& changes) {
  RETURN_IF_ERROR(store::KeepForce(tx, changed.force()));
  ASSIGN_OR_RETURN(const std::vector<std::string> bodies, store::BodiesOf(tx, LastPart(changed.force().name())));
  for (const std::string& body : bodies) {
    RETURN_IF_ERROR(PutAllRight(tx, cause, body, changed.force(), changes));
  }
  return absl::OkStatus();
}

absl::Status OnBodySucceeded(db::Transaction& tx, const registry::v1::BodySucceeded& succeeded,
                             const Changes& changes) {
  RETURN_IF_ERROR(Keep(tx, succeeded.predecessor(), registry::v1::Force()));
  RETURN_IF_ERROR(Keep(tx, succeeded.successor(), succeeded.force()));
  return Remember(tx, kSucceedBody, succeeded, changes);
}

absl::Status OnForceSucceeded(db::Transaction& tx, const registry::v1::ForceSucceeded& succeeded,
                              const Changes& changes) {
  RETURN_IF_ERROR(store::KeepForce(tx, succeeded.predecessor()));
  RETURN_IF_ERROR(store::KeepForce(tx, succeeded.successor()));
  for (const registry::v1::Body& body : succeeded.bodies()) {
    RETURN_IF_ERROR(Keep(tx, body, registry::v1::Force()));
  }
  return Remember(tx, kSucceedForce, succeeded, changes);
}

absl::Status AwaitSuccession(db::Transaction& tx, std::string_view body, jobs::Queue& jobs) {
  ASSIGN_OR_RETURN(const std::optional<Succession> succession, service::FindSuccession(tx, body));
  return succession ? jobs.Schedule(tx, JobOf(kSucceedBody, succession->predecessor, succession->from))
                    : absl::OkStatus();
}

void RegisterSuccessionJobs(jobs::Queue& queue, const Changes& changes) {
  queue.Handle(std::string(kSucceedBody), {.run = [&changes](const jobs::Job& job) -> absl::StatusOr<jobs::Effect> {
                                             return [&changes, name = job.key](db::Transaction& tx) {
                                               return SucceedBody(tx, name, changes);
                                             };
                                           },
                                           .is_final = IsFinal});
  queue.Handle(std::string(kSucceedForce), {.run = [&changes](const jobs::Job& job) -> absl::StatusOr<jobs::Effect> {
                                              return [&changes, name = job.key](db::Transaction& tx) {
                                                return SucceedForce(tx, name, changes);
                                              };
                                            },
                                            .is_final = IsFinal});
}

}  // namespace section55::authoring
