// A deadline-scheduler without its server: a database, an event log and a clock of the test's, fed with events made by hand.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "db_schema.h"
#include "deadlines_schema.h"
#include "events_schema.h"
#include "jobs_schema.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "libs/calendar/london.h"
#include "libs/events/event_log.h"
#include "libs/jobs/queue.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "section55/deadlines/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"
#include "section55/registry/v1/events.pb.h"
#include "services/deadline-scheduler/changes.h"
#include "services/deadline-scheduler/followers.h"
#include "services/deadline-scheduler/jobs.h"
#include "services/deadline-scheduler/store.h"

namespace section55::deadlines {

using registry::v1::Inspection;

inline absl::Time London(int year, int month, int day, int hour = 0, int minute = 0) {
  return absl::FromCivil(absl::CivilMinute(year, month, day, hour, minute), calendar::LondonTimeZone());
}

inline std::vector<db::Schema> Schemas() {
  return {db::MigrationSchema(), events::MigrationSchema(), jobs::MigrationSchema(), MigrationSchema()};
}

inline common::v1::Event EventOf(const google::protobuf::Message& payload) {
  common::v1::Event event;
  event.set_event_id(base::NewUuid());
  event.set_schema_version(1);
  event.mutable_payload()->PackFrom(payload);
  return event;
}

inline common::v1::Event BodyRegistered(const std::string& body, const std::string& force) {
  registry::v1::BodyRegistered registered;
  registered.mutable_body()->set_name("bodies/" + body);
  registered.mutable_body()->set_force("forces/" + force);
  registered.mutable_force()->set_name("forces/" + force);
  return EventOf(registered);
}

inline common::v1::Event InspectionPublished(const std::string& inspection, absl::CivilDay published,
                                             const std::vector<std::string>& bodies,
                                             Inspection::Basis basis = Inspection::STATUTE_S55) {
  registry::v1::InspectionPublished event;
  event.mutable_inspection()->set_name("inspections/" + inspection);
  event.mutable_inspection()->set_title("Safe to share?");
  event.mutable_inspection()->set_basis(basis);
  *event.mutable_inspection()->mutable_publication_date() = base::ToProtoDate(published);
  for (const std::string& body : bodies) {
    event.add_obligations()->mutable_body()->set_name("bodies/" + body);
  }
  return EventOf(event);
}

inline common::v1::Event ResponsePublished(const std::string& body, const std::string& inspection, absl::Time time) {
  publication::v1::ResponsePublished event;
  event.set_response(fmt::format("bodies/{}/responses/{}", body, inspection));
  *event.mutable_publication()->mutable_published_time() = base::ToTimestamp(time);
  return EventOf(event);
}

class World {
 public:
  World(db::Database& database, base::Clock& clock, const std::string& holder = "localhost:7103")
      : database_(database),
        clock_(clock),
        log_(database),
        jobs_(database, clock, holder),
        changes_(log_, jobs_, clock) {
    RegisterJobs(jobs_, changes_);
    log_.Start();
  }

  db::Database& database() { return database_; }
  events::EventLog& log() { return log_; }
  // Not started.
  jobs::Queue& jobs() { return jobs_; }
  Changes& changes() { return changes_; }

  // Each as its follower does it: in one transaction.
  absl::Status FromRegistry(const common::v1::Event& event) {
    return database_.Write([&](db::Transaction& tx) { return from_registry_.Apply(tx, event); });
  }
  absl::Status FromPublication(const common::v1::Event& event) {
    return database_.Write([&](db::Transaction& tx) { return from_publication_.Apply(tx, event); });
  }

  // As the timer does it, whether or not the time has come.
  absl::Status Miss(const std::string& body, const std::string& inspection) {
    return database_.Write([&](db::Transaction& tx) { return changes_.Miss(tx, {body, inspection}); });
  }

  // An empty message when there is no such deadline.
  v1::Deadline Load(const std::string& body, const std::string& inspection) {
    v1::Deadline deadline;
    const absl::Status status = database_.Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(store::StoredDeadline stored, store::LoadDeadline(tx, {body, inspection}));
      deadline = std::move(stored.message);
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok() || absl::IsNotFound(status)) << status;
    return deadline;
  }

  // Everything that has happened up to now. An event of the test's own marks the end, so that nothing is waited for in
  // vain and nothing that was told once too often is overlooked.
  std::vector<common::v1::Event> Events() {
    const std::string end = fmt::format("end-{}", ++ends_);
    EXPECT_THAT(database_.Write([&](db::Transaction& tx) {
      return log_.Append(tx, {.tenant = "", .subject = end, .actor = "test", .cause = "test", .time = clock_.Now()},
                         v1::Deadline());
    }),
                section55::testing::IsOk());
    std::vector<common::v1::Event> events;
    int64_t position = 0;
    while (log_.WaitBeyond(position, absl::Seconds(30))) {
      const auto page = log_.Read(position, 1000);
      EXPECT_THAT(page.status(), section55::testing::IsOk());
      for (const common::v1::Event& event : page->events) {
        position = event.position();
        if (event.subject() == end) {
          return events;
        }
        if (!event.subject().starts_with("end-")) {
          events.push_back(event);
        }
      }
    }
    ADD_FAILURE() << "the feed has not come to its end";
    return events;
  }

  // The same as words: "Opened bodies/norfolk-pcc/deadlines/safe-to-share".
  std::vector<std::string> Told() {
    std::vector<std::string> told;
    for (const common::v1::Event& event : Events()) {
      const std::string& type = event.payload().type_url();
      const std::string_view prefix = "section55.deadlines.v1.Deadline";
      told.push_back(fmt::format("{} {}", type.substr(type.find(prefix) + prefix.size()), event.subject()));
    }
    return told;
  }

 private:
  db::Database& database_;
  base::Clock& clock_;
  events::EventLog log_;
  jobs::Queue jobs_;
  Changes changes_;
  const events::Handlers from_registry_ = RegistryHandlers(changes_);
  const events::Handlers from_publication_ = PublicationHandlers(changes_);
  int ends_ = 0;
};

}  // namespace section55::deadlines
