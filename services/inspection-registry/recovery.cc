#include "services/inspection-registry/recovery.h"

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/util/message_differencer.h"
#include "libs/base/checks.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/events/recovery.h"
#include "section55/registry/v1/events.pb.h"
#include "services/inspection-registry/life.h"
#include "services/inspection-registry/register.h"
#include "services/inspection-registry/rules.h"
#include "services/inspection-registry/store.h"

namespace section55::registry {
namespace {

using events::Event;
using events::Finding;
using google::protobuf::util::MessageDifferencer;

// As it was first told, but for the time and who says so now.
absl::Status TellAgain(db::Transaction& tx, events::EventLog& log, const Event& event, std::string_view tenant,
                       absl::Time now, const google::protobuf::Message& payload) {
  return log.Append(tx,
                    {.tenant = std::string(tenant),
                     .subject = event.subject(),
                     .actor = event.actor(),
                     .cause = event.event_id(),
                     .time = now},
                    payload);
}

// The version that a resource had when it was told: its etag's.
int64_t VersionOf(std::string_view etag) {
  int64_t version = 0;
  if (etag.starts_with('v')) {
    std::from_chars(etag.data() + 1, etag.data() + etag.size(), version);
  }
  return version;
}

template <typename Message>
bool Same(Message a, Message b) {
  a.clear_etag();
  b.clear_etag();
  return MessageDifferencer::Equals(a, b);
}

// Forces and bodies that are given back together, held against the register here.
class Comparison {
 public:
  explicit Comparison(store::StoredRegister stored) : stored_(std::move(stored)), after_(stored_.all) {}

  template <typename Message>
  void Add(const Message& given) {
    Message* const here = Find(given);
    const int64_t version = here == nullptr ? 0 : stored_.versions.at(given.name());
    if (given.name().empty() || (here != nullptr && Same(*here, given))) {
      return;
    }
    if (here == nullptr) {
      missing_ = true;
      Insert(given);
    } else if (VersionOf(given.etag()) > version) {
      *here = given;
    } else {
      // What is older was changed afterwards; of the same age is another change, made where this one had been forgotten.
      differs_ = VersionOf(given.etag()) == version ? given.name() : differs_;
      return;
    }
    Changed(given).push_back(given);
  }

  // Empty: none. Else the one that was changed both here and there.
  const std::string& differs() const { return differs_; }
  bool missing() const { return missing_; }
  bool changes() const { return !forces_.empty() || !bodies_.empty(); }

  absl::Status Write(db::Transaction& tx) const {
    for (const v1::Body& body : bodies_) {
      RETURN_IF_ERROR(rules::CheckLinks(after_, body));
    }
    RETURN_IF_ERROR(store::ChangeRegister(tx, stored_.version));
    for (const v1::Force& force : forces_) {
      RETURN_IF_ERROR(store::RestoreForce(tx, force, VersionHere(force.name()), VersionOf(force.etag())));
    }
    for (const v1::Body& body : bodies_) {
      RETURN_IF_ERROR(store::RestoreBody(tx, body, VersionHere(body.name()), VersionOf(body.etag())));
    }
    return absl::OkStatus();
  }

 private:
  v1::Force* Find(const v1::Force& given) { return after_.FindForce(given.name()); }
  v1::Body* Find(const v1::Body& given) { return after_.FindBody(given.name()); }
  void Insert(const v1::Force& given) { after_.forces.push_back(given); }
  void Insert(const v1::Body& given) { after_.bodies.push_back(given); }
  std::vector<v1::Force>& Changed(const v1::Force&) { return forces_; }
  std::vector<v1::Body>& Changed(const v1::Body&) { return bodies_; }
  int64_t VersionHere(const std::string& name) const {
    const auto found = stored_.versions.find(name);
    return found == stored_.versions.end() ? 0 : found->second;
  }

  const store::StoredRegister stored_;
  rules::Register after_;  // with what is given back
  std::vector<v1::Force> forces_;
  std::vector<v1::Body> bodies_;
  std::string differs_;
  bool missing_ = false;
};

// Takes in those of the forces and bodies that are missing, or that were changed after the backup, and tells `payload` again.
absl::Status TakeInRegister(db::Transaction& tx, const Event& event, const std::vector<v1::Force>& forces,
                            const std::vector<v1::Body>& bodies, const google::protobuf::Message& payload,
                            std::string_view tenant, events::EventLog& log, absl::Time now) {
  base::Violations violations;
  for (const v1::Force& force : forces) {
    base::CheckResourceName("force.name", force.name(), base::kForceName, violations);
  }
  for (const v1::Body& body : bodies) {
    base::CheckResourceName("body.name", body.name(), base::kBodyName, violations);
  }
  RETURN_IF_ERROR(violations.ToStatus());
  ASSIGN_OR_RETURN(store::StoredRegister stored, store::LoadRegister(tx));
  Comparison comparison(std::move(stored));
  for (const v1::Force& force : forces) {
    comparison.Add(force);
  }
  for (const v1::Body& body : bodies) {
    comparison.Add(body);
  }
  if (!comparison.differs().empty()) {
    return events::Note(tx, event, Finding::kOpen, now,
                        fmt::format("{} is one thing here and another for the others: decide which is right, and put "
                                    "it right once more.",
                                    comparison.differs()));
  }
  if (!comparison.changes()) {
    return events::SettleFindings(tx, event.subject());
  }
  RETURN_IF_ERROR(comparison.Write(tx));
  RETURN_IF_ERROR(TellAgain(tx, log, event, tenant, now, payload));
  return events::Note(tx, event, Finding::kTakenIn, now,
                      comparison.missing() ? "It was missing, and was taken in."
                                           : "It had been changed after the backup, and is as it was then.");
}

std::vector<v1::Force> Named(const v1::Force& force) {
  return force.name().empty() ? std::vector<v1::Force>() : std::vector<v1::Force>{force};
}

// Whether it is all of a report, and not just what somebody remembers of it.
bool IsWhole(const v1::Inspection& report) {
  return report.state() != v1::Inspection::DRAFT && report.kinds_size() > 0 && report.publishers_size() > 0 &&
         report.has_scope();
}

// A revision of a report as a follower gives it back.
struct Given {
  v1::Inspection report;                 // without its etag
  std::vector<std::string> bodies = {};  // that owed a response from then on
  std::string reason = {};
  std::vector<v1::NotOwed> not_owed = {};
};

template <typename Obligations>
std::vector<std::string> BodiesOf(const Obligations& obligations) {
  std::vector<std::string> bodies;
  for (const v1::Obligation& obligation : obligations) {
    bodies.push_back(obligation.body().name());
  }
  return bodies;
}

// The step of its history in which the report became what is given.
absl::Status InsertStep(db::Transaction& tx, const std::string& id, const Given& given) {
  const v1::Inspection& report = given.report;
  v1::InspectionRevision step;
  step.set_name(fmt::format("{}/revisions/{}", report.name(), report.revision()));
  *step.mutable_inspection() = report;
  step.set_reason(given.reason);
  step.mutable_bodies()->Assign(given.bodies.begin(), given.bodies.end());
  step.mutable_not_owed()->Assign(given.not_owed.begin(), given.not_owed.end());
  v1::InspectionRevision before;  // empty where that is not here
  if (absl::StatusOr<v1::InspectionRevision> found = store::LoadRevision(tx, id, report.revision() - 1); found.ok()) {
    before = *std::move(found);
  } else if (!absl::IsNotFound(found.status())) {
    return found.status();
  }
  if (report.state() == v1::Inspection::WITHDRAWN) {
    step.set_kind(v1::InspectionRevision::WITHDRAWAL);
    *step.mutable_time() = report.withdraw_time();
    for (const std::string& body : before.bodies()) {
      v1::NotOwed& not_owed = *step.add_not_owed();
      not_owed.set_body(body);
      not_owed.set_reason(given.reason);
    }
  } else if (report.revision() <= rules::kFirstRevision) {
    step.set_kind(v1::InspectionRevision::PUBLICATION);
    *step.mutable_time() = report.publish_time();
  } else {
    step.set_kind(v1::InspectionRevision::CORRECTION);
    *step.mutable_time() = report.correct_time();
    if (before.has_inspection()) {
      const std::vector<v1::Change> changes = rules::Compare(before.inspection(), report);
      step.mutable_changes()->Assign(changes.begin(), changes.end());
    }
  }
  return store::InsertRevision(tx, step);
}

// What is given of a report that is here at that revision or a later one.
absl::Status CompareReport(db::Transaction& tx, const Event& event, const std::string& id, const Given& given,
                           const v1::Inspection& here, absl::Time now) {
  const v1::Inspection& report = given.report;
  if (report.revision() > 0 && report.revision() < here.revision()) {
    const absl::Status step = store::LoadRevision(tx, id, report.revision()).status();
    return absl::IsNotFound(step) && IsWhole(report) ? InsertStep(tx, id, given) : step;
  }
  const std::string day_here = rules::PublicationDateText(here);
  const std::string day = rules::PublicationDateText(report);
  if (day_here != day) {
    return events::Note(tx, event, Finding::kOpen, now,
                        fmt::format("It was published on {} here, and on {} for the others, whose deadlines go by that "
                                    "day.",
                                    day_here, day));
  }
  if (IsWhole(report) && !Same(report, here)) {
    return events::Note(
        tx, event, Finding::kOpen, now,
        fmt::format("Its revision {} is one thing here and another for the others: compare, and correct it once more.",
                    here.revision()));
  }
  return absl::OkStatus();
}

absl::Status OnReport(db::Transaction& tx, const Event& event, Given given, const google::protobuf::Message& payload,
                      events::EventLog& log, absl::Time now) {
  v1::Inspection& report = given.report;
  report.clear_etag();
  base::Violations violations;
  const std::string id = base::IdIn("inspection.name", report.name(), base::kInspectionName, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  absl::StatusOr<store::StoredInspection> here = store::LoadInspection(tx, id);
  if (!here.ok() && !absl::IsNotFound(here.status())) {
    return here.status();
  }
  const bool published = here.ok() && here->message.state() != v1::Inspection::DRAFT;
  if (published && report.revision() <= here->message.revision()) {
    return CompareReport(tx, event, id, given, here->message, now);
  }
  const bool follows = published && report.revision() == here->message.revision() + 1;
  if (report.state() == v1::Inspection::WITHDRAWN && report.findings().empty() && follows) {
    *report.mutable_findings() = here->message.findings();  // as it was told, without them
  }
  const std::string day = rules::PublicationDateText(report);
  if (!IsWhole(report) || (report.state() == v1::Inspection::WITHDRAWN && report.findings().empty() && !follows)) {
    return events::Note(
        tx, event, Finding::kOpen, now,
        published ? fmt::format("Revision {} of it is missing, and {} is the last one here: correct it once more.",
                                report.revision(), here->message.revision())
                  : fmt::format("It was published on {}, and nobody holds all of it: register it once more under "
                                "this name and with this date, and publish it.",
                                day));
  }
  store::StoredInspection row{report};
  if (here.ok()) {
    row.version = here->version;
    RETURN_IF_ERROR(store::UpdateInspection(tx, row));
  } else {
    RETURN_IF_ERROR(store::InsertInspection(tx, row));
  }
  RETURN_IF_ERROR(InsertStep(tx, id, given));
  RETURN_IF_ERROR(store::ReplaceRelations(tx, report));
  RETURN_IF_ERROR(TellAgain(tx, log, event, "", now, payload));
  RETURN_IF_ERROR(events::SettleFindings(tx, event.subject()));
  return events::Note(tx, event, Finding::kTakenIn, now,
                      published ? fmt::format("Its revision {} was missing, and was taken in.", report.revision())
                                : fmt::format("It was missing, and was taken in as it was published on {}.", day));
}

}  // namespace

events::Handlers TakeIn(events::EventLog& log, const base::Clock& clock) {
  using namespace v1;  // NOLINT: this function is about its events
  events::Handlers handlers;
  handlers.On<BodyRegistered>([&](db::Transaction& tx, const Event& event, const BodyRegistered& registered) {
    return TakeInRegister(tx, event, Named(registered.force()), {registered.body()}, registered, event.subject(), log,
                          clock.Now());
  });
  handlers.On<BodyChanged>([&](db::Transaction& tx, const Event& event, const BodyChanged& changed) {
    return TakeInRegister(tx, event, Named(changed.force()), {changed.body()}, changed, event.subject(), log,
                          clock.Now());
  });
  handlers.On<ForceChanged>([&](db::Transaction& tx, const Event& event, const ForceChanged& changed) {
    return TakeInRegister(tx, event, {changed.force()}, {}, changed, "", log, clock.Now());
  });
  handlers.On<BodySucceeded>([&](db::Transaction& tx, const Event& event, const BodySucceeded& succeeded) {
    return TakeInRegister(tx, event, Named(succeeded.force()), {succeeded.predecessor(), succeeded.successor()},
                          succeeded, "", log, clock.Now());
  });
  handlers.On<ForceSucceeded>([&](db::Transaction& tx, const Event& event, const ForceSucceeded& succeeded) {
    return TakeInRegister(tx, event, {succeeded.predecessor(), succeeded.successor()},
                          {succeeded.bodies().begin(), succeeded.bodies().end()}, succeeded, "", log, clock.Now());
  });
  handlers.On<InspectionPublished>([&](db::Transaction& tx, const Event& event, const InspectionPublished& published) {
    return OnReport(tx, event, {published.inspection(), BodiesOf(published.obligations())}, published, log,
                    clock.Now());
  });
  handlers.On<InspectionCorrected>([&](db::Transaction& tx, const Event& event, const InspectionCorrected& corrected) {
    return OnReport(tx, event,
                    {corrected.inspection(),
                     BodiesOf(corrected.obligations()),
                     corrected.reason(),
                     {corrected.not_owed().begin(), corrected.not_owed().end()}},
                    corrected, log, clock.Now());
  });
  handlers.On<InspectionWithdrawn>([&](db::Transaction& tx, const Event& event, const InspectionWithdrawn& withdrawn) {
    InspectionWithdrawn told = withdrawn;
    told.mutable_inspection()->clear_findings();
    return OnReport(tx, event, {withdrawn.inspection(), {}, withdrawn.reason()}, told, log, clock.Now());
  });
  return handlers;
}

}  // namespace section55::registry
