// What the registry takes in after its database was restored from a backup.
#include "services/inspection-registry/recovery.h"

#include <gmock/gmock.h>

#include "db_schema.h"
#include "events_schema.h"
#include "libs/base/clock.h"
#include "libs/base/proto_time.h"
#include "libs/events/event_log.h"
#include "libs/events/recovery.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "registry_schema.h"
#include "section55/registry/v1/events.pb.h"
#include "services/inspection-registry/store.h"
#include "tests/unit/registry/samples.h"

namespace section55::registry {
namespace {

using section55::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kReport[] = "inspections/safe-to-share";

class RecoveryTest : public ::testing::Test {
 protected:
  RecoveryTest() { log_.Start(); }

  static v1::InspectionPublished Published() {
    v1::InspectionPublished published;
    v1::Inspection& report = *published.mutable_inspection();
    report = SafeToShare();
    report.set_name(kReport);
    report.set_state(v1::Inspection::PUBLISHED);
    report.set_revision(1);
    return published;
  }
  // What somebody remembers who keeps only its day.
  static v1::InspectionPublished Remembered() {
    v1::InspectionPublished published;
    published.mutable_inspection()->set_name(kReport);
    *published.mutable_inspection()->mutable_publication_date() = SafeToShare().publication_date();
    return published;
  }

  absl::Status GivesBack(const google::protobuf::Message& payload, const std::string& subject,
                         const std::string& follower = "services/response-authoring") {
    events::Event event = events::MakeHeldEvent("", subject, payload);
    event.set_actor(follower);
    const events::Handlers handlers = TakeIn(log_, clock_);
    return database_->Write([&](db::Transaction& tx) { return handlers.Apply(tx, event); });
  }
  std::vector<admin::v1::RecoveryFinding> Findings() {
    admin::v1::RecoveryStatus status;
    EXPECT_THAT(database_->Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(status, events::DescribeRecovery(tx));
      return absl::OkStatus();
    }),
                IsOk());
    return {status.findings().begin(), status.findings().end()};
  }
  v1::Inspection Report() {
    v1::Inspection report;
    EXPECT_THAT(database_->Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const store::StoredInspection stored, store::LoadInspection(tx, "safe-to-share"));
      report = stored.message;
      return absl::OkStatus();
    }),
                IsOk());
    return report;
  }

  section55::testing::TestDatabase database_{db::Engine::kSqlite,
                                             {db::MigrationSchema(), events::MigrationSchema(), MigrationSchema()}};
  base::DrivenClock clock_{absl::FromUnixSeconds(1'767'258'000)};
  events::EventLog log_{*database_};
};

TEST_F(RecoveryTest, AForgottenReportIsPublishedAsItWasAndToldAgain) {
  ASSERT_THAT(GivesBack(Published(), kReport), IsOk());
  EXPECT_EQ(Report().state(), v1::Inspection::PUBLISHED);
  EXPECT_EQ(Report().findings_size(), SafeToShare().findings_size());
  ASSERT_TRUE(log_.WaitBeyond(0, absl::Seconds(30)));
  EXPECT_EQ(log_.Read(0, 10)->events[0].subject(), kReport);
  ASSERT_THAT(Findings(), SizeIs(1));
  EXPECT_FALSE(Findings()[0].open());
  ASSERT_THAT(GivesBack(Published(), kReport), IsOk());
  EXPECT_EQ(log_.FindEnd()->head, 1) << "once";
}

TEST_F(RecoveryTest, ADraftThatHadBeenPublishedIsPublishedAgain) {
  ASSERT_THAT(database_->Write([](db::Transaction& tx) {
    store::StoredInspection draft{SafeToShare()};
    draft.message.set_name(kReport);
    draft.message.set_state(v1::Inspection::DRAFT);
    draft.message.set_title("An earlier title");
    return store::InsertInspection(tx, draft);
  }),
              IsOk());
  ASSERT_THAT(GivesBack(Published(), kReport), IsOk());
  EXPECT_EQ(Report().state(), v1::Inspection::PUBLISHED);
  EXPECT_EQ(Report().title(), SafeToShare().title());
}

TEST_F(RecoveryTest, AReportThatNobodyHoldsWholeIsForAPersonUntilSomebodyDoes) {
  ASSERT_THAT(GivesBack(Remembered(), kReport, "services/deadline-scheduler"), IsOk());
  ASSERT_THAT(Findings(), SizeIs(1));
  EXPECT_TRUE(Findings()[0].open());
  EXPECT_THAT(Findings()[0].text(), HasSubstr("published on 2020-12-17"));
  ASSERT_THAT(GivesBack(Published(), kReport), IsOk());
  ASSERT_THAT(Findings(), SizeIs(1));
  EXPECT_FALSE(Findings()[0].open());
  EXPECT_THAT(GivesBack(Remembered(), kReport, "services/deadline-scheduler"), IsOk());
  EXPECT_THAT(Findings(), SizeIs(1));
}

TEST_F(RecoveryTest, AnotherDayIsForAPersonAndChangesNothing) {
  ASSERT_THAT(GivesBack(Published(), kReport), IsOk());
  v1::InspectionPublished other = Remembered();
  other.mutable_inspection()->mutable_publication_date()->set_day(18);
  ASSERT_THAT(GivesBack(other, kReport, "services/deadline-scheduler"), IsOk());
  ASSERT_THAT(Findings(), SizeIs(2));
  EXPECT_TRUE(Findings()[0].open());
  EXPECT_EQ(Report().publication_date().day(), 17);
  v1::InspectionPublished corrected = Published();
  corrected.mutable_inspection()->set_revision(2);
  ASSERT_THAT(GivesBack(corrected, kReport), IsOk());
  EXPECT_TRUE(Findings()[1].open()) << "a correction is for a person too";
}

TEST_F(RecoveryTest, AForgottenBodyComesWithItsForce) {
  const auto forces = RegisteredForces();
  const auto& [force, body] = forces.front();
  v1::BodyRegistered registered;
  *registered.mutable_force() = force;
  *registered.mutable_body() = *body;
  ASSERT_THAT(GivesBack(registered, body->name()), IsOk());
  ASSERT_THAT(GivesBack(registered, body->name()), IsOk());
  EXPECT_THAT(Findings(), SizeIs(1));
  EXPECT_THAT(database_->Read([&, name = body->name(), of = force.name()](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const v1::Body here, store::LoadBody(tx, name.substr(7)));
    EXPECT_EQ(here.force(), of);
    return store::LoadForce(tx, of.substr(7)).status();
  }),
              IsOk());
  // Its force was given to another body meanwhile.
  registered.mutable_body()->set_name("bodies/somebody-else");
  EXPECT_THAT(GivesBack(registered, "bodies/somebody-else"), section55::testing::HasReason("FORCE_HAS_BODY"));
}

}  // namespace
}  // namespace section55::registry
