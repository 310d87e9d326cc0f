// The rules of a response, with Safe to share? (17 December 2020; recommendations 1 and 4 to chief constables, 5 jointly, 6 to local
// policing bodies, 2 and 3 to others) as the law's own example.
#include "services/response-authoring/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "libs/testing/matchers.h"
#include "services/response-authoring/states.h"

namespace section55::authoring::rules {
namespace {

using ::section55::testing::HasReason;
using ::section55::testing::IsOk;
using ::section55::testing::StatusIs;
using ::section55::testing::ViolationOn;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kName[] = "bodies/norfolk-pcc/responses/safe-to-share";
const absl::CivilDay kToday(2021, 1, 11);

Doer By(std::string actor, absl::CivilDay today = kToday) {
  return {"people/" + actor, absl::FromCivil(today, absl::UTCTimeZone()) + absl::Hours(10), today};
}

registry::v1::Inspection SafeToShare() {
  registry::v1::Inspection inspection;
  inspection.set_name("inspections/safe-to-share");
  inspection.set_title("Safe to share?");
  inspection.set_basis(registry::v1::Inspection::STATUTE_S55);
  *inspection.mutable_publication_date() = base::ToProtoDate(absl::CivilDay(2020, 12, 17));
  for (int number = 1; number <= 6; ++number) {
    auto* finding = inspection.add_findings();
    finding->set_id("recommendation-" + std::to_string(number));
    finding->set_number(std::to_string(number));
    finding->set_kind(registry::v1::Finding::RECOMMENDATION);
    finding->set_text("Do this.");
  }
  return inspection;
}

v1::Response NewResponse(registry::v1::Inspection::Basis basis = registry::v1::Inspection::STATUTE_S55) {
  registry::v1::Inspection inspection = SafeToShare();
  inspection.set_basis(basis);
  registry::v1::Obligation obligation;
  obligation.mutable_body()->set_name("bodies/norfolk-pcc");
  obligation.mutable_force()->set_name("forces/norfolk");
  for (const int number : {1, 4, 5, 6}) {
    obligation.add_findings_to_answer("inspections/safe-to-share/findings/recommendation-" + std::to_string(number));
  }
  return Open(inspection, obligation, absl::FromUnixSeconds(1608195600));
}

v1::UpdateResponseRequest UpdateOf(const v1::Response& values, std::vector<std::string> paths) {
  v1::UpdateResponseRequest request;
  *request.mutable_response() = values;
  request.mutable_response()->set_name(kName);
  for (auto& path : paths) {
    request.mutable_update_mask()->add_paths(std::move(path));
  }
  return request;
}

v1::Answer AnswerTo(std::string finding, std::string explanation, v1::Answer::Kind kind = v1::Answer::ACTION_TAKEN) {
  v1::Answer answer;
  answer.set_finding(std::move(finding));
  answer.set_kind(kind);
  answer.set_explanation(std::move(explanation));
  return answer;
}

v1::InviteChiefOfficerRequest InvitationFor(absl::CivilDay day) {
  v1::InviteChiefOfficerRequest request;
  *request.mutable_comments_due_date() = base::ToProtoDate(day);
  return request;
}

v1::SubmitChiefOfficerCommentsRequest Comments(std::string author, std::string text, std::string finding = "") {
  v1::SubmitChiefOfficerCommentsRequest request;
  auto* contribution = request.add_contributions();
  contribution->set_author(std::move(author));
  contribution->set_rank("Assistant Chief Constable");
  contribution->set_text(std::move(text));
  contribution->set_finding(std::move(finding));
  return request;
}

// A response that lacks nothing.
v1::Response Complete() {
  v1::Response response = NewResponse();
  EXPECT_THAT(Invite(InvitationFor(absl::CivilDay(2021, 1, 14)), By("author"), response), IsOk());
  EXPECT_THAT(AddContributions(Comments("A. Officer", "We agree."), By("chief"), response), IsOk());
  v1::Response values;
  values.set_comments("We welcome the report.");
  for (const char* number : {"1", "4", "5", "6"}) {
    *values.add_answers() = AnswerTo(std::string("recommendation-") + number, "Done.");
  }
  EXPECT_THAT(Update(UpdateOf(values, {"comments", "answers"}), By("author"), response), IsOk());
  return response;
}

std::vector<std::string> Blocking(const v1::Response& response, absl::CivilDay today = kToday) {
  std::vector<std::string> found;
  for (const auto& gap : FindGaps(response, today)) {
    if (gap.blocks_submission()) {
      const std::string finding = gap.finding().substr(gap.finding().rfind('/') + 1);
      found.push_back(gap.provision() + (finding.empty() ? "" : " " + finding));
    }
  }
  return found;
}

TEST(Open, TellsTheRecommendationsToAnswerFromThoseAddressedToOthers) {
  const v1::Response response = NewResponse();
  EXPECT_EQ(response.name(), kName);
  EXPECT_EQ(response.state(), v1::Response::OPEN);
  EXPECT_EQ(response.edition(), 1);
  std::vector<std::string> required;
  for (const auto& finding : response.findings()) {
    if (finding.answer_required()) {
      required.push_back(finding.finding().number());
    }
  }
  EXPECT_EQ(response.findings_size(), 6);
  EXPECT_THAT(required, ElementsAre("1", "4", "5", "6"));
  EXPECT_EQ(response.report().findings_size(), 0) << "the findings stand once";
}

TEST(FindGaps, NamesTheProvisionOfEveryMissingPart) {
  EXPECT_THAT(Blocking(NewResponse()),
              ElementsAre("section 55(4)", "section 55(5)(a)", "section 55(5B) recommendation-1",
                          "section 55(5B) recommendation-4", "section 55(5B) recommendation-5",
                          "section 55(5B) recommendation-6"));
  for (const auto& gap : FindGaps(NewResponse(), kToday)) {
    EXPECT_EQ(gap.statutory(), gap.blocks_submission()) << gap.message();
  }
}

TEST(FindGaps, ACompleteResponseHasOnlyGoodPracticeLeft) {
  EXPECT_THAT(Blocking(Complete()), IsEmpty());
  EXPECT_THAT(FindGaps(Complete(), kToday), Not(IsEmpty())) << "no signatory, no key findings";
}

TEST(FindGaps, AKindWithoutAnExplanationIsNotAnAnswer) {
  v1::Response response = Complete();
  v1::Response values;
  *values.add_answers() = AnswerTo("recommendation-4", " \n ", v1::Answer::NO_ACTION);
  *values.add_answers() = AnswerTo("recommendation-5", "", v1::Answer::ACTION_PROPOSED);
  ASSERT_THAT(Update(UpdateOf(values, {"answers"}), By("author"), response), IsOk());
  EXPECT_THAT(Blocking(response),
              ElementsAre("section 55(5B)(b) recommendation-4", "section 55(5B)(a) recommendation-5"));
}

TEST(FindGaps, SilenceOfTheChiefOfficerIsLawfulOnceTheirDayHasPassed) {
  v1::Response response = Complete();
  response.mutable_chief_officer()->clear_contributions();
  EXPECT_THAT(Blocking(response, absl::CivilDay(2021, 1, 14)), ElementsAre("section 55(4)"));
  EXPECT_THAT(Blocking(response, absl::CivilDay(2021, 1, 15)), IsEmpty());
  ASSERT_THAT(RecordNoComments(By("author"), response), IsOk());
  EXPECT_THAT(Blocking(response, absl::CivilDay(2021, 1, 14)), IsEmpty());
}

TEST(FindGaps, AVoluntaryResponseOnlyNeedsComments) {
  EXPECT_THAT(Blocking(NewResponse(registry::v1::Inspection::VOLUNTARY)), ElementsAre("section 55(5)(a)"));
  for (const auto& gap : FindGaps(NewResponse(registry::v1::Inspection::VOLUNTARY), kToday)) {
    EXPECT_FALSE(gap.statutory()) << gap.message();
  }
}

TEST(Invite, NeedsADayThatIsNotPast) {
  v1::Response response = NewResponse();
  const v1::Response before = response;
  EXPECT_THAT(Invite({}, By("author"), response), ViolationOn("comments_due_date"));
  EXPECT_THAT(Invite(InvitationFor(kToday - 1), By("author"), response), ViolationOn("comments_due_date"));
  v1::InviteChiefOfficerRequest impossible = InvitationFor(kToday);
  impossible.mutable_comments_due_date()->set_month(2);
  impossible.mutable_comments_due_date()->set_day(29);
  EXPECT_THAT(Invite(impossible, By("author"), response), ViolationOn("comments_due_date"));
  EXPECT_EQ(response.SerializeAsString(), before.SerializeAsString());
  EXPECT_THAT(Invite(InvitationFor(kToday), By("author"), response), IsOk());
}

TEST(Invite, ASecondInvitationMovesTheDayAndKeepsTheFirstInstant) {
  v1::Response response = NewResponse();
  ASSERT_THAT(Invite(InvitationFor(kToday + 3), By("author"), response), IsOk());
  const auto first = response.chief_officer().invited_time();
  ASSERT_THAT(Invite(InvitationFor(kToday + 9), By("author", kToday + 1), response), IsOk());
  EXPECT_EQ(response.chief_officer().invited_time().seconds(), first.seconds());
  EXPECT_EQ(base::ToCivilDay(response.chief_officer().comments_due_date()), kToday + 9);
}

TEST(AddContributions, AddsOfficersAndReplacesTheSameOfficersEarlierWords) {
  v1::Response response = NewResponse();
  ASSERT_THAT(AddContributions(Comments("A. Officer", "First."), By("chief"), response), IsOk());
  ASSERT_THAT(AddContributions(Comments("B. Officer", "Other."), By("chief"), response), IsOk());
  ASSERT_THAT(AddContributions(Comments("A. Officer", "On five.", "recommendation-5"), By("chief"), response), IsOk());
  ASSERT_THAT(AddContributions(Comments("A. Officer", "Corrected."), By("chief"), response), IsOk());
  std::vector<std::string> texts;
  for (const auto& contribution : response.chief_officer().contributions()) {
    texts.push_back(contribution.text());
  }
  EXPECT_THAT(texts, ElementsAre("Corrected.", "Other.", "On five."));
  EXPECT_EQ(response.chief_officer().contributions(2).finding(), "inspections/safe-to-share/findings/recommendation-5");
}

TEST(AddContributions, NamesEverythingThatIsWrongAndChangesNothing) {
  v1::Response response = NewResponse();
  const std::string before = response.SerializeAsString();
  v1::SubmitChiefOfficerCommentsRequest request = Comments("", "", "recommendation-99");
  *request.add_contributions() = Comments("A. Officer", "\x07").contributions(0);
  EXPECT_THAT(AddContributions(request, By("chief"), response),
              AllOf(ViolationOn("contributions[0].author"), ViolationOn("contributions[0].text"),
                    ViolationOn("contributions[0].finding"), ViolationOn("contributions[1].text")));
  EXPECT_THAT(AddContributions({}, By("chief"), response), ViolationOn("contributions"));
  EXPECT_EQ(response.SerializeAsString(), before);
}

TEST(RecordNoComments, IsRefusedWithoutInvitationOrAfterComments) {
  v1::Response response = NewResponse();
  EXPECT_THAT(RecordNoComments(By("author"), response), HasReason("NOT_INVITED"));
  ASSERT_THAT(Invite(InvitationFor(kToday), By("author"), response), IsOk());
  ASSERT_THAT(RecordNoComments(By("author"), response), IsOk());
  ASSERT_THAT(AddContributions(Comments("A. Officer", "After all."), By("chief"), response), IsOk());
  EXPECT_FALSE(response.chief_officer().has_no_comments_time()) << "late comments take the silence back";
  EXPECT_THAT(RecordNoComments(By("author"), response), HasReason("HAS_COMMENTS"));
}

TEST(Update, AnswersAreMergedFindingByFindingInTheOrderOfTheReport) {
  v1::Response response = NewResponse();
  v1::Response six;
  *six.add_answers() = AnswerTo("recommendation-6", "Six.");
  v1::Response one;
  *one.add_answers() = AnswerTo("inspections/safe-to-share/findings/recommendation-1", "One.");
  ASSERT_THAT(Update(UpdateOf(six, {"answers"}), By("author"), response), IsOk());
  ASSERT_THAT(Update(UpdateOf(one, {"answers"}), By("other"), response), IsOk());
  ASSERT_EQ(response.answers_size(), 2);
  EXPECT_EQ(response.answers(0).explanation(), "One.");
  EXPECT_EQ(response.answers(1).explanation(), "Six.");
  EXPECT_THAT(response.writers(), ElementsAre("people/author", "people/other"));

  v1::Response removal;
  removal.add_answers()->set_finding("recommendation-1");
  ASSERT_THAT(Update(UpdateOf(removal, {"answers"}), By("author"), response), IsOk());
  ASSERT_EQ(response.answers_size(), 1);
  EXPECT_EQ(response.answers(0).explanation(), "Six.");
}

TEST(Update, SetsOnlyWhatTheMaskNames) {
  v1::Response response = NewResponse();
  v1::Response values;
  values.set_comments("Comments.");
  values.set_monitoring("Monitoring.");
  values.mutable_signatory()->set_name("A. Commissioner");
  values.mutable_signatory()->set_title("Commissioner");
  ASSERT_THAT(Update(UpdateOf(values, {"comments", "signatory.name"}), By("author"), response), IsOk());
  EXPECT_EQ(response.comments(), "Comments.");
  EXPECT_EQ(response.monitoring(), "");
  EXPECT_EQ(response.signatory().name(), "A. Commissioner");
  EXPECT_EQ(response.signatory().title(), "");
  ASSERT_THAT(Update(UpdateOf({}, {"comments"}), By("author"), response), IsOk());
  EXPECT_EQ(response.comments(), "") << "a masked field that is empty is cleared";
}

TEST(Update, WithoutAMaskSetsWhatItBrings) {
  v1::Response response = NewResponse();
  v1::UpdateResponseRequest request;
  request.mutable_response()->set_comments("Comments.");
  ASSERT_THAT(Update(request, By("author"), response), IsOk());
  EXPECT_EQ(response.comments(), "Comments.");
  EXPECT_THAT(Update({}, By("author"), response), ViolationOn("update_mask"));
}

TEST(Update, NamesEverythingThatIsWrongAndChangesNothing) {
  v1::Response response = NewResponse();
  const std::string before = response.SerializeAsString();
  v1::Response values;
  values.set_comments(std::string(50'001, 'x'));
  *values.add_answers() = AnswerTo("recommendation-7", "There is no seventh.");
  *values.add_answers() = AnswerTo("recommendation-1", "Once.");
  *values.add_answers() = AnswerTo("recommendation-1", "Twice.");
  values.mutable_answers(1)->mutable_target_date()->set_year(2021);
  EXPECT_THAT(Update(UpdateOf(values, {"comments", "answers", "state", "chief_officer"}), By("author"), response),
              AllOf(ViolationOn("response.comments"), ViolationOn("response.answers[0].finding"),
                    ViolationOn("response.answers[2].finding"), ViolationOn("response.answers[1].target_date"),
                    ViolationOn("update_mask")));
  EXPECT_EQ(response.SerializeAsString(), before);
}

TEST(Update, CountsCharactersNotBytes) {
  v1::Response response = NewResponse();
  std::string welsh;
  for (int i = 0; i < 50'000; ++i) {
    welsh += "ŵ";
  }
  v1::Response values;
  values.set_comments(welsh);
  EXPECT_THAT(Update(UpdateOf(values, {"comments"}), By("author"), response), IsOk());
}

TEST(Update, AResponseThatGrowsTooLargeIsRefused) {
  v1::Response response = NewResponse();
  for (int i = 0; i < 50; ++i) {
    auto* contribution = response.mutable_chief_officer()->add_contributions();
    contribution->set_text(std::string(50'000, 'x'));
  }
  v1::Response values;
  values.set_comments("More.");
  EXPECT_THAT(Update(UpdateOf(values, {"comments"}), By("author"), response), ViolationOn("response"));
}

TEST(Submit, IsRefusedWhileAnythingBlocksAndSaysWhat) {
  v1::Response response = NewResponse();
  const absl::Status refused = Submit(By("author"), response);
  EXPECT_THAT(refused, AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("INCOMPLETE")));
  EXPECT_THAT(std::string(refused.message()), AllOf(HasSubstr("55(4)"), HasSubstr("recommendation 6")));
  EXPECT_EQ(response.state(), v1::Response::OPEN);
}

TEST(Submit, ALateResponseIsNeverRefusedForBeingLate) {
  v1::Response response = Complete();
  EXPECT_THAT(Submit(By("author", absl::CivilDay(2022, 6, 1)), response), IsOk());
  EXPECT_EQ(response.state(), v1::Response::IN_REVIEW);
}

TEST(Review, ReturnGivesAReasonAndTheResponseCanBeChangedAgain) {
  v1::Response response = Complete();
  ASSERT_THAT(Submit(By("author"), response), IsOk());
  v1::Response values;
  values.set_comments("Changed under review.");
  EXPECT_THAT(Update(UpdateOf(values, {"comments"}), By("author"), response), HasReason("WRONG_STATE"));
  v1::ReturnResponseRequest request;
  EXPECT_THAT(Return(request, By("approver"), response), ViolationOn("reason"));
  request.set_reason("Say more on recommendation 5.");
  ASSERT_THAT(Return(request, By("approver"), response), IsOk());
  EXPECT_EQ(response.last_return().reason(), "Say more on recommendation 5.");
  EXPECT_THAT(Update(UpdateOf(values, {"comments"}), By("author"), response), IsOk());
}

TEST(Review, WhoWroteOrSubmittedCannotApprove) {
  v1::Response response = Complete();
  ASSERT_THAT(Submit(By("secretary"), response), IsOk());
  EXPECT_THAT(Approve(By("author"), response), HasReason("SECOND_PERSON_NEEDED"));
  EXPECT_THAT(Approve(By("secretary"), response), HasReason("SECOND_PERSON_NEEDED"));
  EXPECT_EQ(response.state(), v1::Response::IN_REVIEW);
  EXPECT_THAT(Approve(By("commissioner"), response), IsOk());
  EXPECT_EQ(response.state(), v1::Response::APPROVED);
  EXPECT_THAT(Approve(By("commissioner"), response), HasReason("WRONG_STATE"));
}

TEST(MarkPublished, HappensOnceForTheEditionApproved) {
  v1::Response response = Complete();
  ASSERT_THAT(Submit(By("secretary"), response), IsOk());
  ASSERT_THAT(Approve(By("commissioner"), response), IsOk());
  ASSERT_THAT(MarkPublished(1, absl::FromUnixSeconds(1000), response), IsOk());
  ASSERT_THAT(MarkPublished(1, absl::FromUnixSeconds(2000), response), IsOk());
  EXPECT_EQ(response.state(), v1::Response::PUBLISHED);
  EXPECT_EQ(response.publish_time().seconds(), 1000);
}

TEST(HideDraft, AForceSeesWhatItWasAskedAndSaidButNotTheDraft) {
  v1::Response response = Complete();
  HideDraft(response);
  EXPECT_EQ(response.comments(), "");
  EXPECT_EQ(response.answers_size(), 0);
  EXPECT_EQ(response.findings_size(), 6);
  EXPECT_EQ(response.chief_officer().contributions_size(), 1);
  EXPECT_TRUE(response.chief_officer().has_comments_due_date());
}

TEST(States, AreLinkedByTheseWaysAndNoOthers) {
  std::vector<std::string> ways;
  for (int from = v1::Response::OPEN; from <= v1::Response::PUBLISHED; ++from) {
    for (int to = v1::Response::OPEN; to <= v1::Response::PUBLISHED; ++to) {
      if (CanMove(static_cast<v1::Response::State>(from), static_cast<v1::Response::State>(to))) {
        ways.push_back(v1::Response::State_Name(from) + " -> " + v1::Response::State_Name(to));
      }
    }
  }
  EXPECT_THAT(ways,
              ElementsAre("OPEN -> IN_REVIEW", "IN_REVIEW -> OPEN", "IN_REVIEW -> APPROVED", "APPROVED -> PUBLISHED"));
}

TEST(ParseResponseName, RefusesWhatIsNotAResponse) {
  EXPECT_THAT(ParseResponseName(kName).status(), IsOk());
  for (const char* name : {"", "bodies/norfolk-pcc", "bodies/Norfolk/responses/x", "bodies/-/responses/x",
                           "bodies/a/responses/b/c", "bodies//responses/x", "bodies/a/responses/x "}) {
    EXPECT_THAT(ParseResponseName(name).status(), ViolationOn("name")) << name;
  }
}

}  // namespace
}  // namespace section55::authoring::rules
