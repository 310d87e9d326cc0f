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

using section55::testing::EqualsProto;
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

  static v1::InspectionCorrected Corrected() {
    v1::InspectionCorrected corrected;
    *corrected.mutable_inspection() = Published().inspection();
    corrected.mutable_inspection()->set_revision(2);
    corrected.mutable_inspection()->set_short_title("Sharing");
    corrected.set_reason("Tables need a short title");
    corrected.add_obligations()->mutable_body()->set_name("bodies/norfolk-pcc");
    return corrected;
  }
  static v1::InspectionWithdrawn Withdrawn() {
    v1::InspectionWithdrawn withdrawn;
    *withdrawn.mutable_inspection() = Corrected().inspection();
    withdrawn.mutable_inspection()->set_revision(3);
    withdrawn.mutable_inspection()->set_state(v1::Inspection::WITHDRAWN);
    withdrawn.mutable_inspection()->set_withdrawal_reason("Published by mistake");
    withdrawn.set_reason("Published by mistake");
    return withdrawn;
  }
  // The latest first.
  std::vector<v1::InspectionRevision> Steps() {
    std::vector<v1::InspectionRevision> steps;
    EXPECT_THAT(database_->Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(steps, store::ListRevisions(tx, "safe-to-share", 100, 100, 10'000'000));
      return absl::OkStatus();
    }),
                IsOk());
    return steps;
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
  // Nor is it guessed which of two texts of one revision is right.
  v1::InspectionPublished another = Published();
  another.mutable_inspection()->set_title("Another title");
  ASSERT_THAT(GivesBack(another, kReport), IsOk());
  ASSERT_THAT(Findings(), SizeIs(2));
  EXPECT_TRUE(Findings()[1].open());
  EXPECT_EQ(Report().title(), SafeToShare().title());
}

TEST_F(RecoveryTest, ForgottenCorrectionsAndWithdrawalsAreTakenInAndCanBeLookedBackOn) {
  const v1::InspectionCorrected corrected = Corrected();
  const v1::InspectionWithdrawn withdrawn = Withdrawn();
  ASSERT_THAT(GivesBack(Published(), kReport), IsOk());
  v1::InspectionPublished facts = Remembered();
  facts.mutable_inspection()->set_revision(3);
  ASSERT_THAT(GivesBack(facts, kReport, "services/deadline-scheduler"), IsOk());
  EXPECT_TRUE(Findings()[0].open()) << "somebody knows of more";
  for (int times = 0; times < 2; ++times) {
    ASSERT_THAT(GivesBack(Published(), kReport), IsOk());
    ASSERT_THAT(GivesBack(corrected, kReport), IsOk());
    ASSERT_THAT(GivesBack(withdrawn, kReport), IsOk());
  }
  EXPECT_EQ(Report().state(), v1::Inspection::WITHDRAWN);
  EXPECT_EQ(Report().revision(), 3);
  EXPECT_EQ(Report().findings_size(), SafeToShare().findings_size());
  ASSERT_THAT(Findings(), SizeIs(1));
  EXPECT_FALSE(Findings()[0].open());
  std::vector<v1::InspectionRevision> steps = Steps();
  ASSERT_THAT(steps, SizeIs(3));
  EXPECT_EQ(steps[0].kind(), v1::InspectionRevision::WITHDRAWAL);
  EXPECT_EQ(steps[1].kind(), v1::InspectionRevision::CORRECTION);
  EXPECT_EQ(steps[1].reason(), "Tables need a short title");
  ASSERT_EQ(steps[1].changes_size(), 1);
  EXPECT_EQ(steps[1].changes(0).part(), "short_title");
  ASSERT_EQ(steps[1].bodies_size(), 1);
  EXPECT_EQ(steps[2].kind(), v1::InspectionRevision::PUBLICATION);
  ASSERT_TRUE(log_.WaitBeyond(2, absl::Seconds(30)));
  EXPECT_EQ(log_.FindEnd()->head, 3) << "each is told again, once";
  v1::InspectionWithdrawn told;
  ASSERT_TRUE(log_.Read(2, 1)->events[0].payload().UnpackTo(&told));
  EXPECT_TRUE(told.inspection().findings().empty());
}

TEST_F(RecoveryTest, WhatWasParkedComesBeforeWhatLedToIt) {
  ASSERT_THAT(GivesBack(Corrected(), kReport), IsOk());
  EXPECT_EQ(Report().revision(), 2);
  ASSERT_THAT(GivesBack(Published(), kReport), IsOk());
  EXPECT_EQ(Report().revision(), 2);
  EXPECT_THAT(Steps(), SizeIs(2)) << "its history is whole again";
  // As it was told, a withdrawal has no findings.
  v1::InspectionWithdrawn withdrawn = Withdrawn();
  withdrawn.mutable_inspection()->clear_findings();
  ASSERT_THAT(GivesBack(withdrawn, kReport), IsOk());
  EXPECT_EQ(Report().state(), v1::Inspection::WITHDRAWN);
  EXPECT_EQ(Report().findings_size(), SafeToShare().findings_size());
}

TEST_F(RecoveryTest, ChangesOfBodiesAndForcesAndSuccessionsAreTakenInAsTheyWere) {
  const rules::Register registered = RegisteredForces();
  v1::Force force = registered.forces.front();
  v1::Body body = registered.bodies.front();
  body.set_etag("v1");
  v1::BodyRegistered first;
  *first.mutable_force() = force;
  *first.mutable_body() = body;
  ASSERT_THAT(GivesBack(first, body.name()), IsOk());

  // After the backup: the force was renamed twice, a board registered and named as the body's successor.
  force.set_display_name("Another name");
  force.set_etag("v3");
  v1::ForceChanged changed;
  *changed.mutable_force() = force;
  v1::BodySucceeded succeeded;
  *succeeded.mutable_force() = force;
  v1::Body& board = *succeeded.mutable_successor();
  board.set_name("bodies/a-board");
  board.set_display_name("A board");
  board.set_kind(v1::Body::POLICING_AND_CRIME_BOARD);
  board.set_force(force.name());
  board.add_predecessors(body.name());
  board.set_etag("v2");
  v1::ForceLink& link = *board.add_force_links();
  link.set_force(force.name());
  *link.mutable_valid_from() = base::ToProtoDate(absl::CivilDay(2028, 5, 8));
  body.set_etag("v2");
  *body.mutable_valid_to() = base::ToProtoDate(absl::CivilDay(2028, 5, 7));
  body.mutable_succession()->set_successor(board.name());
  *body.mutable_succession()->mutable_date() = base::ToProtoDate(absl::CivilDay(2028, 5, 8));
  *succeeded.mutable_predecessor() = body;

  // Alone the board takes over what is not free yet.
  v1::BodyRegistered alone;
  *alone.mutable_body() = board;
  *alone.mutable_force() = force;
  EXPECT_THAT(GivesBack(alone, board.name()), section55::testing::HasReason("FORCE_HAS_BODY"));

  for (int times = 0; times < 2; ++times) {
    ASSERT_THAT(GivesBack(changed, force.name()), IsOk());
    ASSERT_THAT(GivesBack(succeeded, body.name()), IsOk());
    ASSERT_THAT(GivesBack(alone, board.name()), IsOk());
    ASSERT_THAT(GivesBack(first, registered.bodies.front().name()), IsOk()) << "what is older changes nothing";
  }
  EXPECT_THAT(database_->Read([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const store::StoredRegister here, store::LoadRegister(tx));
    EXPECT_THAT(*here.all.FindForce(force.name()), EqualsProto(force)) << "with its etag";
    EXPECT_THAT(*here.all.FindBody(body.name()), EqualsProto(body));
    EXPECT_THAT(*here.all.FindBody(board.name()), EqualsProto(board));
    EXPECT_EQ(here.versions.at(force.name()), 3);
    return absl::OkStatus();
  }),
              IsOk());
  for (const admin::v1::RecoveryFinding& finding : Findings()) {
    EXPECT_FALSE(finding.open()) << finding.ShortDebugString();
  }
  ASSERT_TRUE(log_.WaitBeyond(2, absl::Seconds(30)));
  EXPECT_EQ(log_.FindEnd()->head, 3) << "the body, the force and the succession are told again, once each";

  // A change that was made in both is for a person.
  body.set_display_name("As changed elsewhere");
  v1::BodyChanged elsewhere;
  *elsewhere.mutable_body() = body;
  ASSERT_THAT(GivesBack(elsewhere, body.name()), IsOk());
  EXPECT_TRUE(Findings()[0].open());
  EXPECT_EQ(log_.FindEnd()->head, 3);
}

TEST_F(RecoveryTest, AForgottenBodyComesWithItsForce) {
  const rules::Register all = RegisteredForces();
  const v1::Force& force = all.forces.front();
  const v1::Body& body = all.bodies.front();
  v1::BodyRegistered registered;
  *registered.mutable_force() = force;
  *registered.mutable_body() = body;
  ASSERT_THAT(GivesBack(registered, body.name()), IsOk());
  ASSERT_THAT(GivesBack(registered, body.name()), IsOk());
  EXPECT_THAT(Findings(), SizeIs(1));
  EXPECT_THAT(database_->Read([&, name = body.name(), of = force.name()](db::Transaction& tx) -> absl::Status {
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
