// response-authoring in process: who sees and changes what, and what its followers are told.
#include "services/response-authoring/service.h"

#include "libs/base/limits.h"
#include "tests/service/authoring/fixture.h"

namespace section55::authoring {
namespace {

TEST_F(AuthoringTest, APublishedReportOpensOneResponseForEveryBodyHoweverOftenItArrives) {
  EXPECT_THAT(Arrives(SafeToShare()), IsOk());
  v1::ListResponsesRequest request;
  request.set_parent("bodies/-");
  v1::ListResponsesResponse list;
  ASSERT_THAT(stub_->ListResponses(As(kAuditor).get(), request, &list), IsOk());
  ASSERT_EQ(list.responses_size(), 2);
  EXPECT_EQ(list.responses(0).name(), kNorfolk);
  EXPECT_EQ(list.responses(1).name(), kSuffolk);
  EXPECT_EQ(list.responses(0).report().findings_size(), 2);
  EXPECT_THAT(list.responses(0).findings_to_answer(),
              ElementsAre("inspections/safe-to-share/findings/recommendation-5"));
  EXPECT_EQ(EventCounts()["ResponseOpened"], 2);
}

TEST_F(AuthoringTest, AForeignTenantAndAnUnknownResourceLookTheSame) {
  v1::Response response;
  const grpc::Status foreign = Get(kSuffolkAuthor, kNorfolk, &response);
  const grpc::Status unknown = Get(kSuffolkAuthor, "bodies/norfolk-pcc/responses/unknown", &response);
  const grpc::Status nobody = Get(kSuffolkAuthor, "bodies/nobody/responses/unknown", &response);
  EXPECT_THAT(foreign, StatusIs(absl::StatusCode::kPermissionDenied));
  for (const auto& other : {unknown, nobody}) {
    EXPECT_EQ(other.error_code(), foreign.error_code());
    EXPECT_EQ(other.error_message(), foreign.error_message());
    EXPECT_EQ(other.error_details(), foreign.error_details());
  }
  EXPECT_THAT(Get(kAuthor, "bodies/norfolk-pcc/responses/unknown", &response), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(AuthoringTest, OnlyTheBodysPeopleAndTheAuditorReadTheDraft) {
  ASSERT_THAT(SetComments(kAuthor, "Draft."), IsOk());
  EXPECT_EQ(Get(kApprover).comments(), "Draft.");
  EXPECT_EQ(Get(kAuditor).comments(), "Draft.");
  EXPECT_EQ(Get(kChief).comments(), "") << "the force sees what it was asked, not the draft";
  EXPECT_EQ(Get(kChief).report().findings_size(), 2);
  v1::Response response;
  EXPECT_THAT(Get(kOperator, kNorfolk, &response), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Get({"x", {"chief-officer@forces/suffolk"}}, kNorfolk, &response),
              StatusIs(absl::StatusCode::kPermissionDenied));
  v1::GetResponseRequest request;
  request.set_name(kNorfolk);
  EXPECT_THAT(stub_->GetResponse(server_.AsNobody().get(), request, &response),
              StatusIs(absl::StatusCode::kUnauthenticated));
}

// A body's author who also works for another body's force: each response is seen as the role on it allows.
TEST_F(AuthoringTest, MixedRolesNeverShowAnotherBodysDraft) {
  const Person mixed = {"mia", {"author@bodies/norfolk-pcc", "contributor@forces/suffolk"}};
  ASSERT_THAT(SetComments(kAuthor, "Norfolk's draft."), IsOk());
  v1::UpdateResponseRequest update;
  update.mutable_response()->set_name(kSuffolk);
  update.mutable_response()->set_comments("Suffolk's draft.");
  update.mutable_response()->mutable_signatory()->set_name("S. Commissioner");
  v1::Response ignored;
  ASSERT_THAT(stub_->UpdateResponse(As(kSuffolkAuthor).get(), update, &ignored), IsOk());

  EXPECT_EQ(Get(mixed, kNorfolk).comments(), "Norfolk's draft.");
  for (const auto view : {v1::RESPONSE_VIEW_FULL, v1::RESPONSE_VIEW_BASIC}) {
    v1::Response suffolk;
    ASSERT_THAT(Get(mixed, kSuffolk, &suffolk, view), IsOk());
    EXPECT_EQ(suffolk.SerializeAsString().find("Suffolk's draft."), std::string::npos);
    EXPECT_EQ(suffolk.SerializeAsString().find("S. Commissioner"), std::string::npos);
    EXPECT_EQ(suffolk.writers_size(), 0);
    EXPECT_THAT(suffolk.etag(), Not(IsEmpty()));
    EXPECT_EQ(suffolk.state(), v1::Response::OPEN);
    for (const char* filter : {"", "state = OPEN", "inspection = \"inspections/safe-to-share\""}) {
      v1::ListResponsesRequest request;
      request.set_parent("bodies/-");
      request.set_view(view);
      request.set_filter(filter);
      v1::ListResponsesResponse list;
      ASSERT_THAT(stub_->ListResponses(As(mixed).get(), request, &list), IsOk());
      ASSERT_EQ(list.responses_size(), 2);
      EXPECT_EQ(list.responses(0).name(), kNorfolk);
      EXPECT_EQ(list.responses(0).writers_size(), 1);
      EXPECT_THAT(list.responses(1), section55::testing::EqualsProto(suffolk));
    }
  }
  // What the role on Norfolk allows is not allowed on Suffolk's.
  update.mutable_response()->set_comments("Not mine.");
  EXPECT_THAT(stub_->UpdateResponse(As(mixed).get(), update, &ignored), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(AuthoringTest, AViewWithoutTextsKeepsWhatListsNeed) {
  ASSERT_THAT(WriteAll(), IsOk());
  v1::Response basic;
  ASSERT_THAT(Get(kAuthor, kNorfolk, &basic, v1::RESPONSE_VIEW_BASIC), IsOk());
  EXPECT_EQ(basic.comments(), "");
  EXPECT_EQ(basic.report().findings_size(), 0);
  EXPECT_EQ(basic.report().basis(), registry::v1::Inspection::STATUTE_S55);
  EXPECT_EQ(basic.report().etag() + basic.body().etag() + basic.force().etag(), "") << "one etag, the response's";
  ASSERT_EQ(basic.answers_size(), 1);
  EXPECT_EQ(basic.answers(0).explanation(), "");
  EXPECT_EQ(basic.answers(0).kind(), v1::Answer::ACTION_TAKEN);
  EXPECT_EQ(basic.etag(), Get(kAuthor).etag());
  EXPECT_THAT(Get(kAuthor, kNorfolk, &basic, static_cast<v1::ResponseView>(9)), ViolationOn("view"));
}

TEST_F(AuthoringTest, OfTwoPeopleSavingAtOnceTheSecondGetsAConflictAndNothingIsLost) {
  const std::string etag = Get(kAuthor).etag();
  ASSERT_THAT(SetComments(kAuthor, "First.", etag), IsOk());
  EXPECT_THAT(SetComments(kApprover, "Second.", etag), HasReason("ETAG_MISMATCH"));
  EXPECT_EQ(Get(kAuthor).comments(), "First.");
  EXPECT_NE(Get(kAuthor).etag(), etag);
}

TEST_F(AuthoringTest, ARepeatedRequestGetsTheFirstAnswerAndChangesNothing) {
  v1::Response first;
  ASSERT_THAT(SetComments(kAuthor, "Once.", "", "request-1", &first), IsOk());
  ASSERT_THAT(SetComments(kAuthor, "Meanwhile."), IsOk());
  v1::Response repeated;
  ASSERT_THAT(SetComments(kAuthor, "Once.", "", "request-1", &repeated), IsOk());
  EXPECT_EQ(repeated.etag(), first.etag());
  EXPECT_EQ(Get(kAuthor).comments(), "Meanwhile.");
  EXPECT_THAT(SetComments(kAuthor, "Something else.", "", "request-1"), ViolationOn("request_id"));
}

TEST_F(AuthoringTest, FromInvitationToPublicationWithOneEventForEachStep) {
  v1::CheckResponseRequest check;
  check.set_name(kNorfolk);
  v1::CheckResponseResponse gaps;
  ASSERT_THAT(stub_->CheckResponse(As(kAuthor).get(), check, &gaps), IsOk());
  EXPECT_FALSE(gaps.can_submit());
  ASSERT_NO_FATAL_FAILURE(SubmitComplete());
  EXPECT_THAT(Approve(kAuthor), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Approve({"ann", {"approver@bodies/norfolk-pcc"}}), HasReason("SECOND_PERSON_NEEDED"));
  ASSERT_THAT(Approve(kApprover), IsOk());
  EXPECT_EQ(Get(kAuthor).state(), v1::Response::APPROVED);

  publication::v1::ResponsePublished published;
  published.set_response(kNorfolk);
  published.mutable_publication()->set_edition(1);
  published.mutable_publication()->mutable_published_time()->set_seconds(1612900000);
  ASSERT_THAT(Arrives(published), IsOk());
  ASSERT_THAT(Arrives(published), IsOk());
  const v1::Response response = Get(kAuthor);
  EXPECT_EQ(response.state(), v1::Response::PUBLISHED);
  EXPECT_EQ(response.publish_time().seconds(), 1612900000);
  EXPECT_EQ(Get(kChief).comments(), "Our comments.") << "what is public is public to the force as well";

  const std::map<std::string, int> expected = {{"ResponseOpened", 2},
                                               {"ChiefOfficerInvited", 1},
                                               {"ChiefOfficerCommented", 1},
                                               {"ResponseSubmitted", 1},
                                               {"ResponseApproved", 1}};
  EXPECT_EQ(EventCounts(), expected);
}

TEST_F(AuthoringTest, ARefusedChangeLeavesNoEvent) {
  EXPECT_THAT(Submit(Get(kAuthor).etag()), HasReason("INCOMPLETE"));
  EXPECT_THAT(SetComments(kAuthor, std::string(50'001, 'x')), ViolationOn("response.comments"));
  EXPECT_EQ(EventCounts().size(), 1u) << "only ResponseOpened";
}

TEST_F(AuthoringTest, OpeningTellsFollowersTheFactsAndNotTheFindings) {
  EventCounts();
  v1::ResponseOpened opened;
  ASSERT_TRUE(events_.front().payload().UnpackTo(&opened));
  EXPECT_EQ(opened.response().name(), kNorfolk);
  EXPECT_EQ(opened.response().report().basis(), registry::v1::Inspection::STATUTE_S55);
  EXPECT_EQ(opened.response().report().findings_size(), 0);
  EXPECT_THAT(opened.response().findings_to_answer(),
              ElementsAre("inspections/safe-to-share/findings/recommendation-5"));
}

TEST_F(AuthoringTest, EventsThatNobodyHereKnowsAreNotPassedOver) {
  EXPECT_THAT(Arrives(v1::ResponseSubmitted()), HasReason("UNKNOWN_EVENT"));
}

TEST_F(AuthoringTest, APublicationOfAnUnknownResponseIsAnErrorToBeParked) {
  publication::v1::ResponsePublished published;
  published.set_response("bodies/norfolk-pcc/responses/unknown");
  EXPECT_THAT(Arrives(published), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace section55::authoring
