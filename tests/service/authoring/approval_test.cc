// Submitting and approving: of the text that was read, by a second person, and only of what can be published.
#include "libs/base/limits.h"
#include "tests/service/authoring/fixture.h"

namespace section55::authoring {
namespace {

TEST_F(AuthoringTest, TheApprovedEventCarriesAllThatPublicationNeeds) {
  ASSERT_NO_FATAL_FAILURE(SubmitComplete());
  ASSERT_THAT(Approve(kApprover), IsOk());
  EventCounts();
  v1::ResponseApproved approved;
  ASSERT_TRUE(events_.back().payload().UnpackTo(&approved));
  EXPECT_EQ(events_.back().tenant(), "bodies/norfolk-pcc");
  EXPECT_EQ(events_.back().subject(), kNorfolk);
  EXPECT_EQ(events_.back().actor(), "people/pat");
  EXPECT_THAT(events_.back().cause(), Not(IsEmpty()));
  EXPECT_EQ(approved.response().comments(), "Our comments.");
  EXPECT_EQ(approved.response().chief_officer().contributions_size(), 1);
  EXPECT_EQ(approved.response().state(), v1::Response::APPROVED);
  EXPECT_EQ(approved.response().report().findings_size(), 2);
}

TEST_F(AuthoringTest, SubmittingAndApprovingDemandTheEtagOfWhatWasRead) {
  EXPECT_THAT(Submit(""), ViolationOn("etag"));
  const std::string stale = Get(kAuthor).etag();
  ASSERT_NO_FATAL_FAILURE(SubmitComplete());
  EXPECT_THAT(Approve(kApprover, ""), ViolationOn("etag"));
  EXPECT_THAT(Approve(kApprover, stale), HasReason("ETAG_MISMATCH"));
  EXPECT_THAT(renditions_.asked, IsEmpty());
  EXPECT_THAT(Approve(kApprover), IsOk());
}

TEST_F(AuthoringTest, WhatIsApprovedWasRenderedBefore) {
  ASSERT_NO_FATAL_FAILURE(SubmitComplete());
  renditions_.answer = base::Error(absl::StatusCode::kFailedPrecondition, "NOT_PUBLISHABLE", "too long");
  EXPECT_THAT(Approve(kApprover), HasReason("NOT_PUBLISHABLE"));
  renditions_.answer = base::Error(absl::StatusCode::kUnavailable, "PUBLICATION_UNAVAILABLE", "try again");
  EXPECT_THAT(Approve(kApprover),
              AllOf(StatusIs(absl::StatusCode::kUnavailable), HasReason("PUBLICATION_UNAVAILABLE")));
  EXPECT_EQ(Get(kApprover).state(), v1::Response::IN_REVIEW);
  EXPECT_EQ(EventCounts().count("ResponseApproved"), 0u);

  renditions_.answer = absl::OkStatus();
  const std::string etag = Get(kApprover).etag();
  v1::Response first, repeated;
  ASSERT_THAT(Approve(kApprover, etag, "approve-1", &first), IsOk());
  const v1::Response& asked = renditions_.asked.back();
  EXPECT_EQ(asked.comments(), "Our comments.");
  EXPECT_EQ(asked.report().findings_size(), 2);
  EXPECT_EQ(asked.state(), v1::Response::APPROVED);
  const size_t times = renditions_.asked.size();
  ASSERT_THAT(Approve(kApprover, etag, "approve-1", &repeated), IsOk());
  EXPECT_EQ(repeated.etag(), first.etag());
  EXPECT_EQ(renditions_.asked.size(), times) << "a repeat renders nothing";
}

TEST_F(AuthoringTest, WhatChangedWhileItWasRenderedIsNotApproved) {
  ASSERT_NO_FATAL_FAILURE(SubmitComplete());
  renditions_.meanwhile = [this] {
    v1::ReturnResponseRequest request;
    request.set_name(kNorfolk);
    request.set_reason("One more thing.");
    v1::Response response;
    EXPECT_THAT(stub_->ReturnResponse(As(kApprover).get(), request, &response), IsOk());
  };
  EXPECT_THAT(Approve(kApprover), HasReason("ETAG_MISMATCH"));
  EXPECT_EQ(Get(kApprover).state(), v1::Response::OPEN);
}

TEST_F(AuthoringTest, WhatCouldNotBePublishedComesBackWithTheReason) {
  ASSERT_NO_FATAL_FAILURE(SubmitComplete());
  ASSERT_THAT(Approve(kApprover), IsOk());
  publication::v1::ResponseRefused refused;
  refused.set_response(kNorfolk);
  refused.set_edition(1);
  refused.set_reason("The answer to recommendation 5 is too long to publish.");
  ASSERT_THAT(Arrives(refused), IsOk());
  ASSERT_THAT(Arrives(refused), IsOk());
  const v1::Response response = Get(kAuthor);
  EXPECT_EQ(response.state(), v1::Response::IN_REVIEW);
  EXPECT_EQ(response.refusal().reason(), refused.reason());
  EXPECT_EQ(response.refusal().actor(), "services/publication");
  EXPECT_FALSE(Get(kChief).has_refusal()) << "not for the force";
  EXPECT_EQ(EventCounts()["ResponseReturned"], 1);
  v1::ResponseReturned returned;
  ASSERT_TRUE(events_.back().payload().UnpackTo(&returned));
  EXPECT_EQ(returned.refusal().reason(), refused.reason());
  EXPECT_FALSE(returned.has_last_return());
  ASSERT_THAT(Approve(kApprover), IsOk());
  EXPECT_FALSE(Get(kAuthor).has_refusal());
}

TEST_F(AuthoringTest, WhatIsPublishedCarriesTheCommentThatAnAnswerAdopts) {
  ASSERT_THAT(Invite(absl::CivilDay(2021, 1, 14)), IsOk());
  ASSERT_THAT(Comment(kChief), IsOk());
  ASSERT_THAT(WriteAll(), IsOk());
  v1::UpdateResponseRequest update;
  update.mutable_response()->set_name(kNorfolk);
  v1::Answer& answer = *update.mutable_response()->add_answers();
  answer.set_finding("recommendation-5");
  answer.set_kind(v1::Answer::ACTION_TAKEN);
  answer.add_adopted_contributions("contribution-1");
  v1::Response saved;
  ASSERT_THAT(stub_->UpdateResponse(As(kAuthor).get(), update, &saved), IsOk());
  ASSERT_THAT(Submit(Get(kAuthor).etag()), IsOk());
  ASSERT_THAT(Approve(kApprover), IsOk());
  EventCounts();
  v1::ResponseApproved approved;
  ASSERT_TRUE(events_.back().payload().UnpackTo(&approved));
  const std::string& published = approved.response().answers(0).explanation();
  EXPECT_THAT(published, AllOf(HasSubstr("C\\. Officer, Chief Constable"), HasSubstr("> We agree.")));
  EXPECT_EQ(renditions_.asked.back().answers(0).explanation(), published) << "what was rendered is what is published";
  EXPECT_EQ(Get(kAuthor).answers(0).explanation(), "");
  EXPECT_EQ(Get(kAuthor).answers(0).adopted_contributions(0), "contribution-1");
}

TEST_F(AuthoringTest, AnOfficeOfOneApprovesWithAReasonThatIsSentToBePrinted) {
  const Person alone = {"una", {"author@bodies/norfolk-pcc", "approver@bodies/norfolk-pcc"}};
  ASSERT_NO_FATAL_FAILURE(SubmitComplete());
  ASSERT_THAT(Approve(kApprover), IsOk());
  publication::v1::ResponseRefused refused;
  refused.set_response(kNorfolk);
  refused.set_edition(1);
  ASSERT_THAT(Arrives(refused), IsOk());
  v1::ReturnResponseRequest back;
  back.set_name(kNorfolk);
  back.set_reason("Shorter.");
  back.add_marks()->set_part("answers/recommendation-5");
  back.mutable_marks(0)->set_text("Shorter.");
  v1::Response response;
  ASSERT_THAT(stub_->ReturnResponse(As(kApprover).get(), back, &response), IsOk());
  EXPECT_EQ(Get(kAuthor).marks(0).part(), "answers/recommendation-5");
  EXPECT_EQ(Get(kChief).marks_size(), 0) << "not for the force";
  ASSERT_THAT(SetComments(alone, "Short."), IsOk());
  ASSERT_THAT(Submit(Get(kAuthor).etag()), IsOk());
  v1::ApproveResponseRequest approve;
  approve.set_name(kNorfolk);
  approve.set_etag(Get(alone).etag());
  EXPECT_THAT(stub_->ApproveResponse(As(alone).get(), approve, &response), HasReason("SECOND_PERSON_NEEDED"));
  approve.set_bypass_reason("The office has one member of staff.");
  ASSERT_THAT(stub_->ApproveResponse(As(alone).get(), approve, &response), IsOk());
  EXPECT_EQ(response.bypass().actor(), "people/una");
  EventCounts();
  v1::ResponseApproved approved;
  ASSERT_TRUE(events_.back().payload().UnpackTo(&approved));
  EXPECT_EQ(approved.response().bypass().reason(), "The office has one member of staff.");
}

TEST_F(AuthoringTest, TextIsNormalisedForWhoeverAsks) {
  v1::NormaliseTextRequest request;
  v1::NormaliseTextResponse response;
  EXPECT_THAT(stub_->NormaliseText(As(kChief).get(), request, &response), ViolationOn("text"));
  request.set_text("• one");
  ASSERT_THAT(stub_->NormaliseText(As(kChief).get(), request, &response), IsOk());
  EXPECT_EQ(response.text(), "- one");
  EXPECT_EQ(response.changes_size(), 1);
  // Characters count, not bytes; and what nobody sees may be pasted.
  std::string longest;
  for (int i = 0; i < 99'999; ++i) {
    longest += "\u0175";
  }
  request.set_text(longest + "\x0c");
  EXPECT_THAT(stub_->NormaliseText(As(kChief).get(), request, &response), IsOk());
  request.set_text(std::string(100'001, 'x'));
  EXPECT_THAT(stub_->NormaliseText(As(kChief).get(), request, &response), ViolationOn("text"));
}

TEST_F(AuthoringTest, AnApproverWhoPutsACommaRightIsWarnedOf) {
  const Person both = {"una", {"author@bodies/norfolk-pcc", "approver@bodies/norfolk-pcc"}};
  const auto warnings = [&](const Person& person) {
    v1::CheckResponseRequest request;
    request.set_name(kNorfolk);
    v1::CheckResponseResponse checked;
    EXPECT_THAT(stub_->CheckResponse(As(person).get(), request, &checked), IsOk());
    std::vector<std::string> messages;
    for (const v1::Gap& warning : checked.warnings()) {
      messages.push_back(warning.message());
    }
    return messages;
  };
  ASSERT_THAT(SetComments(kAuthor, "Ours"), IsOk());
  EXPECT_THAT(warnings(both), IsEmpty());
  ASSERT_THAT(SetComments(both, "Ours,"), IsOk());
  EXPECT_THAT(warnings(both), ElementsAre(HasSubstr("You have written")));
  EXPECT_THAT(warnings(kAuthor), ElementsAre(HasSubstr("people/una")));
}

}  // namespace
}  // namespace section55::authoring
