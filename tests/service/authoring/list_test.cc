// Lists: whose responses, in which order, and how much at a time. Responses as large as they can be.
#include "libs/base/limits.h"
#include "tests/service/authoring/fixture.h"

namespace section55::authoring {
namespace {

TEST_F(AuthoringTest, AListAcrossBodiesShowsEachCallerTheirOwn) {
  const auto names = [&](const Person& person, const std::string& filter = "") {
    v1::ListResponsesRequest request;
    request.set_parent("bodies/-");
    request.set_filter(filter);
    v1::ListResponsesResponse list;
    EXPECT_THAT(stub_->ListResponses(As(person).get(), request, &list), IsOk());
    std::vector<std::string> found;
    for (const auto& response : list.responses()) {
      found.push_back(response.name());
    }
    return found;
  };
  EXPECT_THAT(names(kAuthor), ElementsAre(kNorfolk));
  EXPECT_THAT(names(kChief), ElementsAre(kNorfolk));
  EXPECT_THAT(names(kAuditor), ElementsAre(kNorfolk, kSuffolk));
  EXPECT_THAT(names(kAuditor, "state = \"IN_REVIEW\""), IsEmpty());
  EXPECT_THAT(names(kAuditor, "inspection = \"inspections/safe-to-share\" AND state = OPEN"),
              ElementsAre(kNorfolk, kSuffolk));
}

TEST_F(AuthoringTest, AListWalksTheCallersBodiesInOrder) {
  const Person force = {"fay", {"contributor@forces/suffolk", "chief-officer@forces/norfolk", "author@bodies/nowhere"}};
  std::vector<std::string> names;
  v1::ListResponsesRequest request;
  request.set_parent("bodies/-");
  request.set_page_size(1);
  do {
    v1::ListResponsesResponse page;
    ASSERT_THAT(stub_->ListResponses(As(force).get(), request, &page), IsOk());
    ASSERT_EQ(page.responses_size(), 1);
    names.push_back(page.responses(0).name());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(names, ElementsAre(kNorfolk, kSuffolk));
}

TEST_F(AuthoringTest, PagesAreBoundToTheirQuery) {
  v1::ListResponsesRequest request;
  request.set_parent("bodies/-");
  request.set_page_size(1);
  v1::ListResponsesResponse first;
  ASSERT_THAT(stub_->ListResponses(As(kAuditor).get(), request, &first), IsOk());
  ASSERT_EQ(first.responses_size(), 1);
  request.set_page_token(first.next_page_token());
  v1::ListResponsesResponse second;
  ASSERT_THAT(stub_->ListResponses(As(kAuditor).get(), request, &second), IsOk());
  EXPECT_EQ(second.responses(0).name(), kSuffolk);
  EXPECT_EQ(second.next_page_token(), "");
  request.set_filter("state = OPEN");
  EXPECT_THAT(stub_->ListResponses(As(kAuditor).get(), request, &second), ViolationOn("page_token"));
  request.set_page_size(-1);
  EXPECT_THAT(stub_->ListResponses(As(kAuditor).get(), request, &second), ViolationOn("page_size"));
}

// A report of 111 recommendations, about as long as a report can be, that both bodies must answer.
registry::v1::InspectionPublished LargeReport() {
  registry::v1::InspectionPublished published;
  registry::v1::Inspection& inspection = *published.mutable_inspection();
  inspection.set_name("inspections/large");
  inspection.set_basis(registry::v1::Inspection::STATUTE_S55);
  *inspection.mutable_publication_date() = base::ToProtoDate(absl::CivilDay(2020, 12, 17));
  for (const char* area : {"norfolk", "suffolk"}) {
    auto& obligation = *published.add_obligations();
    obligation.mutable_body()->set_name(std::string("bodies/") + area + "-pcc");
    obligation.mutable_force()->set_name(std::string("forces/") + area);
  }
  for (int number = 1; number <= 111; ++number) {
    registry::v1::Finding& finding = *inspection.add_findings();
    finding.set_id("recommendation-" + std::to_string(number));
    finding.set_number(std::to_string(number));
    finding.set_kind(registry::v1::Finding::RECOMMENDATION);
    finding.set_text(std::string(9'300, 'x'));
    for (auto& obligation : *published.mutable_obligations()) {
      obligation.add_findings_to_answer("inspections/large/findings/" + finding.id());
    }
  }
  return published;
}

std::string Table(size_t bytes) {
  std::string text = "| what | when |\n|---|---|\n";
  while (text.size() < bytes) {
    text += "| an action that the body proposes, in words | by the end of June |\n";
  }
  return text;
}

v1::SubmitChiefOfficerCommentsRequest LongComments(const std::string& response, int count) {
  v1::SubmitChiefOfficerCommentsRequest request;
  request.set_name(response);
  for (int i = 0; i < count; ++i) {
    auto* contribution = request.add_contributions();
    contribution->set_author("An Officer");
    contribution->set_rank("Inspector");
    contribution->set_text(std::string(50'000, 'x'));
  }
  return request;
}

class LargeResponseTest : public AuthoringTest {
 protected:
  LargeResponseTest() { EXPECT_THAT(Arrives(LargeReport()), IsOk()); }

  // The office and the force write as much as each of them may.
  void Fill(const std::string& area, const Person& author, const Person& chief) {
    const std::string name = "bodies/" + area + "-pcc/responses/large";
    v1::Response response;
    ASSERT_THAT(stub_->SubmitChiefOfficerComments(As(chief).get(), LongComments(name, 10), &response), IsOk());
    v1::UpdateResponseRequest update;
    update.mutable_response()->set_name(name);
    update.mutable_response()->set_comments("Our comments.");
    for (int number = 1; number <= 111; ++number) {
      auto& answer = *update.mutable_response()->add_answers();
      answer.set_finding("recommendation-" + std::to_string(number));
      answer.set_kind(v1::Answer::ACTION_PROPOSED);
      answer.set_explanation(Table(13'900));
    }
    ASSERT_THAT(stub_->UpdateResponse(As(author).get(), update, &response), IsOk());
  }
};

TEST_F(LargeResponseTest, IsReadListedSubmittedApprovedAndTold) {
  const std::string name = "bodies/norfolk-pcc/responses/large";
  ASSERT_GT(LargeReport().inspection().ByteSizeLong(), base::kLargestReport - 20'000);
  ASSERT_NO_FATAL_FAILURE(Fill("norfolk", kAuthor, kChief));
  const v1::Response whole = Get(kAuthor, name);
  EXPECT_EQ(whole.report().findings_size(), 111);
  EXPECT_EQ(whole.answers_size(), 111);
  EXPECT_GT(whole.ByteSizeLong(), base::kLargestResponse - base::kLargestResponseFrame - 200'000);

  v1::InviteChiefOfficerRequest invite;
  invite.set_name(name);
  *invite.mutable_comments_due_date() = base::ToProtoDate(absl::CivilDay(2021, 1, 14));
  v1::Response response;
  ASSERT_THAT(stub_->InviteChiefOfficer(As(kAuthor).get(), invite, &response), IsOk());
  v1::SubmitResponseRequest submit;
  submit.set_name(name);
  submit.set_etag(response.etag());
  ASSERT_THAT(stub_->SubmitResponse(As(kAuthor).get(), submit, &response), IsOk());
  v1::ApproveResponseRequest approve;
  approve.set_name(name);
  approve.set_etag(response.etag());
  approve.set_request_id("approve-large");
  ASSERT_THAT(stub_->ApproveResponse(As(kApprover).get(), approve, &response), IsOk());
  ASSERT_THAT(stub_->ApproveResponse(As(kApprover).get(), approve, &response), IsOk()) << "answered again";
  EventCounts();
  v1::ResponseApproved approved;
  ASSERT_TRUE(events_.back().payload().UnpackTo(&approved));
  EXPECT_EQ(approved.response().report().findings_size(), 111);
  EXPECT_EQ(approved.response().answers(110).explanation(), Table(13'900));
}

TEST_F(LargeResponseTest, APageEndsBeforeItOutgrowsAMessage) {
  ASSERT_NO_FATAL_FAILURE(Fill("norfolk", kAuthor, kChief));
  ASSERT_NO_FATAL_FAILURE(Fill("suffolk", kSuffolkAuthor, kSuffolkChief));
  v1::ListResponsesRequest request;
  request.set_parent("bodies/-");
  request.set_filter("inspection = inspections/large");
  std::vector<std::string> names;
  do {
    v1::ListResponsesResponse page;
    ASSERT_THAT(stub_->ListResponses(As(kAuditor).get(), request, &page), IsOk());
    ASSERT_EQ(page.responses_size(), 1);
    EXPECT_EQ(page.responses(0).report().findings_size(), 111);
    names.push_back(page.responses(0).name());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(names, ElementsAre("bodies/norfolk-pcc/responses/large", "bodies/suffolk-pcc/responses/large"));
  // Without texts both fit.
  request.set_view(v1::RESPONSE_VIEW_BASIC);
  v1::ListResponsesResponse page;
  ASSERT_THAT(stub_->ListResponses(As(kAuditor).get(), request, &page), IsOk());
  EXPECT_EQ(page.responses_size(), 2);
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(AuthoringTest, WhatWouldGrowTooLargeChangesNothing) {
  v1::Response response;
  ASSERT_THAT(stub_->SubmitChiefOfficerComments(As(kChief).get(), LongComments(kNorfolk, 10), &response), IsOk());
  const v1::Response before = Get(kAuditor);
  EXPECT_THAT(stub_->SubmitChiefOfficerComments(As(kChief).get(), LongComments(kNorfolk, 1), &response),
              ViolationOn("contributions"));
  EXPECT_EQ(Get(kAuditor).SerializeAsString(), before.SerializeAsString());
  EXPECT_THAT(SetComments(kAuthor, std::string(50'000, 'x')), IsOk()) << "the office has its own room";
}

}  // namespace
}  // namespace section55::authoring
