#include "services/response-authoring/recovery.h"

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/service/successions.h"
#include "section55/authoring/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"
#include "section55/registry/v1/events.pb.h"
#include "services/response-authoring/rules.h"
#include "services/response-authoring/store.h"

namespace section55::authoring {
namespace {

using events::Event;
using events::Finding;

absl::Status HeldBodies(db::Transaction& tx, std::string& after, std::vector<Event>& page) {
  ASSIGN_OR_RETURN(const auto bodies, store::BodiesAfter(tx, after, events::kHoldingPage));
  for (const registry::v1::BodyRegistered& registered : bodies) {
    const std::string& name = registered.body().name();
    after = name.substr(name.rfind('/') + 1);
    page.push_back(events::MakeHeldEvent(name, name, registered));
  }
  return absl::OkStatus();
}

absl::Status HeldForces(db::Transaction& tx, std::string& after, std::vector<Event>& page) {
  ASSIGN_OR_RETURN(const auto forces, store::ForcesAfter(tx, after, events::kHoldingPage));
  for (const registry::v1::Force& force : forces) {
    after = force.name().substr(force.name().rfind('/') + 1);
    registry::v1::ForceChanged changed;
    *changed.mutable_force() = force;
    page.push_back(events::MakeHeldEvent("", force.name(), changed));
  }
  return absl::OkStatus();
}

// All at once: they are a handful. The earliest first, as each successor must be there before it is succeeded in turn.
absl::Status HeldSuccessions(db::Transaction& tx, std::string& after, std::vector<Event>& page) {
  if (!after.empty()) {
    return absl::OkStatus();
  }
  after = "all";
  ASSIGN_OR_RETURN(const std::vector<service::Succession> all, service::AllSuccessions(tx));
  for (const service::Succession& succession : all) {
    registry::v1::BodySucceeded body;
    registry::v1::ForceSucceeded force;
    const bool is_body = base::ParseName(succession.predecessor, base::kBodyName).has_value();
    google::protobuf::Message& payload = is_body ? static_cast<google::protobuf::Message&>(body) : force;
    if (!payload.ParseFromString(succession.event)) {
      return absl::DataLossError("the stored succession of " + succession.predecessor + " cannot be read");
    }
    page.push_back(events::MakeHeldEvent("", succession.predecessor, payload));
  }
  return absl::OkStatus();
}

// Who owed a response once the report was at a revision, and who had ceased to by that revision.
struct Owing {
  std::vector<registry::v1::Obligation> obligations;
  std::vector<registry::v1::NotOwed> not_owed;
};

// `next`: when the revision after it was made.
absl::StatusOr<Owing> OwingAt(db::Transaction& tx, const std::string& id, absl::Time made, absl::Time next) {
  constexpr int kMostBodies = 1000;
  Owing owing;
  const auto add = [&](const store::ResponseBytes& bytes) -> absl::Status {
    v1::Response response;
    RETURN_IF_ERROR(store::Parse(bytes, response));
    const absl::Time opened = base::FromTimestamp(response.create_time());
    const absl::Time closed =
        response.has_closure() ? base::FromTimestamp(response.closure().time()) : absl::InfiniteFuture();
    // At the very instant of the next revision: a response is opened after the revision that opens it.
    if (opened <= next && closed >= next) {
      registry::v1::Obligation& owed = owing.obligations.emplace_back();
      *owed.mutable_body() = response.body();
      *owed.mutable_force() = response.force();
      *owed.mutable_findings_to_answer() = response.findings_to_answer();
    } else if (response.closure().kind() == v1::Closure::NOT_OWED && made <= closed && closed < next) {
      registry::v1::NotOwed& not_owed = owing.not_owed.emplace_back();
      not_owed.set_body(response.body().name());
      not_owed.set_reason(response.closure().reason());
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(store::ReadRange(tx, {.inspection = id}, v1::RESPONSE_VIEW_BASIC, kMostBodies, add));
  return owing;
}

absl::StatusOr<Event> HeldRevision(db::Transaction& tx, const registry::v1::Inspection& report, absl::Time next) {
  const std::string id = report.name().substr(report.name().rfind('/') + 1);
  ASSIGN_OR_RETURN(const Owing owing, OwingAt(tx, id, base::FromTimestamp(report.update_time()), next));
  if (report.state() == registry::v1::Inspection::WITHDRAWN) {
    // With its findings, which the registry lacks too.
    registry::v1::InspectionWithdrawn withdrawn;
    *withdrawn.mutable_inspection() = report;
    withdrawn.set_reason(report.withdrawal_reason());
    return events::MakeHeldEvent("", report.name(), withdrawn);
  }
  if (report.revision() > 1) {
    registry::v1::InspectionCorrected corrected;
    *corrected.mutable_inspection() = report;
    corrected.mutable_obligations()->Assign(owing.obligations.begin(), owing.obligations.end());
    corrected.mutable_not_owed()->Assign(owing.not_owed.begin(), owing.not_owed.end());
    corrected.set_reason(report.correction_reason());
    return events::MakeHeldEvent("", report.name(), corrected);
  }
  registry::v1::InspectionPublished published;
  *published.mutable_inspection() = report;
  published.mutable_obligations()->Assign(owing.obligations.begin(), owing.obligations.end());
  return events::MakeHeldEvent("", report.name(), published);
}

// Every revision, so that the registry has its history again.
absl::Status HeldReports(db::Transaction& tx, std::string& after, std::vector<Event>& page) {
  constexpr size_t kReports = 4;  // each can be large, and so can be what each body must answer
  const size_t slash = after.find('/');
  int64_t revision = 0;
  if (slash != std::string::npos) {
    std::from_chars(after.data() + slash + 1, after.data() + after.size(), revision);
  }
  // One more than is given back, as each is to know what came after it.
  ASSIGN_OR_RETURN(const auto reports, store::ReportsAfter(tx, after.substr(0, slash), revision, kReports + 1));
  for (size_t i = 0; i < reports.size() && i < kReports; ++i) {
    const registry::v1::Inspection& report = reports[i];
    const bool has_next = i + 1 < reports.size() && reports[i + 1].name() == report.name();
    ASSIGN_OR_RETURN(Event held, HeldRevision(tx, report,
                                              has_next ? base::FromTimestamp(reports[i + 1].update_time())
                                                       : absl::InfiniteFuture()));
    page.push_back(std::move(held));
    after = fmt::format("{}/{}", report.name().substr(report.name().rfind('/') + 1), report.revision());
  }
  return absl::OkStatus();
}

absl::Status HeldPublications(db::Transaction& tx, std::string& after, std::vector<Event>& page) {
  store::Range range{.state = v1::Response::PUBLISHED};
  const size_t slash = after.find('/');
  if (slash != std::string::npos) {
    range.after_body = after.substr(0, slash);
    range.after_inspection = after.substr(slash + 1);
  }
  return store::ReadRange(tx, range, v1::RESPONSE_VIEW_BASIC, events::kHoldingPage,
                          [&](const store::ResponseBytes& bytes) -> absl::Status {
                            v1::Response response;
                            RETURN_IF_ERROR(store::Parse(bytes, response));
                            after = fmt::format("{}/{}", bytes.body, bytes.inspection);
                            publication::v1::ResponsePublished published;
                            published.set_response(response.name());
                            auto& record = *published.mutable_publication();
                            record.set_name(base::MakeName(base::kPublicationName, {bytes.body, bytes.inspection}));
                            record.set_edition(response.edition());
                            *record.mutable_edition_published_time() = response.publish_time();
                            page.push_back(events::MakeHeldEvent(response.body().name(), record.name(), published));
                            return absl::OkStatus();
                          });
}

// Whether the approval is one that is not known here: of a later edition, of a later moment, or of a response that has not been
// approved here. (What publication could not publish it does not give back.)
bool IsForgotten(const v1::Response& approved, const v1::Response& here) {
  if (approved.edition() != here.edition()) {
    return approved.edition() > here.edition();
  }
  switch (here.state()) {
    case v1::Response::OPEN:
    case v1::Response::IN_REVIEW:
      return true;
    case v1::Response::APPROVED:
      return base::FromTimestamp(approved.approval().time()) > base::FromTimestamp(here.approval().time());
    case v1::Response::EXEMPT:  // it was revoked afterwards
      return base::FromTimestamp(approved.approval().time()) >
             base::FromTimestamp(here.exemption().confirmation().time());
    case v1::Response::WITHDRAWN:  // it was owed again afterwards
      return base::FromTimestamp(approved.approval().time()) > base::FromTimestamp(here.closure().time());
    default:
      return false;
  }
}

absl::Status OnApproved(db::Transaction& tx, const Event& event, v1::Response approved, events::EventLog& log,
                        absl::Time now) {
  ASSIGN_OR_RETURN(const rules::ResponseId id, rules::ParseResponseName(approved.name()));
  store::StoredResponse stored;
  v1::Response before;
  absl::StatusOr<store::StoredResponse> here =
      store::LoadResponse(tx, id.body, id.inspection, store::ReportForm::kFacts);
  if (here.ok()) {
    if (!IsForgotten(approved, here->response)) {
      return absl::OkStatus();
    }
    stored.version = here->version;
    before = std::move(here->response);
  } else if (!absl::IsNotFound(here.status())) {
    return here.status();
  }
  approved.clear_etag();
  approved.mutable_report()->clear_etag();
  approved.clear_publish_time();
  approved.set_state(v1::Response::APPROVED);
  *approved.mutable_update_time() = base::ToTimestamp(now);
  RETURN_IF_ERROR(store::KeepReport(tx, approved.report()));
  stored.revision = approved.report().revision();
  stored.response = approved;
  RETURN_IF_ERROR(store::Write(tx, store::Prepare(before, event.actor(), now, stored)));
  v1::ResponseApproved told;
  *told.mutable_response() = std::move(approved);
  RETURN_IF_ERROR(log.Append(tx,
                             {.tenant = event.tenant(),
                              .subject = event.subject(),
                              .actor = event.actor(),
                              .cause = event.event_id(),
                              .time = now},
                             told));
  return events::Note(tx, event, Finding::kTakenIn, now,
                      fmt::format("The approval of edition {} was missing, and was taken in with its text.",
                                  told.response().edition()));
}

}  // namespace

std::vector<events::Holding> HeldOfRegistry() {
  // Bodies twice: one may have taken over a force that another, which comes after it, has given up.
  return {HeldForces, HeldSuccessions, HeldBodies, HeldBodies, HeldReports};
}

std::vector<events::Holding> HeldOfPublication() { return {HeldPublications}; }

events::Handlers TakeIn(events::EventLog& log, const base::Clock& clock) {
  events::Handlers handlers;
  handlers.On<v1::ResponseApproved>([&](db::Transaction& tx, const Event& event, const v1::ResponseApproved& payload) {
    return OnApproved(tx, event, payload.response(), log, clock.Now());
  });
  // What publication may have put aside, and what its approval, or the registry, says again.
  handlers.Ignore<v1::ResponseOpened>();
  handlers.Ignore<v1::ChiefOfficerInvited>();
  handlers.Ignore<v1::ChiefOfficerCommented>();
  handlers.Ignore<v1::ResponseSubmitted>();
  handlers.Ignore<v1::ResponseReturned>();
  handlers.Ignore<v1::ResponseCorrected>();
  handlers.Ignore<v1::ResponseClosed>();
  handlers.Ignore<v1::ResponseExempted>();
  handlers.Ignore<v1::ExemptionRevoked>();
  handlers.Ignore<v1::ResponseCommented>();
  return handlers;
}

}  // namespace section55::authoring
