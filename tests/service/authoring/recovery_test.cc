// response-authoring after a restore, and what it gives back after another's.
#include "services/response-authoring/recovery.h"

#include "libs/events/recovery.h"
#include "tests/service/authoring/fixture.h"

namespace section55::authoring {
namespace {

using section55::testing::EqualsProto;
using section55::testing::IsOk;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RecoveryTest : public AuthoringTest {
 protected:
  // As it stood when it was approved.
  v1::Response Approved() {
    SubmitComplete();
    EXPECT_THAT(Approve(kApprover), IsOk());
    return Get(kAuditor);
  }
  // As after a restore to before it was opened.
  void Forget() {
    ASSERT_THAT(database_->Write([&](db::Transaction& tx) -> absl::Status {
      for (const char* table : {"responses", "part_history", "reports"}) {
        RETURN_IF_ERROR(tx.Execute(std::string("DELETE FROM ") + table).status());
      }
      return absl::OkStatus();
    }),
                IsOk());
  }
  absl::Status GivesBack(const v1::Response& approved) {
    v1::ResponseApproved payload;
    *payload.mutable_response() = approved;
    events::Event event = events::MakeHeldEvent(approved.body().name(), approved.name(), payload);
    event.set_actor("services/publication");
    const events::Handlers handlers = TakeIn(log_, server_.clock());
    return database_->Write([&](db::Transaction& tx) { return handlers.Apply(tx, event); });
  }
  int Findings() {
    admin::v1::RecoveryStatus status;
    EXPECT_THAT(database_->Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(status, events::DescribeRecovery(tx));
      return absl::OkStatus();
    }),
                IsOk());
    return status.findings_size();
  }
  std::vector<events::Event> Held(const events::Holding& holding) {
    std::vector<events::Event> all, page;
    std::string after;
    do {
      page.clear();
      EXPECT_THAT(database_->Read([&](db::Transaction& tx) { return holding(tx, after, page); }), IsOk());
      all.insert(all.end(), page.begin(), page.end());
    } while (!page.empty());
    return all;
  }
  static publication::v1::ResponsePublished Published() {
    publication::v1::ResponsePublished published;
    published.set_response(kNorfolk);
    published.mutable_publication()->set_edition(1);
    *published.mutable_publication()->mutable_published_time() = base::ToTimestamp(kMidJanuary);
    return published;
  }
};

TEST_F(RecoveryTest, AForgottenApprovalIsApprovedAgainWithItsText) {
  const v1::Response approved = Approved();
  Forget();
  ASSERT_THAT(GivesBack(approved), IsOk());
  const v1::Response back = Get(kAuditor);
  EXPECT_EQ(back.state(), v1::Response::APPROVED);
  EXPECT_EQ(back.comments(), approved.comments());
  EXPECT_THAT(back.approval(), EqualsProto(approved.approval()));
  EXPECT_THAT(back.report(), EqualsProto(approved.report()));
  EXPECT_EQ(Findings(), 1);
  EXPECT_EQ(EventCounts()["ResponseApproved"], 2) << "and told again";
  // Its publication is heard of as ever, and the report that is heard of again opens nothing twice.
  ASSERT_THAT(Arrives(SafeToShare()), IsOk());
  ASSERT_THAT(Arrives(Published()), IsOk());
  EXPECT_EQ(Get(kAuditor).state(), v1::Response::PUBLISHED);
}

TEST_F(RecoveryTest, WhatIsKnownOrPublishedStays) {
  SubmitComplete();

  ASSERT_THAT(Approve(kApprover), IsOk());
  const v1::Response approved = Get(kAuditor);
  EXPECT_THAT(GivesBack(approved), IsOk());
  EXPECT_THAT(Get(kAuditor), EqualsProto(approved)) << "it is known";
  EXPECT_EQ(Findings(), 0);
  ASSERT_THAT(Arrives(Published()), IsOk());
  const v1::Response published = Get(kAuditor);
  v1::Response later = approved;
  *later.mutable_approval()->mutable_time() = base::ToTimestamp(kMidJanuary + absl::Hours(1));
  EXPECT_THAT(GivesBack(later), IsOk());
  EXPECT_THAT(Get(kAuditor), EqualsProto(published)) << "what is published is not taken back";
}

TEST_F(RecoveryTest, ARefusalOfAnEarlierApprovalIsNotTakenForOneOfThis) {
  const v1::Response approved = Approved();
  publication::v1::ResponseRefused refused;
  refused.set_response(kNorfolk);
  refused.set_edition(1);
  refused.set_reason("Too long.");
  *refused.mutable_approve_time() = base::ToTimestamp(kMidJanuary - absl::Hours(5));
  ASSERT_THAT(Arrives(refused), IsOk());
  EXPECT_EQ(Get(kAuditor).state(), v1::Response::APPROVED);
  *refused.mutable_approve_time() = approved.approval().time();
  ASSERT_THAT(Arrives(refused), IsOk());
  EXPECT_EQ(Get(kAuditor).state(), v1::Response::IN_REVIEW);
}

TEST_F(RecoveryTest, GivesBackWhatTheRegistryAndPublicationToldIt) {
  const std::vector<events::Event> bodies = Held(HeldOfRegistry()[0]);
  ASSERT_THAT(bodies, SizeIs(2));
  registry::v1::BodyRegistered body;
  ASSERT_TRUE(bodies[0].payload().UnpackTo(&body));
  EXPECT_EQ(body.body().name(), "bodies/norfolk-pcc");
  EXPECT_EQ(body.body().force(), "forces/norfolk");
  const std::vector<events::Event> reports = Held(HeldOfRegistry()[1]);
  ASSERT_THAT(reports, SizeIs(1));
  registry::v1::InspectionPublished report;
  ASSERT_TRUE(reports[0].payload().UnpackTo(&report));
  registry::v1::InspectionPublished told = SafeToShare();
  told.mutable_inspection()->clear_etag();
  for (auto& owed : *told.mutable_obligations()) {
    owed.mutable_body()->clear_etag();
  }
  EXPECT_THAT(report, EqualsProto(told));

  EXPECT_THAT(Held(HeldOfPublication()[0]), IsEmpty());
  Approved();
  ASSERT_THAT(Arrives(Published()), IsOk());
  const std::vector<events::Event> published = Held(HeldOfPublication()[0]);
  ASSERT_THAT(published, SizeIs(1));
  publication::v1::ResponsePublished payload;
  ASSERT_TRUE(published[0].payload().UnpackTo(&payload));
  EXPECT_EQ(payload.response(), kNorfolk);
  EXPECT_EQ(payload.publication().edition(), 1);
  EXPECT_THAT(payload.publication().edition_published_time(), EqualsProto(base::ToTimestamp(kMidJanuary)));
}

}  // namespace
}  // namespace section55::authoring
