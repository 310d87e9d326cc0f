// Publication after a restore, and what it gives back after another's.
#include "services/publication/recovery.h"

#include "libs/events/recovery.h"
#include "tests/service/publication/fixture.h"

namespace section55::publication {
namespace {

using ::section55::testing::EqualsProto;
using ::section55::testing::IsOk;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kName[] = "bodies/norfolk-pcc/publications/safe-to-share";

class RecoveryTest : public PublicationFixture {
 protected:
  // A follower gives this back.
  absl::Status GivesBack(const v1::PublicationRecord& record, const std::string& follower) {
    v1::ResponsePublished published;
    published.set_response("bodies/norfolk-pcc/responses/safe-to-share");
    *published.mutable_publication() = record;
    common::v1::Event event = events::MakeHeldEvent("bodies/norfolk-pcc", kName, published);
    event.set_actor(follower);
    const events::Handlers handlers = TakeIn(server_.clock());
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
  std::vector<std::string> HeldNames() {
    std::vector<std::string> names;
    std::string after;
    std::vector<common::v1::Event> page;
    do {
      page.clear();
      EXPECT_THAT(database_->Read([&](db::Transaction& tx) { return HeldOfAuthoring().front()(tx, after, page); }),
                  IsOk());
      for (const common::v1::Event& event : page) {
        authoring::v1::ResponseApproved approved;
        EXPECT_TRUE(event.payload().UnpackTo(&approved));
        EXPECT_TRUE(approved.response().has_report());
        names.push_back(event.subject());
      }
    } while (!page.empty());
    return names;
  }
};

TEST_F(RecoveryTest, WhatWasPublishedIsPublishedAgainWithItsInstant) {
  v1::PublicationRecord known;
  known.set_edition(1);
  const absl::Time then = MorningOf(absl::CivilDay(2020, 12, 20));
  *known.mutable_edition_published_time() = base::ToTimestamp(then);
  ASSERT_THAT(GivesBack(known, "services/response-authoring"), IsOk());
  ASSERT_THAT(Findings(), SizeIs(1));
  EXPECT_TRUE(Findings().front().open()) << "until its text is here";
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  EXPECT_THAT(Get().published_time(), EqualsProto(base::ToTimestamp(then)));
  EXPECT_THAT(Get().edition_published_time(), EqualsProto(base::ToTimestamp(then)));
  EXPECT_EQ(Get().day_number(), 4);
  for (const v1::Copy& copy : Copies()) {
    EXPECT_THAT(copy.queued_time(), EqualsProto(base::ToTimestamp(then)));
  }
  v1::ResponsePublished told;
  ASSERT_TRUE(Events(1).back().payload().UnpackTo(&told));
  EXPECT_THAT(told.publication(), EqualsProto(Get()));
  ASSERT_THAT(Findings(), SizeIs(1));
  EXPECT_FALSE(Findings().front().open());
}

TEST_F(RecoveryTest, WhatIsHereIsNotMissing) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  const v1::PublicationRecord before = Get();
  v1::PublicationRecord first;
  *first.mutable_published_time() = before.published_time();
  EXPECT_THAT(GivesBack(first, "services/deadline-scheduler"), IsOk());
  v1::PublicationRecord edition;
  edition.set_edition(1);
  *edition.mutable_edition_published_time() = before.edition_published_time();
  EXPECT_THAT(GivesBack(edition, "services/response-authoring"), IsOk());
  EXPECT_THAT(Findings(), IsEmpty());
  // But one who remembers another instant is heard.
  *first.mutable_published_time() = base::ToTimestamp(MorningOf(absl::CivilDay(2021, 1, 9)));
  EXPECT_THAT(GivesBack(first, "services/deadline-scheduler"), IsOk());
  ASSERT_THAT(Findings(), SizeIs(1));
  EXPECT_TRUE(Findings().front().open());
  EXPECT_THAT(Get(), EqualsProto(before));
}

TEST_F(RecoveryTest, GivesBackEveryApprovalPageByPageButThoseRefused) {
  std::vector<std::string> expected;
  for (int i = 10; i < 19; ++i) {
    const authoring::v1::Response response = ResponseTo("report-" + std::to_string(i));
    expected.push_back(response.name());
    ASSERT_THAT(Approve(response), IsOk());
  }
  EXPECT_EQ(HeldNames(), expected);
  ASSERT_THAT(database_->Write([&](db::Transaction& tx) {
    return store::RefuseApproval(tx, {"norfolk-pcc", "report-10"}, 1);
  }),
              IsOk());
  expected.erase(expected.begin());
  EXPECT_EQ(HeldNames(), expected);
}

}  // namespace
}  // namespace section55::publication
