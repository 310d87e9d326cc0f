// What a force is writing: its own until it is sent.
#include "tests/service/authoring/fixture.h"

namespace section55::authoring {
namespace {

const Person kOfficer = {"olga", {"contributor@forces/norfolk"}};

class DraftsTest : public AuthoringTest {
 protected:
  grpc::Status Save(const Person& person, const v1::DraftContribution& draft, v1::DraftContribution* saved = nullptr,
                    const std::string& request_id = "") {
    v1::SaveDraftContributionRequest request;
    request.set_name(kNorfolk);
    *request.mutable_draft() = draft;
    request.set_request_id(request_id);
    v1::DraftContribution ignored;
    return stub_->SaveDraftContribution(As(person).get(), request, saved == nullptr ? &ignored : saved);
  }
  static v1::DraftContribution Saying(const std::string& text, const std::string& finding = "") {
    v1::DraftContribution draft;
    draft.mutable_contribution()->set_author("O. Officer");
    draft.mutable_contribution()->set_rank("Superintendent");
    draft.mutable_contribution()->set_text(text);
    draft.mutable_contribution()->set_finding(finding);
    return draft;
  }
  std::vector<v1::DraftContribution> List(const Person& person, int page_size = 0) {
    v1::ListDraftContributionsRequest request;
    request.set_parent(kNorfolk);
    request.set_page_size(page_size);
    std::vector<v1::DraftContribution> drafts;
    v1::ListDraftContributionsResponse page;
    do {
      EXPECT_THAT(stub_->ListDraftContributions(As(person).get(), request, &page), IsOk());
      drafts.insert(drafts.end(), page.drafts().begin(), page.drafts().end());
      request.set_page_token(page.next_page_token());
    } while (!page.next_page_token().empty());
    return drafts;
  }
  grpc::Status Send(const Person& person, const std::vector<std::string>& drafts = {}, v1::Response* sent = nullptr,
                    const std::string& request_id = "") {
    v1::SendDraftContributionsRequest request;
    request.set_name(kNorfolk);
    request.mutable_drafts()->Assign(drafts.begin(), drafts.end());
    request.set_request_id(request_id);
    v1::Response ignored;
    return stub_->SendDraftContributions(As(person).get(), request, sent == nullptr ? &ignored : sent);
  }
  bool IsBeingWritten(const Person& person) {
    v1::GetDraftProgressRequest request;
    request.set_name(kNorfolk);
    v1::DraftProgress progress;
    EXPECT_THAT(stub_->GetDraftProgress(As(person).get(), request, &progress), IsOk());
    return progress.being_written();
  }
};

TEST_F(DraftsTest, AreTheForcesOwnAndTheOfficeKnowsOnlyThatThereAreSome) {
  EXPECT_FALSE(IsBeingWritten(kAuthor));
  const std::string etag = Get(kAuthor).etag();
  v1::DraftContribution saved;
  ASSERT_THAT(Save(kOfficer, Saying("Half a sentence", "recommendation-5"), &saved), IsOk());
  EXPECT_EQ(saved.writer(), "people/olga");
  EXPECT_EQ(saved.contribution().finding(), "inspections/safe-to-share/findings/recommendation-5");
  EXPECT_TRUE(IsBeingWritten(kAuthor));
  EXPECT_EQ(Get(kAuthor).etag(), etag);
  EXPECT_EQ(Get(kAuthor).chief_officer().contributions_size(), 0);
  EXPECT_EQ(List(kChief).size(), 1u) << "officers see each other's";
  EXPECT_EQ(List(kAuditor).size(), 1u);
  v1::ListDraftContributionsRequest list;
  list.set_parent(kNorfolk);
  v1::ListDraftContributionsResponse page;
  for (const Person& person : {kAuthor, kApprover, kSuffolkChief, kOperator}) {
    EXPECT_THAT(stub_->ListDraftContributions(As(person).get(), list, &page),
                StatusIs(absl::StatusCode::kPermissionDenied));
    EXPECT_THAT(Save(person, Saying("x")), StatusIs(absl::StatusCode::kPermissionDenied));
  }
}

TEST_F(DraftsTest, AreSentByTheChiefOfficerAlone) {
  v1::DraftContribution one, two;
  ASSERT_THAT(Save(kOfficer, Saying("One."), &one), IsOk());
  ASSERT_THAT(Save(kOfficer, Saying("Two."), &two), IsOk());
  EXPECT_THAT(Send(kOfficer), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Send(kAuthor), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Send(kChief, {one.name(), one.name(), "bodies/norfolk-pcc/responses/safe-to-share/drafts/1"}),
              AllOf(ViolationOn("drafts[1]"), ViolationOn("drafts[2]")));
  v1::Response sent;
  ASSERT_THAT(Send(kChief, {two.name()}, &sent, "send-1"), IsOk());
  ASSERT_EQ(sent.chief_officer().contributions_size(), 1);
  EXPECT_EQ(sent.chief_officer().contributions(0).text(), "Two.");
  ASSERT_EQ(List(kChief).size(), 1u);
  EXPECT_EQ(List(kChief)[0].name(), one.name());
  ASSERT_THAT(Send(kChief, {two.name()}, &sent, "send-1"), IsOk()) << "a repeat";
  ASSERT_THAT(Send(kChief), IsOk());
  EXPECT_EQ(Get(kAuthor).chief_officer().contributions_size(), 2);
  EXPECT_FALSE(IsBeingWritten(kAuthor));
  EXPECT_THAT(Send(kChief), HasReason("NO_DRAFTS"));
  EXPECT_EQ(EventCounts()["ChiefOfficerCommented"], 2);
}

TEST_F(DraftsTest, OneThatBearsAContributionsIdReplacesIt) {
  ASSERT_THAT(Comment(kChief), IsOk());
  v1::DraftContribution draft = Saying("Better said.");
  draft.mutable_contribution()->set_id("contribution-1");
  ASSERT_THAT(Save(kOfficer, draft), IsOk());
  ASSERT_THAT(Send(kChief), IsOk());
  const v1::Response response = Get(kAuthor);
  ASSERT_EQ(response.chief_officer().contributions_size(), 1);
  EXPECT_EQ(response.chief_officer().contributions(0).text(), "Better said.");
}

TEST_F(DraftsTest, AreChangedAndThrownAwayByTheirEtags) {
  v1::DraftContribution draft;
  ASSERT_THAT(Save(kOfficer, Saying("One."), &draft, "draft-1"), IsOk());
  ASSERT_THAT(Save(kOfficer, Saying("One."), &draft, "draft-1"), IsOk());
  EXPECT_EQ(List(kOfficer).size(), 1u) << "a repeat";
  v1::DraftContribution changed = draft;
  changed.mutable_contribution()->set_text("Two.");
  ASSERT_THAT(Save(kChief, changed), IsOk());
  EXPECT_THAT(Save(kOfficer, changed), HasReason("ETAG_MISMATCH")) << "somebody else saved it";
  EXPECT_EQ(List(kOfficer)[0].contribution().text(), "Two.");
  EXPECT_EQ(List(kOfficer)[0].writer(), "people/chris");
  v1::DeleteDraftContributionRequest request;
  v1::DeleteDraftContributionResponse deleted;
  request.set_name(draft.name());
  request.set_etag(draft.etag());
  EXPECT_THAT(stub_->DeleteDraftContribution(As(kOfficer).get(), request, &deleted), HasReason("ETAG_MISMATCH"));
  request.clear_etag();
  request.set_request_id("delete-1");
  EXPECT_THAT(stub_->DeleteDraftContribution(As(kAuthor).get(), request, &deleted),
              StatusIs(absl::StatusCode::kPermissionDenied));
  ASSERT_THAT(stub_->DeleteDraftContribution(As(kOfficer).get(), request, &deleted), IsOk());
  ASSERT_THAT(stub_->DeleteDraftContribution(As(kOfficer).get(), request, &deleted), IsOk()) << "a repeat";
  request.set_request_id("delete-2");
  EXPECT_THAT(stub_->DeleteDraftContribution(As(kOfficer).get(), request, &deleted),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Save(kOfficer, changed), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(DraftsTest, NameEverythingThatIsWrongWithThemAndHaveTheirSize) {
  v1::DraftContribution draft;
  draft.mutable_contribution()->set_finding("recommendation-99");
  EXPECT_THAT(Save(kOfficer, draft),
              AllOf(ViolationOn("draft.contribution.author"), ViolationOn("draft.contribution.rank"),
                    ViolationOn("draft.contribution.text"), ViolationOn("draft.contribution.finding")));
  for (int i = 0; i < 10; ++i) {
    ASSERT_THAT(Save(kOfficer, Saying(std::string(50'000, 'x'))), IsOk());
  }
  EXPECT_THAT(Save(kOfficer, Saying(std::string(50'000, 'x'))), ViolationOn("draft.contribution.text"));
  EXPECT_EQ(List(kOfficer, 3).size(), 10u);
}

TEST_F(DraftsTest, AreNotForWhatTheOfficeHasSubmitted) {
  ASSERT_THAT(Save(kOfficer, Saying("Late.")), IsOk());
  ASSERT_NO_FATAL_FAILURE(SubmitComplete());
  EXPECT_THAT(Save(kOfficer, Saying("Later.")), HasReason("WRONG_STATE"));
  EXPECT_THAT(Send(kChief), HasReason("WRONG_STATE"));
  EXPECT_EQ(List(kOfficer).size(), 1u) << "nothing is lost";
  EXPECT_FALSE(IsBeingWritten(kAuthor));
}

}  // namespace
}  // namespace section55::authoring
