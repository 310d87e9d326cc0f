// Another body, or force, in the place of one: May 2028.
#include <algorithm>

#include "tests/service/authoring/fixture.h"

namespace section55::authoring {
namespace {

using section55::testing::IsOk;
using section55::testing::StatusIs;
using ::testing::ElementsAre;

constexpr char kBoardResponse[] = "bodies/norfolk-board/responses/safe-to-share";
const Person kBoardAuthor = {"bea", {"author@bodies/norfolk-board"}};

class SuccessionsTest : public AuthoringTest {
 protected:
  // From 1 February 2021, as it happens.
  static registry::v1::BodySucceeded Succession(const char* successor = "bodies/norfolk-board") {
    registry::v1::BodySucceeded succeeded;
    succeeded.mutable_predecessor()->set_name("bodies/norfolk-pcc");
    auto& succession = *succeeded.mutable_predecessor()->mutable_succession();
    succession.set_successor(successor);
    *succession.mutable_date() = base::ToProtoDate(absl::CivilDay(2021, 2, 1));
    succession.set_reason("Commissioners are abolished");
    succeeded.mutable_successor()->set_name(successor);
    succeeded.mutable_successor()->set_display_name("The successor");
    succeeded.mutable_successor()->add_predecessors("bodies/norfolk-pcc");
    succeeded.mutable_force()->set_name("forces/norfolk");
    return succeeded;
  }

  void SetClock(absl::CivilSecond time) {
    server_.clock().Set(absl::FromCivil(time, absl::UTCTimeZone()));
    if (!started_) {
      jobs_.Start();
      log_.Start();
    }
    started_ = true;
  }
  void NewYear() { SetClock(absl::CivilSecond(2021, 2, 1, 0, 0, 0)); }

  // Until an event with this type and subject stands in the feed.
  template <typename Payload>
  Payload Await(const std::string& subject) {
    Payload payload;
    int64_t after = 0;
    while (log_.WaitBeyond(after, absl::Seconds(60))) {
      const auto page = log_.Read(after, 1000);
      EXPECT_THAT(page, IsOk());
      for (const auto& event : page->events) {
        after = event.position();
        if (event.subject() == subject && event.payload().UnpackTo(&payload)) {
          return payload;
        }
      }
    }
    ADD_FAILURE() << "no " << Payload::descriptor()->name() << " of " << subject;
    return payload;
  }

 private:
  bool started_ = false;
};

TEST_F(SuccessionsTest, OnTheDayWhatIsOpenGoesOnUnderTheSuccessor) {
  ASSERT_THAT(Invite(absl::CivilDay(2021, 2, 4)), IsOk());
  ASSERT_THAT(Comment(kChief), IsOk());
  ASSERT_THAT(WriteAll(), IsOk());
  ASSERT_THAT(Arrives(Succession()), IsOk());
  // A second before it is not so.
  SetClock(absl::CivilSecond(2021, 1, 31, 23, 59, 59));
  EXPECT_EQ(Get(kAuthor).state(), v1::Response::OPEN);
  v1::Response response;
  EXPECT_THAT(Get(kAuthor, kBoardResponse, &response), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Get(kBoardAuthor, kBoardResponse, &response), StatusIs(absl::StatusCode::kNotFound));

  NewYear();
  const auto closed = Await<v1::ResponseClosed>(kNorfolk);
  EXPECT_EQ(closed.closure().kind(), v1::Closure::BODY_SUCCEEDED);
  EXPECT_EQ(closed.closure().transferred_to(), kBoardResponse);
  Await<v1::ResponseOpened>(kBoardResponse);
  const v1::Response old = Get(kAuthor);
  EXPECT_EQ(old.state(), v1::Response::TRANSFERRED);
  EXPECT_EQ(old.comments(), "Our comments.") << "the old one can still be read";
  EXPECT_EQ(old.closure().reason(), "Commissioners are abolished");
  const v1::Response now = Get(kBoardAuthor, kBoardResponse);
  EXPECT_EQ(now.state(), v1::Response::OPEN);
  EXPECT_EQ(now.comments(), "Our comments.");
  EXPECT_EQ(now.answers_size(), 1);
  EXPECT_EQ(now.chief_officer().contributions_size(), 1);
  EXPECT_EQ(now.body().display_name(), "The successor");
  EXPECT_EQ(now.force().name(), "forces/norfolk");
  EXPECT_THAT(now.transferred_from(), ElementsAre(kNorfolk));
  EXPECT_EQ(now.report().title(), Get(kAuthor).report().title());
  EXPECT_EQ(now.report().findings_size(), 2);
}

TEST_F(SuccessionsTest, EverybodysGrantsFollow) {
  ASSERT_THAT(Arrives(Succession()), IsOk());
  NewYear();
  Await<v1::ResponseOpened>(kBoardResponse);
  EXPECT_EQ(Get(kAuthor, kBoardResponse).state(), v1::Response::OPEN) << "the commissioner's office is the board's";
  v1::UpdateResponseRequest update;
  update.mutable_response()->set_name(kBoardResponse);
  update.mutable_response()->set_comments("We go on.");
  v1::Response response;
  EXPECT_THAT(stub_->UpdateResponse(As(kAuthor).get(), update, &response), IsOk());
  EXPECT_THAT(Comment(kChief, kBoardResponse), IsOk()) << "the force is the same";
  EXPECT_THAT(Get(kSuffolkAuthor, kBoardResponse, &response), StatusIs(absl::StatusCode::kPermissionDenied));
  v1::ListResponsesRequest list;
  list.set_parent("bodies/-");
  v1::ListResponsesResponse page;
  ASSERT_THAT(stub_->ListResponses(As(kAuthor).get(), list, &page), IsOk());
  std::vector<std::string> names;
  for (const auto& one : page.responses()) {
    names.push_back(one.name());
  }
  EXPECT_THAT(names, ElementsAre(kBoardResponse, kNorfolk));
}

TEST_F(SuccessionsTest, WhatIsApprovedOrPublishedStaysItsAuthors) {
  SubmitComplete();
  ASSERT_THAT(Approve(kApprover), IsOk());
  ASSERT_THAT(Arrives(Succession()), IsOk());
  NewYear();
  publication::v1::ResponsePublished published;
  published.set_response(kNorfolk);
  published.mutable_publication()->set_edition(1);
  *published.mutable_publication()->mutable_published_time() = base::ToTimestamp(kMidJanuary);
  ASSERT_THAT(Arrives(published), IsOk());
  EXPECT_EQ(Get(kAuthor).state(), v1::Response::PUBLISHED);
  v1::Response response;
  EXPECT_THAT(Get(kBoardAuthor, kBoardResponse, &response), StatusIs(absl::StatusCode::kNotFound));

  // A correction does not ask the board for what the commissioner has answered.
  registry::v1::InspectionCorrected corrected;
  *corrected.mutable_inspection() = SafeToShare().inspection();
  corrected.mutable_inspection()->set_revision(2);
  auto* obligation = corrected.add_obligations();
  *obligation->mutable_body() = Succession().successor();
  ASSERT_THAT(Arrives(corrected), IsOk());
  EXPECT_THAT(Get(kBoardAuthor, kBoardResponse, &response), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(SuccessionsTest, WhatPublicationRefusesAfterTheDayGoesOnUnderTheSuccessor) {
  SubmitComplete();
  ASSERT_THAT(Approve(kApprover), IsOk());
  ASSERT_THAT(Arrives(Succession()), IsOk());
  NewYear();
  publication::v1::ResponseRefused refused;
  refused.set_response(kNorfolk);
  refused.set_edition(1);
  refused.set_reason("Too large");
  ASSERT_THAT(Arrives(refused), IsOk());
  Await<v1::ResponseOpened>(kBoardResponse);
  EXPECT_EQ(Get(kAuthor).state(), v1::Response::TRANSFERRED);
  EXPECT_EQ(Get(kBoardAuthor, kBoardResponse).state(), v1::Response::OPEN) << "another commissioner has to decide";
}

TEST_F(SuccessionsTest, NewsOfAReportThatComesLateGoesOnAtOnce) {
  ASSERT_THAT(Arrives(Succession()), IsOk());
  NewYear();
  Await<v1::ResponseOpened>(kBoardResponse);
  registry::v1::InspectionPublished late = SafeToShare();
  late.mutable_inspection()->set_name("inspections/late");
  ASSERT_THAT(Arrives(late), IsOk());
  Await<v1::ResponseOpened>("bodies/norfolk-board/responses/late");
  EXPECT_EQ(Get(kAuthor, "bodies/norfolk-pcc/responses/late").state(), v1::Response::TRANSFERRED);
}

TEST_F(SuccessionsTest, WhoeverAnswersAlreadyTakesOverWhatIsNotWritten) {
  ASSERT_THAT(Invite(absl::CivilDay(2021, 2, 4)), IsOk());
  ASSERT_THAT(Comment(kChief), IsOk());
  ASSERT_THAT(WriteAll(), IsOk());
  v1::UpdateResponseRequest update;
  update.mutable_response()->set_name(kSuffolk);
  update.mutable_response()->set_comments("Suffolk's own.");
  v1::Response response;
  ASSERT_THAT(stub_->UpdateResponse(As(kSuffolkAuthor).get(), update, &response), IsOk());
  ASSERT_THAT(Arrives(Succession("bodies/suffolk-pcc")), IsOk());
  NewYear();
  Await<v1::ResponseClosed>(kNorfolk);
  const v1::Response joined = Get(kSuffolkAuthor, kSuffolk);
  EXPECT_EQ(joined.comments(), "Suffolk's own.");
  EXPECT_EQ(joined.answers_size(), 1) << "Norfolk's answer, as Suffolk had none";
  ASSERT_EQ(joined.chief_officer().contributions_size(), 1);
  EXPECT_EQ(joined.chief_officer().contributions(0).id(), "norfolk-pcc-contribution-1");
  EXPECT_THAT(joined.transferred_from(), ElementsAre(kNorfolk));
  EXPECT_EQ(Get(kAuthor).comments(), "Our comments.") << "nothing is lost";
}

TEST_F(SuccessionsTest, ForcesThatMergeAreOneFromTheDay) {
  registry::v1::ForceSucceeded succeeded;
  succeeded.mutable_predecessor()->set_name("forces/norfolk");
  auto& succession = *succeeded.mutable_predecessor()->mutable_succession();
  succession.set_successor("forces/east");
  *succession.mutable_date() = base::ToProtoDate(absl::CivilDay(2021, 2, 1));
  succeeded.mutable_successor()->set_name("forces/east");
  succeeded.mutable_successor()->set_display_name("East Police");
  ASSERT_THAT(Invite(absl::CivilDay(2021, 2, 4)), IsOk());
  ASSERT_THAT(Arrives(succeeded), IsOk());
  EXPECT_EQ(Get(kAuthor).force().name(), "forces/norfolk");
  NewYear();
  // No event tells of it, as it is the same response: asked until it is done.
  for (bool waits = true; waits;) {
    const auto jobs = jobs_.List("", false, {}, 100);
    ASSERT_THAT(jobs, IsOk());
    waits = std::any_of(jobs->begin(), jobs->end(), [](const auto& job) { return job.kind() == "succeed-force"; });
  }
  EXPECT_EQ(Get(kAuthor).force().display_name(), "East Police");
  EXPECT_THAT(Comment({"eve", {"chief-officer@forces/east"}}), IsOk());
  EXPECT_THAT(Comment(kChief), IsOk()) << "who was granted on Norfolk's force may act for the new one";
}

TEST_F(SuccessionsTest, NamesThatWerePutRightAreRightInWhatIsOpen) {
  registry::v1::BodyChanged changed;
  changed.mutable_body()->set_name("bodies/norfolk-pcc");
  changed.mutable_body()->set_display_name("Police and Crime Commissioner for Norfolk");
  changed.mutable_body()->set_force("forces/norfolk");
  changed.mutable_force()->set_name("forces/norfolk");
  changed.mutable_force()->set_display_name("Norfolk Constabulary");
  ASSERT_THAT(Arrives(changed), IsOk());
  EXPECT_EQ(Get(kAuthor).body().display_name(), "Police and Crime Commissioner for Norfolk");
  EXPECT_EQ(Get(kAuthor).force().display_name(), "Norfolk Constabulary");
  registry::v1::ForceChanged force;
  *force.mutable_force() = changed.force();
  force.mutable_force()->set_chief_officer_title("Chief Constable");
  ASSERT_THAT(Arrives(force), IsOk());
  EXPECT_EQ(Get(kAuthor).force().chief_officer_title(), "Chief Constable");
  EXPECT_EQ(Get(kSuffolkAuthor, kSuffolk).force().chief_officer_title(), "");
}

}  // namespace
}  // namespace section55::authoring
