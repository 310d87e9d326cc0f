// An approval is published, once, with everything that belongs to it.
#include <numeric>

#include "tests/service/publication/fixture.h"

namespace section55::publication {
namespace {

using ::section55::testing::EqualsProto;
using ::section55::testing::IsOk;
using ::section55::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

using FollowerTest = PublicationFixture;

std::string Joined(const std::vector<std::string>& chunks) {
  return std::accumulate(chunks.begin(), chunks.end(), std::string());
}

TEST_F(FollowerTest, PublishesWhatWasApproved) {
  ASSERT_THAT(Approve(SampleResponse(), "event-1"), IsOk());
  const v1::PublicationRecord record = Get();
  EXPECT_EQ(record.state(), v1::PublicationRecord::PUBLISHED);
  EXPECT_EQ(record.published_time().seconds(), 1612862130);
  EXPECT_EQ(record.day_number(), 55);
  EXPECT_THAT(Copies(), SizeIs(4));

  const auto events = Events(1);
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].tenant(), "bodies/norfolk-pcc");
  EXPECT_EQ(events[0].subject(), record.name());
  EXPECT_EQ(events[0].actor(), "services/publication");
  EXPECT_EQ(events[0].cause(), "event-1");
  v1::ResponsePublished published;
  ASSERT_TRUE(events[0].payload().UnpackTo(&published));
  EXPECT_THAT(published.publication(), EqualsProto(record));
  EXPECT_EQ(published.response(), "bodies/norfolk-pcc/responses/safe-to-share");
}

TEST_F(FollowerTest, HashesTheBytesThatEverybodyCanRead) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  const std::string json = Joined(Rendition(v1::GetRenditionRequest::JSON));
  EXPECT_EQ(Get().content_hash(), base::Sha256Hex(json));
  EXPECT_THAT(Joined(Rendition(v1::GetRenditionRequest::HTML)), HasSubstr(Get().content_hash()));
}

TEST_F(FollowerTest, ChangesNothingTheSecondTime) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  const v1::PublicationRecord before = Get();
  server_.clock().Advance(absl::Hours(72));
  authoring::v1::Response other = SampleResponse();
  other.set_comments("Not what was approved.");
  ASSERT_THAT(Approve(other), IsOk());
  EXPECT_THAT(Get(), EqualsProto(before));
  EXPECT_THAT(Copies(), SizeIs(4));
  // One that follows shows that the repeat left no event.
  ASSERT_THAT(Approve(ResponseTo("another")), IsOk());
  EXPECT_THAT(Events(2), SizeIs(2));
}

TEST_F(FollowerTest, PutsTheNextEditionInItsPlaceAndKeepsTheCopiesOfBoth) {
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  server_.clock().Advance(absl::Hours(24 * 3));
  authoring::v1::Response next = SampleResponse();
  next.set_edition(2);
  next.set_comments("Comments of the second edition.");
  ASSERT_THAT(Approve(next), IsOk());
  EXPECT_EQ(Get().edition(), 2);
  EXPECT_EQ(Get().late_by_days(), 0);  // day 58, but the first edition was in time
  EXPECT_EQ(Get().day_number(), 55);
  EXPECT_EQ(Get().edition_published_time().seconds() - Get().published_time().seconds(), 3 * 24 * 3600);
  EXPECT_THAT(Joined(Rendition(v1::GetRenditionRequest::HTML)), HasSubstr("Comments of the second edition."));
  EXPECT_THAT(Copies(), SizeIs(8));
  // The first edition, delivered late, is not put back.
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  EXPECT_EQ(Get().edition(), 2);
}

TEST_F(FollowerTest, SendsCopiesWhereTheyGoOnTheDayOfPublication) {
  const auto create = [&](v1::CreateRecipientRequest request) {
    v1::Recipient created;
    ASSERT_THAT(stub_->CreateRecipient(AsOperator().get(), request, &created), IsOk());
  };
  v1::CreateRecipientRequest until =
      RecipientRequest("until-the-8th", v1::Copy::INSPECTORATE, absl::CivilDay(2021, 2, 1));
  *until.mutable_recipient()->mutable_valid_to() = base::ToProtoDate(absl::CivilDay(2021, 2, 8));
  create(until);
  create(RecipientRequest("from-the-10th", v1::Copy::INSPECTORATE, absl::CivilDay(2021, 2, 10)));
  create(RecipientRequest("home-office", v1::Copy::SECRETARY_OF_STATE, absl::CivilDay(2021, 2, 9)));
  v1::CreateRecipientRequest own =
      RecipientRequest("own-home-office", v1::Copy::SECRETARY_OF_STATE, absl::CivilDay(2020, 1, 1));
  own.mutable_recipient()->set_body("bodies/norfolk-pcc");
  create(own);
  v1::CreateRecipientRequest foreign = RecipientRequest("suffolk-library", v1::Copy::OTHER, absl::CivilDay(2020, 1, 1));
  foreign.mutable_recipient()->set_body("bodies/suffolk-pcc");
  create(foreign);
  create(RecipientRequest("victims-commissioner", v1::Copy::OTHER, absl::CivilDay(2020, 1, 1)));

  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  std::vector<std::string> addresses;
  for (const v1::Copy& copy : Copies()) {
    addresses.push_back(copy.address());
    EXPECT_EQ(copy.state(), v1::Copy::QUEUED);
  }
  EXPECT_THAT(addresses, ElementsAre("", "own-home-office@example.org", "", "", "victims-commissioner@example.org"));
}

TEST_F(FollowerTest, LeavesOtherEventsAloneAndWaitsForUnknownOnes) {
  EXPECT_THAT(Deliver(authoring::v1::ResponseOpened()), IsOk());
  EXPECT_THAT(Deliver(authoring::v1::ChiefOfficerInvited()), IsOk());
  EXPECT_THAT(Deliver(authoring::v1::ChiefOfficerCommented()), IsOk());
  EXPECT_THAT(Deliver(authoring::v1::ResponseSubmitted()), IsOk());
  EXPECT_THAT(Deliver(authoring::v1::ResponseReturned()), IsOk());
  EXPECT_EQ(Jobs().waiting, 0);
  EXPECT_THAT(Deliver(v1::ResponsePublished()), StatusIs(absl::StatusCode::kUnimplemented));
}

TEST_F(FollowerTest, RefusesAnApprovalOfNothing) {
  EXPECT_THAT(Deliver(authoring::v1::ResponseApproved()), StatusIs(absl::StatusCode::kInvalidArgument));
  common::v1::Event event;
  event.mutable_payload()->PackFrom(authoring::v1::ResponseApproved());
  event.mutable_payload()->set_value("\xff\xff");
  EXPECT_THAT(database_->Write([&](db::Transaction& tx) { return handlers_.Apply(tx, event); }),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(FollowerTest, LeavesNothingBehindWhenItsTransactionFails) {
  authoring::v1::ResponseApproved approved;
  *approved.mutable_response() = SampleResponse();
  common::v1::Event event;
  event.set_event_id("event-1");
  event.mutable_payload()->PackFrom(approved);
  EXPECT_FALSE(database_
                   ->Write([&](db::Transaction& tx) -> absl::Status {
                     RETURN_IF_ERROR(handlers_.Apply(tx, event));
                     return absl::DataLossError("after everything was written");
                   })
                   .ok());
  EXPECT_EQ(Jobs().waiting, 0);
  ASSERT_THAT(Approve(SampleResponse()), IsOk());
  EXPECT_THAT(Events(1), SizeIs(1));
}

}  // namespace
}  // namespace section55::publication
