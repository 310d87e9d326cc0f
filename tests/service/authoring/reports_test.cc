// What becomes of responses when their report is corrected or withdrawn.
#include "tests/service/authoring/fixture.h"

namespace section55::authoring {
namespace {

using section55::testing::HasReason;
using section55::testing::IsOk;
using section55::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ReportsTest : public AuthoringTest {
 protected:
  // Safe to share? as corrected: recommendation 5 has another text, 7 is new, 2 is gone.
  registry::v1::InspectionCorrected Correction() {
    registry::v1::InspectionCorrected corrected;
    const registry::v1::InspectionPublished published = SafeToShare();
    auto& inspection = *corrected.mutable_inspection();
    inspection = published.inspection();
    inspection.set_revision(2);
    inspection.set_title("Safe to share? (corrected)");
    inspection.mutable_findings()->DeleteSubrange(0, 1);
    auto* added = inspection.add_findings();
    added->set_id("recommendation-7");
    added->set_kind(registry::v1::Finding::RECOMMENDATION);
    *corrected.mutable_obligations() = published.obligations();
    for (auto& obligation : *corrected.mutable_obligations()) {
      obligation.add_findings_to_answer("inspections/safe-to-share/findings/recommendation-7");
    }
    corrected.set_reason("Recommendation 7 had been left out");
    auto* change = corrected.add_changes();
    change->set_part("findings/recommendation-7");
    change->set_kind(registry::v1::Change::ADDED);
    return corrected;
  }

  // A correction of the title alone.
  registry::v1::InspectionCorrected Retitled() {
    registry::v1::InspectionCorrected corrected;
    const registry::v1::InspectionPublished published = SafeToShare();
    *corrected.mutable_inspection() = published.inspection();
    corrected.mutable_inspection()->set_revision(2);
    corrected.mutable_inspection()->set_title("Safe to share? (retitled)");
    *corrected.mutable_obligations() = published.obligations();
    corrected.set_reason("Typing error");
    corrected.add_changes()->set_part("title");
    return corrected;
  }

  static registry::v1::InspectionWithdrawn Withdrawal() {
    registry::v1::InspectionWithdrawn withdrawn;
    withdrawn.mutable_inspection()->set_name("inspections/safe-to-share");
    withdrawn.mutable_inspection()->set_revision(2);
    withdrawn.set_reason("Published by mistake");
    return withdrawn;
  }

  publication::v1::ResponseRefused Refusal() {
    publication::v1::ResponseRefused refused;
    refused.set_response(kNorfolk);
    refused.set_edition(1);
    refused.set_reason("Too large");
    return refused;
  }
};

TEST_F(ReportsTest, ACorrectionReachesEveryOpenResponseByOneEvent) {
  ASSERT_THAT(WriteAll(), IsOk());
  const std::string etag = Get(kAuthor).etag();
  ASSERT_THAT(Arrives(Correction()), IsOk());
  const v1::Response response = Get(kAuthor);
  EXPECT_EQ(response.report().title(), "Safe to share? (corrected)");
  EXPECT_EQ(response.report().revision(), 2);
  EXPECT_EQ(response.report().findings_size(), 2);
  EXPECT_THAT(response.findings_to_answer(), ElementsAre("inspections/safe-to-share/findings/recommendation-5",
                                                         "inspections/safe-to-share/findings/recommendation-7"));
  EXPECT_EQ(response.comments(), "Our comments.");
  ASSERT_EQ(response.answers_size(), 1) << "what was written stays";
  EXPECT_EQ(response.correction().reason(), "Recommendation 7 had been left out");
  EXPECT_EQ(response.correction().changes(0).part(), "findings/recommendation-7");
  EXPECT_NE(response.etag(), etag);
  EXPECT_EQ(Get(kSuffolkAuthor, kSuffolk).report().title(), "Safe to share? (corrected)");
  EXPECT_EQ(EventCounts().at("ResponseCorrected"), 2);

  // Delivered again it changes nothing that can be seen.
  ASSERT_THAT(Arrives(Correction()), IsOk());
  EXPECT_EQ(Get(kAuthor).answers_size(), 1);
}

TEST_F(ReportsTest, AnswersToWhatIsGoneLeaveTheDraft) {
  ASSERT_THAT(WriteAll(), IsOk());
  registry::v1::InspectionCorrected corrected = Correction();
  corrected.mutable_inspection()->mutable_findings()->DeleteSubrange(0, 1);  // recommendation 5
  for (auto& obligation : *corrected.mutable_obligations()) {
    obligation.clear_findings_to_answer();
  }
  ASSERT_THAT(Arrives(corrected), IsOk());
  EXPECT_THAT(Get(kAuthor).answers(), IsEmpty());
  EXPECT_EQ(Get(kAuthor).comments(), "Our comments.");
}

TEST_F(ReportsTest, WhatIsInReviewGoesBackOnlyIfItsAnswersAreConcerned) {
  SubmitComplete();
  ASSERT_THAT(Arrives(Retitled()), IsOk());
  EXPECT_EQ(Get(kAuthor).state(), v1::Response::IN_REVIEW);
  EXPECT_EQ(Get(kAuthor).report().title(), "Safe to share? (retitled)");
  registry::v1::InspectionCorrected second = Correction();
  second.mutable_inspection()->set_revision(3);
  ASSERT_THAT(Arrives(second), IsOk());
  const v1::Response response = Get(kAuthor);
  EXPECT_EQ(response.state(), v1::Response::OPEN);
  EXPECT_EQ(response.last_return().reason(), "The report was corrected: Recommendation 7 had been left out");
  EXPECT_FALSE(response.has_submission());
}

TEST_F(ReportsTest, WhoOwesNowIsAskedAndWhoDoesNotIsNot) {
  registry::v1::InspectionCorrected corrected = Correction();
  auto* kent = corrected.add_obligations();
  kent->mutable_body()->set_name("bodies/kent-pcc");
  kent->mutable_force()->set_name("forces/kent");
  corrected.mutable_obligations()->DeleteSubrange(1, 1);  // Suffolk
  auto* not_owed = corrected.add_not_owed();
  not_owed->set_body("bodies/suffolk-pcc");
  not_owed->set_reason("It does not concern Suffolk");
  ASSERT_THAT(Arrives(corrected), IsOk());
  EXPECT_EQ(Get(kAuditor, "bodies/kent-pcc/responses/safe-to-share").state(), v1::Response::OPEN);
  const v1::Response suffolk = Get(kSuffolkAuthor, kSuffolk);
  EXPECT_EQ(suffolk.state(), v1::Response::WITHDRAWN);
  EXPECT_EQ(suffolk.closure().kind(), v1::Closure::NOT_OWED);
  EXPECT_EQ(suffolk.closure().reason(), "It does not concern Suffolk");

  // It was a mistake: it concerns Suffolk after all.
  registry::v1::InspectionCorrected again = Correction();
  again.mutable_inspection()->set_revision(3);
  ASSERT_THAT(Arrives(again), IsOk());
  EXPECT_EQ(Get(kSuffolkAuthor, kSuffolk).state(), v1::Response::OPEN);
  EXPECT_FALSE(Get(kSuffolkAuthor, kSuffolk).has_closure());
  const std::map<std::string, int> counts = EventCounts();
  EXPECT_EQ(counts.at("ResponseClosed"), 1);
  EXPECT_EQ(counts.at("ResponseOpened"), 4);
}

TEST_F(ReportsTest, AWithdrawnReportClosesWhatIsNotPublished) {
  SubmitComplete();
  ASSERT_THAT(Approve(kApprover), IsOk());
  publication::v1::ResponsePublished published;
  published.set_response(kNorfolk);
  published.mutable_publication()->set_edition(1);
  *published.mutable_publication()->mutable_published_time() = base::ToTimestamp(kMidJanuary);
  ASSERT_THAT(Arrives(published), IsOk());
  ASSERT_THAT(Arrives(Withdrawal()), IsOk());
  EXPECT_EQ(Get(kAuthor).state(), v1::Response::PUBLISHED);
  const v1::Response suffolk = Get(kSuffolkAuthor, kSuffolk);
  EXPECT_EQ(suffolk.state(), v1::Response::WITHDRAWN);
  EXPECT_EQ(suffolk.closure().kind(), v1::Closure::REPORT_WITHDRAWN);
  EXPECT_EQ(suffolk.closure().reason(), "Published by mistake");
  v1::UpdateResponseRequest update;
  update.mutable_response()->set_name(kSuffolk);
  update.mutable_response()->set_comments("Too late");
  v1::Response ignored;
  EXPECT_THAT(stub_->UpdateResponse(As(kSuffolkAuthor).get(), update, &ignored), HasReason("WRONG_STATE"));

  // Published again, as it was.
  registry::v1::InspectionCorrected again = Retitled();
  again.mutable_inspection()->set_revision(3);
  ASSERT_THAT(Arrives(again), IsOk());
  EXPECT_EQ(Get(kSuffolkAuthor, kSuffolk).state(), v1::Response::OPEN);
  EXPECT_EQ(Get(kAuthor).state(), v1::Response::PUBLISHED);
  EXPECT_EQ(Get(kAuthor).report().revision(), 0) << "what is published answers the report as it was";
}

TEST_F(ReportsTest, WhatIsApprovedTakesUpACorrectionOnlyWhenItIsRefused) {
  SubmitComplete();
  ASSERT_THAT(Approve(kApprover), IsOk());
  ASSERT_THAT(Arrives(Correction()), IsOk());
  EXPECT_EQ(Get(kAuthor).state(), v1::Response::APPROVED);
  EXPECT_EQ(Get(kAuthor).report().revision(), 0);
  ASSERT_THAT(Arrives(Refusal()), IsOk());
  const v1::Response response = Get(kAuthor);
  EXPECT_EQ(response.state(), v1::Response::OPEN) << "what must be answered is not what it was";
  EXPECT_EQ(response.report().revision(), 2);
  EXPECT_EQ(response.findings_to_answer_size(), 2);
  EXPECT_FALSE(response.has_waiting_correction());
}

TEST_F(ReportsTest, WhatIsApprovedIsClosedByAWithdrawalOnlyWhenItIsRefused) {
  SubmitComplete();
  ASSERT_THAT(Approve(kApprover), IsOk());
  ASSERT_THAT(Arrives(Withdrawal()), IsOk());
  EXPECT_EQ(Get(kAuthor).state(), v1::Response::APPROVED);
  ASSERT_THAT(Arrives(Refusal()), IsOk());
  EXPECT_EQ(Get(kAuthor).state(), v1::Response::WITHDRAWN);
  EXPECT_EQ(Get(kAuthor).closure().kind(), v1::Closure::REPORT_WITHDRAWN);
}

}  // namespace
}  // namespace section55::authoring
