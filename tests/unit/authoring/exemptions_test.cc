#include "services/response-authoring/exemptions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/testing/matchers.h"
#include "services/response-authoring/life.h"
#include "tests/unit/authoring/responses.h"

namespace section55::authoring::rules {
namespace {

using ::section55::testing::HasReason;
using ::section55::testing::IsOk;
using ::section55::testing::ViolationOn;
using ::testing::AllOf;

v1::ExemptResponseRequest Request(v1::Exemption::Kind kind = v1::Exemption::CLEARLY_NOT_THE_SUBJECT,
                                  const std::string& discharged_by = "") {
  v1::ExemptResponseRequest request;
  request.set_kind(kind);
  request.set_reason("The report is about forces with a coast.");
  request.set_discharged_by(discharged_by);
  return request;
}

v1::RevokeExemptionRequest Revocation() {
  v1::RevokeExemptionRequest request;
  request.set_reason("The inspectorate disagrees.");
  return request;
}

v1::Response ExemptOne() {
  v1::Response response = NewResponse();
  EXPECT_THAT(Exempt(Request(), By("author"), response), IsOk());
  EXPECT_THAT(ConfirmExemption(By("commissioner"), response), IsOk());
  return response;
}

TEST(Exempt, IsProposedByOneAndConfirmedByAnother) {
  v1::Response response = NewResponse();
  EXPECT_THAT(ConfirmExemption(By("commissioner"), response), HasReason("NOT_PROPOSED"));
  ASSERT_THAT(Exempt(Request(), By("author"), response), IsOk());
  EXPECT_EQ(response.state(), v1::Response::OPEN);
  EXPECT_TRUE(IsProposed(response));
  EXPECT_THAT(ConfirmExemption(By("author"), response), HasReason("SECOND_PERSON_NEEDED"));
  ASSERT_THAT(ConfirmExemption(By("commissioner"), response), IsOk());
  EXPECT_EQ(response.state(), v1::Response::EXEMPT);
  EXPECT_FALSE(IsProposed(response));
  EXPECT_EQ(response.exemption().proposal().actor(), "people/author");
  EXPECT_EQ(response.exemption().confirmation().actor(), "people/commissioner");
  EXPECT_THAT(Exempt(Request(), By("author"), response), HasReason("WRONG_STATE"));
  EXPECT_THAT(Update(UpdateOf(v1::Response(), {"comments"}), By("author"), response), HasReason("WRONG_STATE"));
}

TEST(Exempt, NeedsAGroundAReasonAndForTheSameFindingsTheOtherResponse) {
  v1::Response response = NewResponse();
  v1::ExemptResponseRequest nothing;
  EXPECT_THAT(Exempt(nothing, By("author"), response), AllOf(ViolationOn("kind"), ViolationOn("reason")));
  const auto same = v1::Exemption::SAME_FINDINGS_AS_FORCE_REPORT;
  for (const char* other : {"", "bodies/suffolk-pcc/responses/peel", "bodies/norfolk-pcc", kName, "peel"}) {
    EXPECT_THAT(Exempt(Request(same, other), By("author"), response), ViolationOn("discharged_by")) << other;
  }
  EXPECT_THAT(Exempt(Request(v1::Exemption::NOT_A_REPORT_UNDER_S55, "bodies/norfolk-pcc/responses/peel"), By("author"),
                     response),
              ViolationOn("discharged_by"));
  EXPECT_FALSE(response.has_exemption());
  EXPECT_THAT(Exempt(Request(same, "bodies/norfolk-pcc/responses/peel"), By("author"), response), IsOk());
}

TEST(RevokeExemption, MakesItOwedAgainAndKeepsTheReason) {
  v1::Response response = ExemptOne();
  EXPECT_THAT(RevokeExemption({}, By("author"), response), ViolationOn("reason"));
  ASSERT_THAT(RevokeExemption(Revocation(), By("author"), response), IsOk());
  EXPECT_EQ(response.state(), v1::Response::OPEN);
  EXPECT_EQ(response.exemption().revocation().reason(), "The inspectorate disagrees.");
  EXPECT_THAT(ConfirmExemption(By("other"), response), HasReason("NOT_PROPOSED"));
  EXPECT_THAT(RevokeExemption(Revocation(), By("author"), response), HasReason("NOT_PROPOSED"));
  ASSERT_THAT(Exempt(Request(), By("author"), response), IsOk()) << "it may be proposed anew";
  EXPECT_FALSE(response.exemption().has_revocation());
}

TEST(RevokeExemption, TakesBackAProposal) {
  v1::Response response = NewResponse();
  EXPECT_THAT(RevokeExemption(Revocation(), By("author"), response), HasReason("NOT_PROPOSED"));
  ASSERT_THAT(Exempt(Request(), By("author"), response), IsOk());
  ASSERT_THAT(RevokeExemption(Revocation(), By("author"), response), IsOk());
  EXPECT_EQ(response.state(), v1::Response::OPEN);
  EXPECT_THAT(ConfirmExemption(By("commissioner"), response), HasReason("NOT_PROPOSED"));
}

TEST(RevokeExemption, IsNotForWhatIsSubmitted) {
  v1::Response response = Complete();
  ASSERT_THAT(Exempt(Request(), By("author"), response), IsOk());
  ASSERT_THAT(Submit(By("author"), response), IsOk());
  EXPECT_FALSE(response.has_exemption()) << "whoever submits takes it as owed";
  EXPECT_THAT(RevokeExemption(Revocation(), By("author"), response), HasReason("WRONG_STATE"));
  EXPECT_THAT(ConfirmExemption(By("commissioner"), response), HasReason("WRONG_STATE"));
}

TEST(CanDischarge, IsWhatIsOwedItself) {
  v1::Response response = NewResponse();
  for (const auto state :
       {v1::Response::OPEN, v1::Response::IN_REVIEW, v1::Response::APPROVED, v1::Response::PUBLISHED}) {
    response.set_state(state);
    EXPECT_TRUE(CanDischarge(response));
  }
  for (const auto state : {v1::Response::EXEMPT, v1::Response::WITHDRAWN, v1::Response::TRANSFERRED}) {
    response.set_state(state);
    EXPECT_FALSE(CanDischarge(response));
  }
}

TEST(Life, WhatIsExemptKnowsTheReportAsCorrected) {
  v1::Response response = ExemptOne();
  registry::v1::Inspection report = response.report();
  report.set_title("Safe to share? Corrected");
  const std::vector<std::string> findings = {"inspections/safe-to-share/findings/recommendation-5"};
  EXPECT_EQ(Correct({}, report, findings, findings, response), Outcome::kUpdated);
  EXPECT_EQ(response.state(), v1::Response::EXEMPT);
  EXPECT_EQ(response.report().title(), "Safe to share? Corrected");
  EXPECT_EQ(response.findings_to_answer_size(), 1);
  registry::v1::Body renamed = response.body();
  renamed.set_display_name("Renamed");
  EXPECT_TRUE(PutRight(renamed, response));
}

TEST(Life, AWithdrawnReportClosesWhatIsExemptAndItsExemptionIsAskedAnew) {
  v1::Response response = ExemptOne();
  v1::Closure closure;
  closure.set_kind(v1::Closure::REPORT_WITHDRAWN);
  ASSERT_TRUE(Close({}, closure, response));
  EXPECT_EQ(response.state(), v1::Response::WITHDRAWN);
  EXPECT_EQ(Correct({}, response.report(), {}, {}, response), Outcome::kReopened);
  EXPECT_FALSE(response.has_exemption());
}

TEST(Life, AJoiningResponseKeepsWhatItsAnswersAdopt) {
  v1::Response joining = Complete();
  v1::Response values;
  v1::Answer& adopting = *values.add_answers();
  adopting = AnswerTo("recommendation-5", "");
  adopting.add_adopted_contributions("contribution-1");
  ASSERT_THAT(Update(UpdateOf(values, {"answers"}), By("author"), joining), IsOk());
  v1::Response there = NewResponse();
  there.set_name("bodies/board/responses/safe-to-share");
  Join(joining, there);
  bool found = false;
  for (const v1::Answer& answer : there.answers()) {
    for (const std::string& id : answer.adopted_contributions()) {
      found = true;
      EXPECT_EQ(id, there.chief_officer().contributions(0).id());
    }
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace section55::authoring::rules
