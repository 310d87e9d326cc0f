#include "services/response-authoring/recovery.h"

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

absl::Status HeldReports(db::Transaction& tx, std::string& after, std::vector<Event>& page) {
  constexpr int kReports = 4;  // each can be large, and so can be what each body must answer
  constexpr int kMostBodies = 1000;
  ASSIGN_OR_RETURN(const auto reports, store::ReportsAfter(tx, after, kReports));
  for (const registry::v1::Inspection& report : reports) {
    after = report.name().substr(report.name().rfind('/') + 1);
    registry::v1::InspectionPublished published;
    *published.mutable_inspection() = report;
    RETURN_IF_ERROR(store::ReadRange(tx, {.inspection = after}, v1::RESPONSE_VIEW_BASIC, kMostBodies,
                                     [&](const store::ResponseBytes& bytes) -> absl::Status {
                                       v1::Response response;
                                       RETURN_IF_ERROR(store::Parse(bytes, response));
                                       registry::v1::Obligation& owed = *published.add_obligations();
                                       *owed.mutable_body() = response.body();
                                       *owed.mutable_force() = response.force();
                                       *owed.mutable_findings_to_answer() = response.findings_to_answer();
                                       return absl::OkStatus();
                                     }));
    page.push_back(events::MakeHeldEvent("", report.name(), published));
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

std::vector<events::Holding> HeldOfRegistry() { return {HeldBodies, HeldReports}; }

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
  return handlers;
}

}  // namespace section55::authoring
