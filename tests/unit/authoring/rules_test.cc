#include "services/response-authoring/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "libs/base/limits.h"
#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "libs/testing/matchers.h"
#include "services/response-authoring/gaps.h"
#include "tests/unit/authoring/responses.h"

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

TEST(Open, TellsTheRecommendationsToAnswerFromThoseAddressedToOthers) {
  const v1::Response response = NewResponse();
  EXPECT_EQ(response.name(), kName);
  EXPECT_EQ(response.state(), v1::Response::OPEN);
  EXPECT_EQ(response.edition(), 1);
  EXPECT_EQ(response.report().findings_size(), 6);
  std::vector<std::string> required;
  for (const std::string& name : response.findings_to_answer()) {
    required.push_back(name.substr(name.rfind('-') + 1));
  }
  EXPECT_THAT(required, ElementsAre("1", "4", "5", "6"));
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

TEST(Invite, AnotherDayAsksAnew) {
  v1::Response response = NewResponse();
  ASSERT_THAT(Invite(InvitationFor(kToday + 3), By("author"), response), IsOk());
  ASSERT_THAT(RecordNoComments(ByForce("chief"), response), IsOk());
  ASSERT_THAT(Invite(InvitationFor(kToday + 3), By("author"), response), IsOk());
  EXPECT_TRUE(response.chief_officer().has_no_comments_time()) << "the same day asks nothing new";
  ASSERT_THAT(Invite(InvitationFor(kToday + 4), By("author"), response), IsOk());
  EXPECT_FALSE(response.chief_officer().has_no_comments_time());
}

std::vector<std::string> TextsById(const v1::Response& response) {
  std::vector<std::string> texts;
  for (const v1::Contribution& contribution : response.chief_officer().contributions()) {
    texts.push_back(contribution.id() + ": " + contribution.text());
  }
  return texts;
}

TEST(AddContributions, ReplacesByIdSoThatAMisspeltNameCanBePutRight) {
  v1::Response response = NewResponse();
  ASSERT_THAT(AddContributions(Comments("A. Oficer", "First."), By("chief"), response), IsOk());
  ASSERT_THAT(AddContributions(Comments("B. Officer", "Other."), By("chief"), response), IsOk());
  ASSERT_THAT(AddContributions(Comments("A. Oficer", "On five.", "recommendation-5"), By("chief"), response), IsOk());
  v1::SubmitChiefOfficerCommentsRequest corrected = Comments("A. Officer", "Corrected.");
  corrected.mutable_contributions(0)->set_id("contribution-1");
  ASSERT_THAT(AddContributions(corrected, By("chief"), response), IsOk());
  EXPECT_THAT(TextsById(response),
              ElementsAre("contribution-1: Corrected.", "contribution-2: Other.", "contribution-3: On five."));
  EXPECT_EQ(response.chief_officer().contributions(0).author(), "A. Officer");
  EXPECT_EQ(response.chief_officer().contributions(2).finding(), "inspections/safe-to-share/findings/recommendation-5");
}

TEST(AddContributions, AClientMayChooseItsOwnIdAndNoneIsMadeTwice) {
  v1::Response response = NewResponse();
  v1::SubmitChiefOfficerCommentsRequest own = Comments("A. Officer", "Own.");
  own.mutable_contributions(0)->set_id("contribution-2");
  ASSERT_THAT(AddContributions(own, By("chief"), response), IsOk());
  ASSERT_THAT(AddContributions(Comments("B. Officer", "One."), By("chief"), response), IsOk());
  ASSERT_THAT(AddContributions(Comments("C. Officer", "Three."), By("chief"), response), IsOk());
  v1::WithdrawChiefOfficerCommentsRequest withdraw;
  withdraw.add_contribution_ids("contribution-3");
  ASSERT_THAT(WithdrawContributions(withdraw, response), IsOk());
  ASSERT_THAT(AddContributions(Comments("D. Officer", "Four."), By("chief"), response), IsOk());
  EXPECT_THAT(TextsById(response),
              ElementsAre("contribution-2: Own.", "contribution-1: One.", "contribution-4: Four."));
}

TEST(WithdrawContributions, LeavesThingsAsIfNoneHadCome) {
  v1::Response response = NewResponse();
  ASSERT_THAT(Invite(InvitationFor(kToday + 3), By("author"), response), IsOk());
  const std::string before = response.chief_officer().SerializeAsString();
  v1::SubmitChiefOfficerCommentsRequest comments = Comments("A. Officer", "First.");
  comments.mutable_contributions(0)->set_id("mine");
  *comments.add_contributions() = comments.contributions(0);
  comments.mutable_contributions(1)->set_id("other");
  ASSERT_THAT(AddContributions(comments, By("chief"), response), IsOk());

  v1::WithdrawChiefOfficerCommentsRequest withdraw;
  EXPECT_THAT(WithdrawContributions(withdraw, response), ViolationOn("contribution_ids"));
  withdraw.add_contribution_ids("mine");
  withdraw.add_contribution_ids("mine");
  withdraw.add_contribution_ids("Not an id");
  EXPECT_THAT(WithdrawContributions(withdraw, response),
              AllOf(ViolationOn("contribution_ids[1]"), ViolationOn("contribution_ids[2]")));
  withdraw.clear_contribution_ids();
  withdraw.add_contribution_ids("nobody");
  EXPECT_THAT(WithdrawContributions(withdraw, response), StatusIs(absl::StatusCode::kNotFound));
  withdraw.set_contribution_ids(0, "mine");
  withdraw.add_contribution_ids("other");
  ASSERT_THAT(WithdrawContributions(withdraw, response), IsOk());
  EXPECT_EQ(response.chief_officer().SerializeAsString(), before);
  EXPECT_EQ(AwaitsChiefOfficerUntil(response), kToday + 3);
}

TEST(Contributions, ChangeOnlyUntilTheOfficeSubmits) {
  v1::Response response = Complete();
  ASSERT_THAT(Submit(By("author"), response), IsOk());
  v1::WithdrawChiefOfficerCommentsRequest withdraw;
  withdraw.add_contribution_ids("contribution-1");
  EXPECT_THAT(WithdrawContributions(withdraw, response), HasReason("WRONG_STATE"));
  EXPECT_THAT(AddContributions(Comments("A. Officer", "More."), By("chief"), response), HasReason("WRONG_STATE"));
}

TEST(AddContributions, NamesEverythingThatIsWrongAndChangesNothing) {
  v1::Response response = NewResponse();
  const std::string before = response.SerializeAsString();
  v1::SubmitChiefOfficerCommentsRequest request = Comments("", "", "recommendation-99");
  *request.add_contributions() = Comments("A.\nOfficer", "\x07").contributions(0);
  *request.add_contributions() = Comments("A. \u202eOfficer", "&nbsp;").contributions(0);
  request.mutable_contributions(0)->set_id("Not an id");
  request.mutable_contributions(1)->set_id("one");
  request.mutable_contributions(2)->set_id("one");
  EXPECT_THAT(AddContributions(request, By("chief"), response),
              AllOf(ViolationOn("contributions[0].author"), ViolationOn("contributions[0].text"),
                    ViolationOn("contributions[0].finding"), ViolationOn("contributions[0].id"),
                    ViolationOn("contributions[1].author"), ViolationOn("contributions[1].text"),
                    ViolationOn("contributions[2].author"), ViolationOn("contributions[2].text"),
                    ViolationOn("contributions[2].id")));
  EXPECT_THAT(AddContributions({}, By("chief"), response), ViolationOn("contributions"));
  EXPECT_EQ(response.SerializeAsString(), before);
}

TEST(RecordNoComments, IsRefusedWithoutInvitationOrAfterComments) {
  v1::Response response = NewResponse();
  EXPECT_THAT(RecordNoComments(ByForce("chief"), response), HasReason("NOT_INVITED"));
  ASSERT_THAT(Invite(InvitationFor(kToday), By("author"), response), IsOk());
  ASSERT_THAT(RecordNoComments(ByForce("chief"), response), IsOk());
  ASSERT_THAT(AddContributions(Comments("A. Officer", "After all."), By("chief"), response), IsOk());
  EXPECT_FALSE(response.chief_officer().has_no_comments_time()) << "late comments take the silence back";
  EXPECT_THAT(RecordNoComments(ByForce("chief"), response), HasReason("HAS_COMMENTS"));
}

TEST(RecordNoComments, TheOfficeCannotSayItForTheForceBeforeTheDayHasPassed) {
  v1::Response response = NewResponse();
  ASSERT_THAT(Invite(InvitationFor(kToday + 3), By("author"), response), IsOk());
  for (const int days : {0, 3}) {
    EXPECT_THAT(RecordNoComments(By("author", kToday + days), response),
                AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("COMMENTS_STILL_INVITED")));
  }
  EXPECT_FALSE(response.chief_officer().has_no_comments_time());
  EXPECT_THAT(RecordNoComments(By("author", kToday + 4), response), IsOk());
}

TEST(RecordSilence, OnceTheDayHasPassedAndNothingWasHeard) {
  v1::Response response = NewResponse();
  const absl::Time now = absl::FromUnixSeconds(1'611'000'000);
  EXPECT_FALSE(RecordSilence(now, kToday, response)) << "nobody was invited";
  ASSERT_THAT(Invite(InvitationFor(kToday + 3), By("author"), response), IsOk());
  EXPECT_FALSE(RecordSilence(now, kToday + 3, response)) << "the day has not passed";
  v1::Response commented = response;
  ASSERT_THAT(AddContributions(Comments("A. Officer", "We agree."), By("chief"), commented), IsOk());
  EXPECT_FALSE(RecordSilence(now, kToday + 4, commented));
  EXPECT_TRUE(RecordSilence(now, kToday + 4, response));
  EXPECT_EQ(response.chief_officer().no_comments_time().seconds(), 1'611'000'000);
  EXPECT_FALSE(RecordSilence(now, kToday + 4, response)) << "once";
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
  ASSERT_EQ(response.writers_size(), 2);
  EXPECT_EQ(response.writers(0).person(), "people/author");
  EXPECT_EQ(response.writers(1).person(), "people/other");

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

// A report of as many recommendations as one ever had, each answered at length: with a table of its own.
v1::Response OfAHundredAndEleven() {
  registry::v1::Inspection inspection = SafeToShare();
  registry::v1::Obligation obligation;
  obligation.mutable_body()->set_name("bodies/norfolk-pcc");
  obligation.mutable_force()->set_name("forces/norfolk");
  inspection.clear_findings();
  for (int number = 1; number <= 111; ++number) {
    registry::v1::Finding& finding = *inspection.add_findings();
    finding.set_id("recommendation-" + std::to_string(number));
    finding.set_number(std::to_string(number));
    finding.set_kind(registry::v1::Finding::RECOMMENDATION);
    finding.set_text("Do this.");
    obligation.add_findings_to_answer("inspections/safe-to-share/findings/" + finding.id());
  }
  return Open(inspection, obligation, absl::FromUnixSeconds(1608195600));
}

std::string LongAnswer(int number) {
  std::string text = "Of " + std::to_string(number) + ":\n\n| what | when |\n|---|---|\n";
  while (text.size() < 12'000) {
    text += "| an action that the body proposes, in words | by the end of June |\n";
  }
  return text;
}

TEST(Update, TakesAHundredAndElevenLongAnswersWithTables) {
  v1::Response response = OfAHundredAndEleven();
  ASSERT_THAT(Invite(InvitationFor(kToday), By("author"), response), IsOk());
  v1::Response values;
  values.set_comments("We welcome the report.");
  for (int number = 111; number >= 1; --number) {
    *values.add_answers() = AnswerTo("recommendation-" + std::to_string(number), LongAnswer(number));
  }
  ASSERT_THAT(Update(UpdateOf(values, {"comments", "answers"}), By("author"), response), IsOk());
  ASSERT_EQ(response.answers_size(), 111);
  EXPECT_EQ(response.answers(0).finding(), "inspections/safe-to-share/findings/recommendation-1");
  EXPECT_THAT(Submit(By("author", kToday + 1), response), IsOk());
  EXPECT_LE(response.ByteSizeLong(), base::kLargestResponse);
}

// Contributions that take up the force's room but for less than another one of 10,000 bytes.
void FillForcePart(v1::Response& response) {
  while (true) {
    v1::Response next = response;
    if (!AddContributions(Comments("A. Officer", std::string(10'000, 'x')), By("chief"), next).ok()) {
      return;
    }
    response = next;
  }
}

TEST(Sizes, TheForceCannotCrowdTheOfficeOut) {
  v1::Response response = OfAHundredAndEleven();
  FillForcePart(response);
  EXPECT_GT(response.chief_officer().ByteSizeLong(), base::kLargestForcePart - 11'000);
  EXPECT_THAT(AddContributions(Comments("A. Officer", std::string(10'000, 'x')), By("chief"), response),
              ViolationOn("contributions"));
  v1::Response values;
  values.set_comments(std::string(50'000, 'x'));
  for (int number = 1; number <= 111; ++number) {
    *values.add_answers() = AnswerTo("recommendation-" + std::to_string(number), std::string(13'500, 'x'));
  }
  EXPECT_THAT(Update(UpdateOf(values, {"comments", "answers"}), By("author"), response), IsOk());
}

TEST(Sizes, TheOfficeIsToldWhichFieldsGoTooFarAndTheForceKeepsItsRoom) {
  v1::Response response = OfAHundredAndEleven();
  v1::Response values;
  for (int number = 1; number <= 111; ++number) {
    *values.add_answers() = AnswerTo("recommendation-" + std::to_string(number), std::string(14'000, 'x'));
  }
  ASSERT_THAT(Update(UpdateOf(values, {"answers"}), By("author"), response), IsOk());
  v1::Response more;
  more.set_comments(std::string(50'000, 'x'));
  v1::Response refused = response;
  EXPECT_THAT(Update(UpdateOf(more, {"comments"}), By("author"), refused), ViolationOn("response.comments"));
  FillForcePart(response);
  EXPECT_GT(response.chief_officer().ByteSizeLong(), base::kLargestForcePart - 11'000);
  EXPECT_LE(response.ByteSizeLong(), base::kLargestResponse);
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

TEST(Approve, WithoutASecondPersonOnlyWithAReasonThatIsPrinted) {
  v1::Response response = Complete();
  ASSERT_THAT(Submit(By("author"), response), IsOk());
  v1::Response another = response;
  EXPECT_THAT(Approve(By("author"), response, " "), HasReason("SECOND_PERSON_NEEDED"));
  EXPECT_THAT(Approve(By("author"), response, "one\ntwo"), ViolationOn("bypass_reason"));
  EXPECT_THAT(Approve(By("author"), response, std::string(1001, 'x')), ViolationOn("bypass_reason"));
  EXPECT_THAT(Approve(By("commissioner"), response, "I am alone."), HasReason("BYPASS_NOT_NEEDED"));
  EXPECT_EQ(response.SerializeAsString(), another.SerializeAsString());
  ASSERT_THAT(Approve(By("author"), response, "The office has one member of staff."), IsOk());
  EXPECT_EQ(response.bypass().reason(), "The office has one member of staff.");
  EXPECT_EQ(response.approval().actor(), "people/author");
  ASSERT_THAT(Refuse(1, v1::Step(), response), IsOk());
  EXPECT_FALSE(response.has_bypass());
  ASSERT_THAT(Approve(By("commissioner"), another), IsOk());
  EXPECT_FALSE(another.has_bypass());
}

TEST(Return, MarksPartsUntilItIsApproved) {
  v1::Response response = Complete();
  ASSERT_THAT(Submit(By("author"), response), IsOk());
  v1::ReturnResponseRequest request;
  request.set_reason("See the marks.");
  const auto mark = [&](const std::string& part, const std::string& text) {
    v1::Mark& made = *request.add_marks();
    made.set_part(part);
    made.set_text(text);
  };
  mark("state", "x");
  mark("answers/recommendation-99", "x");
  mark("answers", "x");
  mark("signatory.name", "x");
  mark("comments", " ");
  EXPECT_THAT(Return(request, By("commissioner"), response),
              AllOf(ViolationOn("marks[0].part"), ViolationOn("marks[1].part"), ViolationOn("marks[2].part"),
                    ViolationOn("marks[3].part"), ViolationOn("marks[4].text")));
  request.clear_marks();
  for (int i = 0; i < 40; ++i) {
    mark("comments", std::string(1000, 'x'));
  }
  EXPECT_THAT(Return(request, By("commissioner"), response), ViolationOn("marks"));
  request.clear_marks();
  mark("comments", "Warmer.");
  mark("answers/recommendation-5", "By when?");
  ASSERT_THAT(Return(request, By("commissioner"), response), IsOk());
  EXPECT_EQ(response.marks_size(), 2);
  ASSERT_THAT(Submit(By("author"), response), IsOk());
  EXPECT_EQ(response.marks_size(), 2) << "the approver sees what was asked for";
  ASSERT_THAT(Approve(By("commissioner"), response), IsOk());
  EXPECT_EQ(response.marks_size(), 0);
}

TEST(Update, KnowsTheCapacitiesInWhichSomebodySigns) {
  v1::Response response = NewResponse();
  v1::Response values;
  for (const char* capacity : {"commissioner", "deputy", "acting", "mayor", "chair", ""}) {
    values.mutable_signatory()->set_capacity(capacity);
    EXPECT_THAT(Update(UpdateOf(values, {"signatory.capacity"}), By("author"), response), IsOk()) << capacity;
    EXPECT_EQ(response.signatory().capacity(), capacity);
  }
  values.mutable_signatory()->set_capacity("Lord");
  EXPECT_THAT(Update(UpdateOf(values, {"signatory"}), By("author"), response),
              ViolationOn("response.signatory.capacity"));
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

TEST(Refuse, GoesBackToTheApproverWithTheReason) {
  v1::Response response = Complete();
  ASSERT_THAT(Submit(By("secretary"), response), IsOk());
  v1::Step refusal;
  refusal.set_actor("services/publication");
  refusal.set_reason("The answer to recommendation 4 cannot be rendered.");
  ASSERT_THAT(Refuse(1, refusal, response), IsOk());
  EXPECT_FALSE(response.has_refusal()) << "nothing was approved";
  ASSERT_THAT(Approve(By("commissioner"), response), IsOk());
  ASSERT_THAT(Refuse(2, refusal, response), IsOk());
  EXPECT_EQ(response.state(), v1::Response::APPROVED) << "another edition";
  ASSERT_THAT(Refuse(1, refusal, response), IsOk());
  EXPECT_EQ(response.state(), v1::Response::IN_REVIEW);
  EXPECT_EQ(response.refusal().reason(), refusal.reason());
  EXPECT_FALSE(response.has_approval());
  ASSERT_THAT(Approve(By("commissioner"), response), IsOk());
  EXPECT_FALSE(response.has_refusal()) << "the next approval clears it";
}

TEST(States, AreDrawnInTheReadmeAsTheyAre) {
  std::ifstream readme(SECTION55_SOURCE_DIR "/services/response-authoring/README.md");
  const std::string text(std::istreambuf_iterator<char>(readme), {});
  const std::string drawing = base::Draw(kTransitions, v1::Response::State_Name<v1::Response::State>);
  EXPECT_EQ(drawing,
            "OPEN -> IN_REVIEW: SubmitResponse\n"
            "IN_REVIEW -> OPEN: ReturnResponse\n"
            "IN_REVIEW -> APPROVED: ApproveResponse\n"
            "APPROVED -> IN_REVIEW: publication could not publish it and says why\n"
            "APPROVED -> PUBLISHED: publication published it\n"
            "IN_REVIEW -> OPEN: the report is corrected in what must be answered\n"
            "OPEN -> WITHDRAWN: the report is withdrawn, or corrected so that it is not owed\n"
            "IN_REVIEW -> WITHDRAWN: the report is withdrawn, or corrected so that it is not owed\n"
            "WITHDRAWN -> OPEN: the report is published again, or corrected so that it is owed\n"
            "OPEN -> EXEMPT: ConfirmExemption, by a second person\n"
            "EXEMPT -> OPEN: RevokeExemption\n"
            "EXEMPT -> WITHDRAWN: the report is withdrawn, or corrected so that it is not owed\n"
            "OPEN -> TRANSFERRED: another body comes in the place of this one\n"
            "IN_REVIEW -> TRANSFERRED: another body comes in the place of this one\n");
  EXPECT_THAT(text, HasSubstr("```\n" + drawing + "```\n"));
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
