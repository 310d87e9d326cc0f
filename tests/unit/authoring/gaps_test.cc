#include "services/response-authoring/gaps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/testing/matchers.h"
#include "tests/unit/authoring/responses.h"

namespace section55::authoring::rules {
namespace {

using ::section55::testing::IsOk;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

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
  ASSERT_THAT(RecordNoComments(ByForce("chief"), response), IsOk());
  EXPECT_THAT(Blocking(response, absl::CivilDay(2021, 1, 14)), IsEmpty());
}

TEST(FindGaps, AVoluntaryResponseOnlyNeedsComments) {
  EXPECT_THAT(Blocking(NewResponse(registry::v1::Inspection::VOLUNTARY)), ElementsAre("section 55(5)(a)"));
  for (const auto& gap : FindGaps(NewResponse(registry::v1::Inspection::VOLUNTARY), kToday)) {
    EXPECT_FALSE(gap.statutory()) << gap.message();
  }
}

// What a reader of the rendition would not see is no explanation.
TEST(FindGaps, TextThatNobodyCanSeeIsNoText) {
  for (const char* blank : {"\u00a0", "\u200b", "&nbsp;", "#", "![](https://example.org/x.png)", "<!-- no -->",
                            "[a]: https://example.org", "---", "\u2060\ufeff", "&#8203;"}) {
    v1::Response response = Complete();
    response.set_comments(blank);
    response.mutable_answers(0)->set_explanation(blank);
    EXPECT_THAT(Blocking(response), ElementsAre("section 55(5)(a)", "section 55(5B)(a) recommendation-1")) << blank;
  }
}

std::vector<std::string> Messages(const std::vector<v1::Gap>& warnings) {
  std::vector<std::string> messages;
  for (const v1::Gap& warning : warnings) {
    EXPECT_FALSE(warning.blocks_submission() || warning.statutory());
    messages.push_back(warning.message());
  }
  return messages;
}

TEST(FindWarnings, SayWhoMightHaveApprovedAndHasWrittenInstead) {
  v1::Response response = Complete();
  EXPECT_THAT(FindWarnings(response, "people/author", false), IsEmpty());
  Doer commissioner = By("commissioner");
  commissioner.may_approve = true;
  v1::Response values;
  values.set_comments("A comma, put right.");
  ASSERT_THAT(Update(UpdateOf(values, {"comments"}), commissioner, response), IsOk());
  EXPECT_THAT(Messages(FindWarnings(response, "people/author", false)),
              ElementsAre(HasSubstr("people/commissioner may approve")));
  EXPECT_THAT(Messages(FindWarnings(response, "people/commissioner", true)),
              ElementsAre(HasSubstr("You have written or submitted")));
  EXPECT_THAT(Messages(FindWarnings(response, "people/deputy", true)),
              ElementsAre(AllOf(HasSubstr("people/commissioner"), Not(HasSubstr("You")))));
}

TEST(FindWarnings, WhoSubmittedCannotApproveEither) {
  v1::Response response = Complete();
  ASSERT_THAT(Submit(By("deputy"), response), IsOk());
  EXPECT_THAT(Messages(FindWarnings(response, "people/deputy", true)), ElementsAre(HasSubstr("You have")));
  EXPECT_THAT(FindWarnings(response, "people/commissioner", true), IsEmpty());
}

}  // namespace
}  // namespace section55::authoring::rules
