#include "services/inspection-registry/recovery.h"

#include <fmt/format.h>

#include <string>

#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/events/recovery.h"
#include "section55/registry/v1/events.pb.h"
#include "services/inspection-registry/rules.h"
#include "services/inspection-registry/store.h"

namespace section55::registry {
namespace {

using events::Event;
using events::Finding;

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

absl::Status OnBody(db::Transaction& tx, const Event& event, const v1::BodyRegistered& registered,
                    events::EventLog& log, absl::Time now) {
  base::Violations violations;
  const std::string body = base::IdIn("body.name", registered.body().name(), base::kBodyName, violations);
  const std::string force = base::IdIn("force.name", registered.force().name(), base::kForceName, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  const absl::StatusOr<v1::Body> here = store::LoadBody(tx, body);
  if (here.ok()) {
    return here->force() == registered.body().force()
               ? absl::OkStatus()
               : events::Note(tx, event, Finding::kOpen, now,
                              fmt::format("It holds {} to account here, and {} for the others: decide which is right, "
                                          "and register what is missing.",
                                          here->force(), registered.body().force()));
  }
  if (!absl::IsNotFound(here.status())) {
    return here.status();
  }
  if (const absl::Status known = store::LoadForce(tx, force).status(); absl::IsNotFound(known)) {
    RETURN_IF_ERROR(store::InsertForce(tx, registered.force()));
  } else {
    RETURN_IF_ERROR(known);
  }
  RETURN_IF_ERROR(store::CheckNewBody(tx, registered.body()));
  RETURN_IF_ERROR(store::InsertBody(tx, registered.body()));
  RETURN_IF_ERROR(TellAgain(tx, log, event, event.subject(), now, registered));
  return events::Note(tx, event, Finding::kTakenIn, now, "It was missing, and was taken in with its force.");
}

// Whether it is all of a report, and not just what somebody remembers of it.
bool IsWhole(const v1::Inspection& report) {
  return report.state() == v1::Inspection::PUBLISHED && report.kinds_size() > 0 && report.publishers_size() > 0 &&
         report.has_scope();
}

absl::Status OnReport(db::Transaction& tx, const Event& event, const v1::InspectionPublished& published,
                      events::EventLog& log, absl::Time now) {
  const v1::Inspection& given = published.inspection();
  base::Violations violations;
  const std::string id = base::IdIn("inspection.name", given.name(), base::kInspectionName, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  absl::StatusOr<store::StoredInspection> here = store::LoadInspection(tx, id);
  if (!here.ok() && !absl::IsNotFound(here.status())) {
    return here.status();
  }
  const std::string day = rules::PublicationDateText(given);
  if (here.ok() && here->message.state() == v1::Inspection::PUBLISHED) {
    const std::string day_here = rules::PublicationDateText(here->message);
    if (day_here != day) {
      return events::Note(
          tx, event, Finding::kOpen, now,
          fmt::format("It was published on {} here, and on {} for the others, whose deadlines go by that "
                      "day.",
                      day_here, day));
    }
    if (given.revision() > here->message.revision()) {
      return events::Note(
          tx, event, Finding::kOpen, now,
          fmt::format("Revision {} of it is missing, and {} is the last one here: correct it once more.",
                      given.revision(), here->message.revision()));
    }
    return absl::OkStatus();
  }
  if (!IsWhole(given)) {
    return events::Note(tx, event, Finding::kOpen, now,
                        fmt::format("It was published on {}, and nobody holds all of it: register it once more under "
                                    "this name and with this date, and publish it.",
                                    day));
  }
  store::StoredInspection row{given};
  if (here.ok()) {
    row.version = here->version;
    RETURN_IF_ERROR(store::UpdateInspection(tx, row));
  } else {
    RETURN_IF_ERROR(store::InsertInspection(tx, row));
  }
  RETURN_IF_ERROR(TellAgain(tx, log, event, "", now, published));
  RETURN_IF_ERROR(events::SettleFindings(tx, event.subject()));
  return events::Note(tx, event, Finding::kTakenIn, now,
                      fmt::format("It was missing, and was taken in as it was published on {}.", day));
}

}  // namespace

events::Handlers TakeIn(events::EventLog& log, const base::Clock& clock) {
  events::Handlers handlers;
  handlers.On<v1::BodyRegistered>([&](db::Transaction& tx, const Event& event, const v1::BodyRegistered& registered) {
    return OnBody(tx, event, registered, log, clock.Now());
  });
  handlers.On<v1::InspectionPublished>(
      [&](db::Transaction& tx, const Event& event, const v1::InspectionPublished& published) {
        return OnReport(tx, event, published, log, clock.Now());
      });
  return handlers;
}

}  // namespace section55::registry
