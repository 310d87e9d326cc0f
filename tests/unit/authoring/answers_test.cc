#include "services/response-authoring/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/limits.h"
#include "libs/document/markdown.h"
#include "libs/document/plain_text.h"
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

absl::Status Answer(v1::Response& response, const v1::Answer& answer) {
  v1::Response values;
  *values.add_answers() = answer;
  return Update(UpdateOf(values, {"answers"}), By("author"), response);
}

v1::Answer Adopting(const std::string& finding, const std::string& contribution, const std::string& own = "") {
  v1::Answer answer = AnswerTo(finding, own);
  answer.add_adopted_contributions(contribution);
  return answer;
}

const v1::Answer& Of(const v1::Response& response, const std::string& finding) {
  for (const v1::Answer& answer : response.answers()) {
    if (answer.finding() == "inspections/safe-to-share/findings/" + finding) {
      return answer;
    }
  }
  return v1::Answer::default_instance();
}

TEST(AnswerTogether, GivesEachFindingACopyOfItsOwn) {
  v1::Response response = NewResponse();
  v1::AnswerTogetherRequest request;
  request.add_findings("recommendation-6");
  request.add_findings("inspections/safe-to-share/findings/recommendation-1");
  request.mutable_answer()->set_kind(v1::Answer::ACTION_PROPOSED);
  request.mutable_answer()->set_explanation("We will act.");
  request.mutable_answer()->set_owner("Head of Policy");
  request.mutable_answer()->set_same_words_as("whatever");
  ASSERT_THAT(AnswerTogether(request, By("author"), response), IsOk());
  ASSERT_EQ(response.answers_size(), 2);
  EXPECT_EQ(response.answers(0).finding(), "inspections/safe-to-share/findings/recommendation-1") << "in their order";
  for (const v1::Answer& answer : response.answers()) {
    EXPECT_EQ(answer.explanation(), "We will act.");
    EXPECT_EQ(answer.owner(), "Head of Policy");
  }
  EXPECT_EQ(Of(response, "recommendation-6").same_words_as(), "");
  EXPECT_EQ(Of(response, "recommendation-1").same_words_as(), "inspections/safe-to-share/findings/recommendation-6");
  EXPECT_EQ(response.writers_size(), 1);
  ASSERT_THAT(Answer(response, AnswerTo("recommendation-1", "Now in words of its own.")), IsOk());
  EXPECT_EQ(Of(response, "recommendation-1").same_words_as(), "");
}

TEST(AnswerTogether, NamesEverythingThatIsWrong) {
  v1::Response response = NewResponse();
  const std::string before = response.SerializeAsString();
  v1::AnswerTogetherRequest request;
  EXPECT_THAT(AnswerTogether(request, By("author"), response),
              AllOf(ViolationOn("findings"), ViolationOn("answer.kind"), ViolationOn("answer.explanation")));
  request.add_findings("recommendation-1");
  request.add_findings("recommendation-99");
  request.add_findings("recommendation-1");
  *request.mutable_answer() = AnswerTo("recommendation-5", "x\ty");
  request.mutable_answer()->set_etag("v1");
  request.mutable_answer()->add_adopted_contributions("contribution-7");
  EXPECT_THAT(AnswerTogether(request, By("author"), response),
              AllOf(ViolationOn("findings[1]"), ViolationOn("findings[2]"), ViolationOn("answer.finding"),
                    ViolationOn("answer.etag"), ViolationOn("answer.adopted_contributions[0]")));
  EXPECT_EQ(response.SerializeAsString(), before);
  v1::Response submitted = Complete();
  ASSERT_THAT(Submit(By("author"), submitted), IsOk());
  v1::AnswerTogetherRequest fine;
  fine.add_findings("recommendation-1");
  *fine.mutable_answer() = AnswerTo("", "x");
  EXPECT_THAT(AnswerTogether(fine, By("author"), submitted), HasReason("WRONG_STATE"));
}

TEST(AnswerEtags, ChangeWithTheirAnswerAlone) {
  v1::Response response = Complete();
  const std::string first = Of(response, "recommendation-1").etag();
  EXPECT_THAT(first, Not(IsEmpty()));
  ASSERT_THAT(Answer(response, AnswerTo("recommendation-4", "Something else.")), IsOk());
  EXPECT_EQ(Of(response, "recommendation-1").etag(), first) << "others are left alone";
  v1::Answer mine = AnswerTo("recommendation-1", "Mine.");
  mine.set_etag(first);
  ASSERT_THAT(Answer(response, mine), IsOk());
  EXPECT_NE(Of(response, "recommendation-1").etag(), first);
  mine.set_explanation("Mine, again over what I had read first.");
  EXPECT_THAT(Answer(response, mine), AllOf(HasReason("ETAG_MISMATCH"), StatusIs(absl::StatusCode::kAborted)));
  v1::Answer unanswered = AnswerTo("recommendation-2", "To one that nobody has answered.");
  unanswered.set_etag(first);
  EXPECT_THAT(Answer(response, unanswered), HasReason("ETAG_MISMATCH"));
}

TEST(Adoption, IsAnExplanationForAsLongAsTheCommentIsThere) {
  v1::Response response = Complete();
  ASSERT_THAT(Answer(response, Adopting("recommendation-5", "contribution-1")), IsOk());
  EXPECT_THAT(Submit(By("author"), *std::make_unique<v1::Response>(response)), IsOk());
  v1::WithdrawChiefOfficerCommentsRequest withdraw;
  withdraw.add_contribution_ids("contribution-1");
  ASSERT_THAT(WithdrawContributions(withdraw, response), IsOk());
  std::vector<std::string> messages;
  for (const v1::Gap& gap : FindGaps(response, kToday)) {
    if (gap.part() == "answers/recommendation-5") {
      messages.push_back(gap.provision() + ": " + gap.message());
    }
  }
  EXPECT_THAT(messages, ElementsAre(AllOf(HasSubstr("section 55(5B)(a)"), HasSubstr("withdrawn"))));
}

TEST(Adoption, NeedsAContributionThatIsThere) {
  v1::Response response = Complete();
  EXPECT_THAT(Answer(response, Adopting("recommendation-5", "contribution-2")),
              ViolationOn("response.answers[0].adopted_contributions[0]"));
  v1::Answer twice = Adopting("recommendation-5", "contribution-1");
  twice.add_adopted_contributions("contribution-1");
  EXPECT_THAT(Answer(response, twice), ViolationOn("response.answers[0].adopted_contributions[1]"));
}

TEST(Adoption, IsWarnedOfWhenTheCommentChangesAfterwards) {
  v1::Response response = Complete();
  ASSERT_THAT(Answer(response, Adopting("recommendation-5", "contribution-1")), IsOk());
  const auto warned = [&] {
    const auto warnings = FindWarnings(response, "people/author", false);
    return warnings.size() == 1 && warnings[0].part() == "answers/recommendation-5";
  };
  EXPECT_FALSE(warned());
  v1::SubmitChiefOfficerCommentsRequest changed = Comments("A. Officer", "We agree in part.");
  changed.mutable_contributions(0)->set_id("contribution-1");
  ASSERT_THAT(AddContributions(changed, By("chief", kToday + 1), response), IsOk());
  EXPECT_TRUE(warned());
}

TEST(ForPublication, CarriesTheTextsAdoptedBeforeTheOfficesOwn) {
  v1::Response response = Complete();
  v1::SubmitChiefOfficerCommentsRequest changed = Comments("A. *Officer*", "We agree:\n\n```\nand never end this");
  changed.mutable_contributions(0)->set_id("contribution-1");
  ASSERT_THAT(AddContributions(changed, By("chief"), response), IsOk());
  ASSERT_THAT(Answer(response, Adopting("recommendation-5", "contribution-1", "And *we* add this.")), IsOk());
  const v1::Response published = ForPublication(response);
  const v1::Answer& answer = Of(published, "recommendation-5");
  EXPECT_EQ(answer.explanation(),
            "Adopted as this body’s own explanation: the comments of A\\. \\*Officer\\*, Assistant Chief Constable.\n\n"
            "> We agree:\n> \n> ```\n> and never end this\n\nAnd *we* add this.");
  EXPECT_THAT(answer.adopted_contributions(), IsEmpty());
  EXPECT_EQ(Of(published, "recommendation-1").explanation(), "Done.") << "what adopts nothing stays";
  EXPECT_THAT(Of(response, "recommendation-5").adopted_contributions(), ElementsAre("contribution-1"))
      << "the draft keeps what was decided";
}

TEST(Adoption, OfMoreThanCanBePublishedIsAGap) {
  v1::Response response = Complete();
  for (int i = 0; i < 10; ++i) {
    ASSERT_THAT(AddContributions(Comments("A. Officer", std::string(45'000, 'x')), By("chief"), response), IsOk());
  }
  for (const char* number : {"1", "4", "5", "6"}) {
    v1::Answer answer = AnswerTo(std::string("recommendation-") + number, "");
    for (int i = 2; i <= 11; ++i) {
      answer.add_adopted_contributions("contribution-" + std::to_string(i));
    }
    ASSERT_THAT(Answer(response, answer), IsOk());
  }
  EXPECT_THAT(Submit(By("author"), response),
              AllOf(HasReason("INCOMPLETE"), testing::MessageIs(HasSubstr("adopt fewer"))));
}

TEST(IsPastedBack, TellsAnExplanationFromTheRecommendation) {
  const std::string asked =
      "Chief constables should *immediately* restrict the sharing of information about victims with immigration "
      "enforcement.";
  EXPECT_TRUE(IsPastedBack(asked, asked));
  EXPECT_TRUE(IsPastedBack("Chief Constables should immediately restrict the sharing of information", asked));
  EXPECT_TRUE(IsPastedBack("Recommendation 1: " + asked, asked));
  EXPECT_FALSE(IsPastedBack("Yes.", asked));
  EXPECT_FALSE(IsPastedBack("The force stopped sharing in January, and the policy says so.", asked));
  EXPECT_FALSE(IsPastedBack(asked + " We have done so since January, with the help of the unit.", asked));
  EXPECT_FALSE(IsPastedBack("Do this.", "Do this.")) << "so few words prove nothing";
  EXPECT_FALSE(IsPastedBack("We will do this with the force.", ""));
}

TEST(FindGaps, TheRecommendationGivenBackIsNoExplanation) {
  v1::Response response = Complete();
  for (auto& finding : *response.mutable_report()->mutable_findings()) {
    finding.set_text("Forces should review how they record the decision to share.");
  }
  ASSERT_THAT(
      Answer(response, AnswerTo("recommendation-5", "Forces should review how they record the decision to share.")),
      IsOk());
  EXPECT_THAT(Submit(By("author"), response), testing::MessageIs(HasSubstr("in your own words")));
}

TEST(FindGaps, TellsTheOfficesOwnFormFromTheLaw) {
  v1::Response response = Complete();
  v1::Answer proposed = AnswerTo("recommendation-5", "We will.", v1::Answer::ACTION_PROPOSED);
  ASSERT_THAT(Answer(response, proposed), IsOk());
  const auto gap_of_5 = [&]() -> v1::Gap {
    for (const v1::Gap& gap : FindGaps(response, kToday)) {
      if (gap.part() == "answers/recommendation-5") {
        return gap;
      }
    }
    return {};
  };
  EXPECT_EQ(gap_of_5().message(),
            "Say who is responsible for the action proposed on recommendation 5, and by when it is to be complete.");
  EXPECT_EQ(gap_of_5().source(), v1::Gap::TEMPLATE);
  EXPECT_FALSE(gap_of_5().blocks_submission() || gap_of_5().statutory());
  proposed.set_owner("Head of Policy");
  ASSERT_THAT(Answer(response, proposed), IsOk());
  EXPECT_EQ(gap_of_5().message(), "Say by when the action proposed on recommendation 5 is to be complete.");
  *proposed.mutable_target_date() = base::ToProtoDate(kToday + 90);
  ASSERT_THAT(Answer(response, proposed), IsOk());
  EXPECT_EQ(gap_of_5().message(), "");
  ASSERT_THAT(Answer(response, AnswerTo("recommendation-5", "", v1::Answer::ACTION_PROPOSED)), IsOk());
  EXPECT_EQ(gap_of_5().source(), v1::Gap::LAW);
  // One that nobody asks for.
  ASSERT_THAT(Answer(response, AnswerTo("recommendation-2", "Half an answer.", v1::Answer::KIND_UNSPECIFIED)), IsOk());
  bool told = false;
  for (const v1::Gap& gap : FindGaps(response, kToday)) {
    told = told || (gap.part() == "answers/recommendation-2" && !gap.blocks_submission());
  }
  EXPECT_TRUE(told);
}

TEST(FindWarnings, SayThatAnInvitationRunsPastTheLastLawfulDay) {
  v1::Response response = NewResponse();
  ASSERT_THAT(Invite(InvitationFor(absl::CivilDay(2021, 2, 9)), By("author"), response), IsOk());
  EXPECT_THAT(FindWarnings(response, "people/author", false), IsEmpty());
  ASSERT_THAT(Invite(InvitationFor(absl::CivilDay(2021, 2, 10)), By("author"), response), IsOk());
  const auto warnings = FindWarnings(response, "people/author", false);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].part(), "invitation");
  EXPECT_THAT(warnings[0].message(), HasSubstr("10 February 2021"));
}

TEST(FindWarnings, SayWhichTextsLookPasted) {
  v1::Response response = Complete();
  v1::Response values;
  values.set_monitoring("• monthly\n• yearly");
  ASSERT_THAT(Update(UpdateOf(values, {"monitoring"}), By("author"), response), IsOk());
  ASSERT_THAT(Answer(response, AnswerTo("recommendation-4", "By\tJune.")), IsOk());
  std::vector<std::string> parts;
  for (const v1::Gap& warning : FindWarnings(response, "people/author", false)) {
    parts.push_back(warning.part());
  }
  EXPECT_THAT(parts, ElementsAre("answers/recommendation-4", "monitoring"));
}

}  // namespace
}  // namespace section55::authoring::rules
