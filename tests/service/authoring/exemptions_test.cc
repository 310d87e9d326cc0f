// Exemptions: by two people, seen by everybody, revoked with a reason.
#include "tests/service/authoring/fixture.h"

namespace section55::authoring {
namespace {

const Person kRegistrar = {"reg", {"registrar"}};
const Person kBoth = {"una", {"author@bodies/norfolk-pcc", "approver@bodies/norfolk-pcc"}};

class ExemptionsTest : public AuthoringTest {
 protected:
  grpc::Status Exempt(const Person& person, v1::Exemption::Kind kind = v1::Exemption::CLEARLY_NOT_THE_SUBJECT,
                      const std::string& discharged_by = "", const std::string& request_id = "") {
    v1::ExemptResponseRequest request;
    request.set_name(kNorfolk);
    request.set_kind(kind);
    request.set_reason("Norfolk was not inspected.");
    request.set_discharged_by(discharged_by);
    request.set_request_id(request_id);
    v1::Response response;
    return stub_->ExemptResponse(As(person).get(), request, &response);
  }

  grpc::Status Confirm(const Person& person, const std::string& etag) {
    v1::ConfirmExemptionRequest request;
    request.set_name(kNorfolk);
    request.set_etag(etag);
    v1::Response response;
    return stub_->ConfirmExemption(As(person).get(), request, &response);
  }

  grpc::Status Revoke(const Person& person, v1::Response* response = nullptr) {
    v1::RevokeExemptionRequest request;
    request.set_name(kNorfolk);
    request.set_reason("The inspectorate disagrees.");
    v1::Response ignored;
    return stub_->RevokeExemption(As(person).get(), request, response == nullptr ? &ignored : response);
  }

  v1::ListExemptionsResponse List(const Person& person, const std::string& parent = "bodies/-",
                                  const std::string& filter = "") {
    v1::ListExemptionsRequest request;
    request.set_parent(parent);
    request.set_filter(filter);
    v1::ListExemptionsResponse page;
    EXPECT_THAT(stub_->ListExemptions(As(person).get(), request, &page), IsOk());
    return page;
  }

  void ExemptNorfolk() {
    ASSERT_THAT(Exempt(kAuthor), IsOk());
    ASSERT_THAT(Confirm(kApprover, Get(kApprover).etag()), IsOk());
  }
};

TEST_F(ExemptionsTest, TakesTwoPeopleAndTheTextThatWasRead) {
  ASSERT_THAT(Exempt(kAuthor), IsOk());
  EXPECT_THAT(Confirm(kApprover, ""), ViolationOn("etag"));
  EXPECT_THAT(Confirm(kAuthor, Get(kAuthor).etag()), StatusIs(absl::StatusCode::kPermissionDenied));
  ASSERT_THAT(Confirm(kApprover, Get(kApprover).etag()), IsOk());
  const v1::Response response = Get(kAuthor);
  EXPECT_EQ(response.state(), v1::Response::EXEMPT);
  EXPECT_EQ(response.exemption().confirmation().actor(), "people/pat");
  EXPECT_EQ(EventCounts()["ResponseExempted"], 1);
  v1::ResponseExempted told;
  ASSERT_TRUE(events_.back().payload().UnpackTo(&told));
  EXPECT_EQ(told.response(), kNorfolk);
  EXPECT_EQ(told.exemption().reason(), "Norfolk was not inspected.");
  EXPECT_EQ(events_.back().tenant(), "bodies/norfolk-pcc");
  EXPECT_THAT(SetComments(kAuthor, "x"), HasReason("WRONG_STATE"));
}

TEST_F(ExemptionsTest, OnePersonInBothRolesIsNoSecondPerson) {
  ASSERT_THAT(Exempt(kBoth), IsOk());
  EXPECT_THAT(Confirm(kBoth, Get(kBoth).etag()), HasReason("SECOND_PERSON_NEEDED"));
  EXPECT_THAT(Confirm(kApprover, Get(kApprover).etag()), IsOk());
}

TEST_F(ExemptionsTest, OthersCanNeitherProposeNorRevoke) {
  for (const Person& person : {kSuffolkAuthor, kChief, kAuditor, kRegistrar, kOperator}) {
    EXPECT_THAT(Exempt(person), StatusIs(absl::StatusCode::kPermissionDenied)) << person.subject;
  }
  ASSERT_NO_FATAL_FAILURE(ExemptNorfolk());
  for (const Person& person : {kSuffolkAuthor, kChief, kAuditor, kOperator}) {
    EXPECT_THAT(Revoke(person), StatusIs(absl::StatusCode::kPermissionDenied)) << person.subject;
  }
}

TEST_F(ExemptionsTest, TheRegistrarRevokesWithoutSeeingADraft) {
  ASSERT_THAT(SetComments(kAuthor, "Half a draft."), IsOk());
  ASSERT_NO_FATAL_FAILURE(ExemptNorfolk());
  v1::Response shown;
  ASSERT_THAT(Revoke(kRegistrar, &shown), IsOk());
  EXPECT_EQ(shown.state(), v1::Response::OPEN);
  EXPECT_EQ(shown.comments() + shown.etag(), "");
  EXPECT_EQ(shown.writers_size(), 0);
  EXPECT_EQ(Get(kAuthor).comments(), "Half a draft.");
  EXPECT_EQ(Get(kAuthor).exemption().revocation().actor(), "people/reg");
  EXPECT_EQ(EventCounts()["ExemptionRevoked"], 1);
  EXPECT_THAT(List(kAuthor).responses(), IsEmpty());
}

TEST_F(ExemptionsTest, EverybodySeesWhatIsExemptAndNothingElseOfIt) {
  ASSERT_THAT(SetComments(kAuthor, "Half a draft."), IsOk());
  ASSERT_THAT(Exempt(kAuthor), IsOk());
  EXPECT_THAT(List(kSuffolkChief).responses(), IsEmpty()) << "only proposed";
  ASSERT_THAT(Confirm(kApprover, Get(kApprover).etag()), IsOk());
  for (const Person& person : {kSuffolkAuthor, kChief, kOperator}) {
    const v1::ListExemptionsResponse page = List(person);
    ASSERT_EQ(page.responses_size(), 1) << person.subject;
    const v1::Response& shown = page.responses(0);
    EXPECT_EQ(shown.name(), kNorfolk);
    EXPECT_EQ(shown.exemption().reason(), "Norfolk was not inspected.");
    EXPECT_EQ(shown.exemption().proposal().actor() + shown.comments() + shown.etag(), "");
  }
  EXPECT_EQ(List(kSuffolkAuthor, "bodies/norfolk-pcc").responses_size(), 1);
  EXPECT_EQ(List(kSuffolkAuthor, "bodies/suffolk-pcc").responses_size(), 0);
  EXPECT_EQ(List(kSuffolkAuthor, "bodies/-", "inspection = \"inspections/safe-to-share\"").responses_size(), 1);
  EXPECT_EQ(List(kSuffolkAuthor, "bodies/-", "inspection = \"inspections/other\"").responses_size(), 0);
  v1::Response suffolks;
  EXPECT_THAT(Get(kSuffolkAuthor, kNorfolk, &suffolks), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(Get(kChief).exemption().kind(), v1::Exemption::CLEARLY_NOT_THE_SUBJECT);
}

TEST_F(ExemptionsTest, WhatDischargesAResponseIsOwedItself) {
  const auto same = v1::Exemption::SAME_FINDINGS_AS_FORCE_REPORT;
  constexpr char kPeel[] = "bodies/norfolk-pcc/responses/peel-norfolk";
  EXPECT_THAT(Exempt(kAuthor, same, kPeel), HasReason("NOT_DISCHARGED"));
  registry::v1::InspectionPublished peel = SafeToShare();
  peel.mutable_inspection()->set_name("inspections/peel-norfolk");
  peel.mutable_obligations()->DeleteSubrange(1, 1);
  peel.mutable_obligations(0)->clear_findings_to_answer();
  ASSERT_THAT(Arrives(peel), IsOk());
  ASSERT_THAT(Exempt(kAuthor, same, kPeel), IsOk());
  registry::v1::InspectionWithdrawn withdrawn;
  *withdrawn.mutable_inspection() = peel.inspection();
  withdrawn.mutable_inspection()->set_revision(2);
  withdrawn.mutable_inspection()->mutable_update_time()->set_seconds(2'000'000'000);
  withdrawn.set_reason("Registered twice");
  ASSERT_THAT(Arrives(withdrawn), IsOk());
  EXPECT_THAT(Confirm(kApprover, Get(kApprover).etag()), HasReason("NOT_DISCHARGED"));
  EXPECT_EQ(Get(kAuthor).state(), v1::Response::OPEN);
}

TEST_F(ExemptionsTest, TheChiefOfficersDayRunsOnWhenItIsOwedAgain) {
  ASSERT_THAT(Invite(absl::CivilDay(2021, 1, 14)), IsOk());
  ASSERT_NO_FATAL_FAILURE(ExemptNorfolk());
  EXPECT_THAT(*jobs_.List("bodies/norfolk-pcc", false, {}, 10), IsEmpty()) << "nothing is asked while it is exempt";
  ASSERT_THAT(Revoke(kApprover), IsOk());
  const auto jobs = jobs_.List("bodies/norfolk-pcc", false, {}, 10);
  ASSERT_THAT(jobs, IsOk());
  ASSERT_EQ(jobs->size(), 1u);
  EXPECT_EQ(base::FromTimestamp((*jobs)[0].due_time()),
            absl::FromCivil(absl::CivilDay(2021, 1, 15), absl::UTCTimeZone()));
}

TEST_F(ExemptionsTest, ARepeatedProposalIsAnsweredOnce) {
  ASSERT_THAT(Exempt(kAuthor, v1::Exemption::NOT_A_REPORT_UNDER_S55, "", "exempt-1"), IsOk());
  const std::string etag = Get(kAuthor).etag();
  ASSERT_THAT(Exempt(kAuthor, v1::Exemption::NOT_A_REPORT_UNDER_S55, "", "exempt-1"), IsOk());
  EXPECT_EQ(Get(kAuthor).etag(), etag);
}

}  // namespace
}  // namespace section55::authoring
