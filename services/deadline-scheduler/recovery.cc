#include "services/deadline-scheduler/recovery.h"

#include <fmt/format.h>

#include <string>

#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "section55/publication/v1/events.pb.h"
#include "section55/registry/v1/events.pb.h"
#include "services/deadline-scheduler/store.h"

namespace section55::deadlines {
namespace {

using common::v1::Event;

absl::Status HeldReports(db::Transaction& tx, std::string& after, std::vector<Event>& page) {
  ASSIGN_OR_RETURN(const auto reports, store::InspectionsAfter(tx, after, events::kHoldingPage));
  for (const registry::v1::Inspection& report : reports) {
    after = report.name().substr(report.name().rfind('/') + 1);
    registry::v1::InspectionPublished published;
    *published.mutable_inspection() = report;
    page.push_back(events::MakeHeldEvent("", report.name(), published));
  }
  return absl::OkStatus();
}

absl::Status HeldPublications(db::Transaction& tx, std::string& after, std::vector<Event>& page) {
  rules::DeadlineId place;
  if (const size_t slash = after.find('/'); slash != std::string::npos) {
    place = {after.substr(0, slash), after.substr(slash + 1)};
  }
  ASSIGN_OR_RETURN(const auto publications, store::PublicationsAfter(tx, place, events::kHoldingPage));
  for (const store::FirstPublication& one : publications) {
    after = fmt::format("{}/{}", one.id.body, one.id.inspection);
    publication::v1::ResponsePublished published;
    published.set_response(base::MakeName(base::kResponseName, {one.id.body, one.id.inspection}));
    auto& record = *published.mutable_publication();
    record.set_name(base::MakeName(base::kPublicationName, {one.id.body, one.id.inspection}));
    *record.mutable_published_time() = base::ToTimestamp(one.published);
    page.push_back(events::MakeHeldEvent(base::MakeName(base::kBodyName, {one.id.body}), record.name(), published));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<events::Holding> HeldOfRegistry() { return {HeldReports}; }

std::vector<events::Holding> HeldOfPublication() { return {HeldPublications}; }

}  // namespace section55::deadlines
