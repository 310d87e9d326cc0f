// inspection-registry in process: a report's life after its publication, forces and bodies that change, and what repeats what.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/service/registry/fixture.h"

namespace section55::registry {
namespace {

using section55::testing::AsStatus;
using section55::testing::EqualsProto;
using section55::testing::HasReason;
using section55::testing::IsOk;
using section55::testing::StatusIs;
using section55::testing::ViolationOn;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using v1::InspectionRevision;

class LifeTest : public RegistryTest {
 protected:
  LifeTest() {
    RegisterEverybody();
    Create();
  }

  static v1::CorrectInspectionRequest Correction(const std::string& title) {
    v1::CorrectInspectionRequest request;
    request.mutable_inspection()->set_name("inspections/safe-to-share");
    request.mutable_inspection()->set_title(title);
    request.mutable_update_mask()->add_paths("title");
    request.set_reason("Typing error");
    return request;
  }

  absl::Status Correct(const v1::CorrectInspectionRequest& request, Inspection* answer = nullptr) {
    Inspection ignored;
    return AsStatus(stub_->CorrectInspection(Registrar().get(), request, answer == nullptr ? &ignored : answer));
  }

  absl::Status Withdraw(bool validate_only = false, Inspection* answer = nullptr) {
    v1::WithdrawInspectionRequest request;
    request.set_name("inspections/safe-to-share");
    request.set_reason("Published by mistake");
    request.set_validate_only(validate_only);
    Inspection ignored;
    return AsStatus(stub_->WithdrawInspection(Registrar().get(), request, answer == nullptr ? &ignored : answer));
  }

  absl::StatusOr<InspectionRevision> Revision(int number) {
    v1::GetInspectionRevisionRequest request;
    request.set_name(fmt::format("inspections/safe-to-share/revisions/{}", number));
    InspectionRevision revision;
    const absl::Status status = AsStatus(stub_->GetInspectionRevision(Author().get(), request, &revision));
    return status.ok() ? absl::StatusOr<InspectionRevision>(revision) : status;
  }

  v1::GetRelationsResponse Relations(const std::string& name) {
    v1::GetRelationsRequest request;
    request.set_name(name);
    v1::GetRelationsResponse response;
    EXPECT_THAT(stub_->GetRelations(Author().get(), request, &response), IsOk());
    return response;
  }
};

template <typename List>
std::vector<std::string> Names(const List& list) {
  std::vector<std::string> names;
  for (const auto& one : list) {
    names.push_back(one.name());
  }
  return names;
}

TEST_F(LifeTest, WhatPublishingWouldDoIsShownAndNotDone) {
  v1::PublishInspectionRequest request;
  request.set_name("inspections/safe-to-share");
  request.set_validate_only(true);
  request.set_request_id("look");
  Inspection shown;
  ASSERT_THAT(stub_->PublishInspection(Registrar().get(), request, &shown), IsOk());
  EXPECT_TRUE(shown.effect().validate_only());
  EXPECT_THAT(shown.effect().opens(), SizeIs(43));
  EXPECT_EQ(shown.effect().due_date().day(), 10);
  EXPECT_EQ(shown.etag(), "v1");
  EXPECT_EQ(Stored().state(), Inspection::DRAFT);
  EXPECT_EQ(CountEvents(), 44);
  EXPECT_THAT(Revision(1), StatusIs(absl::StatusCode::kNotFound));
  // Looking does not use up the request id.
  request.set_validate_only(false);
  ASSERT_THAT(stub_->PublishInspection(Registrar().get(), request, &shown), IsOk());
  EXPECT_EQ(Stored().state(), Inspection::PUBLISHED);
}

TEST_F(LifeTest, ACorrectionIsToldByOneEventAndKeptInTheHistory) {
  ASSERT_THAT(Publish(), IsOk());
  server_.clock().Advance(absl::Hours(24));
  v1::CorrectInspectionRequest look = Correction("Safe to share? (corrected)");
  look.set_validate_only(true);
  Inspection shown;
  ASSERT_THAT(Correct(look, &shown), IsOk());
  EXPECT_THAT(shown.effect().keeps(), SizeIs(43));
  EXPECT_EQ(CountEvents(), 45);

  Inspection corrected;
  ASSERT_THAT(Correct(Correction("Safe to share? (corrected)"), &corrected), IsOk());
  EXPECT_EQ(corrected.revision(), 2);
  EXPECT_EQ(corrected.etag(), "v3");
  EXPECT_EQ(CountEvents(), 46);
  v1::InspectionCorrected payload;
  ASSERT_TRUE(Events(46).back().payload().UnpackTo(&payload));
  EXPECT_EQ(payload.reason(), "Typing error");
  EXPECT_THAT(payload.obligations(), SizeIs(43));
  ASSERT_THAT(payload.changes(), SizeIs(1));
  EXPECT_EQ(payload.changes(0).part(), "title");
  corrected.clear_effect();
  EXPECT_THAT(Stored(), EqualsProto(corrected));

  const auto first = Revision(1);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->inspection().title(), SafeToShare().title());
  EXPECT_EQ(first->kind(), InspectionRevision::PUBLICATION);
  EXPECT_THAT(Revision(2)->bodies(), SizeIs(43));
  EXPECT_EQ(Revision(2)->reason(), "Typing error");
  EXPECT_THAT(Revision(3), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Correct(Correction("Safe to share? (corrected)")), HasReason("NO_CHANGE"));
}

TEST_F(LifeTest, TheHistoryIsListedTheLatestFirstWithoutFindings) {
  ASSERT_THAT(Publish(), IsOk());
  ASSERT_THAT(Correct(Correction("Another title")), IsOk());
  ASSERT_THAT(Withdraw(), IsOk());
  v1::ListInspectionRevisionsRequest request;
  request.set_parent("inspections/safe-to-share");
  request.set_page_size(2);
  v1::ListInspectionRevisionsResponse page;
  ASSERT_THAT(stub_->ListInspectionRevisions(Author().get(), request, &page), IsOk());
  EXPECT_THAT(Names(page.revisions()),
              ElementsAre("inspections/safe-to-share/revisions/3", "inspections/safe-to-share/revisions/2"));
  EXPECT_EQ(page.revisions(0).kind(), InspectionRevision::WITHDRAWAL);
  EXPECT_THAT(page.revisions(0).not_owed(), SizeIs(43));
  EXPECT_THAT(page.revisions(1).inspection().findings(), IsEmpty());
  request.set_page_token(page.next_page_token());
  ASSERT_THAT(stub_->ListInspectionRevisions(Author().get(), request, &page), IsOk());
  EXPECT_THAT(Names(page.revisions()), ElementsAre("inspections/safe-to-share/revisions/1"));
  EXPECT_THAT(page.next_page_token(), IsEmpty());
}

TEST_F(LifeTest, ADraftHasNoHistoryToOthers) {
  v1::ListInspectionRevisionsRequest request;
  request.set_parent("inspections/safe-to-share");
  v1::ListInspectionRevisionsResponse page;
  EXPECT_THAT(stub_->ListInspectionRevisions(Author().get(), request, &page), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(stub_->ListInspectionRevisions(Registrar().get(), request, &page), IsOk());
  EXPECT_THAT(page.revisions(), IsEmpty());
  EXPECT_THAT(Correct(Correction("x")), HasReason("WRONG_STATE"));
  EXPECT_THAT(Withdraw(), HasReason("WRONG_STATE"));
  v1::GetFindingRequest finding;
  finding.set_name("inspections/safe-to-share/findings/recommendation-5");
  v1::Finding read;
  EXPECT_THAT(stub_->GetFinding(Author().get(), finding, &read), StatusIs(absl::StatusCode::kNotFound));
  ASSERT_THAT(stub_->GetFinding(Registrar().get(), finding, &read), IsOk());
  EXPECT_EQ(read.number(), "5");
}

TEST_F(LifeTest, WithdrawingTellsWhyAndAReportMayBePublishedAgain) {
  ASSERT_THAT(Publish(), IsOk());
  Inspection shown;
  ASSERT_THAT(Withdraw(true, &shown), IsOk());
  EXPECT_THAT(shown.effect().closes(), SizeIs(43));
  EXPECT_EQ(Stored().state(), Inspection::PUBLISHED);
  ASSERT_THAT(Withdraw(), IsOk());
  EXPECT_EQ(Stored().withdrawal_reason(), "Published by mistake");
  v1::InspectionWithdrawn payload;
  ASSERT_TRUE(Events(46).back().payload().UnpackTo(&payload));
  EXPECT_EQ(payload.reason(), "Published by mistake");
  v1::CorrectInspectionRequest again;
  again.mutable_inspection()->set_name("inspections/safe-to-share");
  again.set_reason("It was right after all");
  ASSERT_THAT(Correct(again), IsOk());
  EXPECT_EQ(Stored().state(), Inspection::PUBLISHED);
  EXPECT_EQ(Stored().revision(), 3);
}

TEST_F(LifeTest, EveryViolationOfACorrectionIsNamedAtOnce) {
  ASSERT_THAT(Publish(), IsOk());
  v1::CorrectInspectionRequest bad = Correction("");
  bad.clear_reason();
  bad.mutable_inspection()->set_url("nowhere");
  bad.mutable_inspection()->mutable_scope()->add_forces("forces/atlantis");
  for (const char* path : {"url", "scope", "state"}) {
    bad.mutable_update_mask()->add_paths(path);
  }
  bad.set_clock_reason("Because");
  EXPECT_THAT(Correct(bad), AllOf(ViolationOn("inspection.title"), ViolationOn("reason"), ViolationOn("inspection.url"),
                                  ViolationOn("inspection.scope.forces[0]"), ViolationOn("update_mask.paths[3]"),
                                  ViolationOn("clock_reason")));
  EXPECT_EQ(Stored().revision(), 1);
  v1::CorrectInspectionRequest late = Correction("x");
  late.set_etag("v1");
  EXPECT_THAT(Correct(late), HasReason("ETAG_MISMATCH"));
}

TEST_F(LifeTest, OnlyARegistrarChangesThese) {
  Inspection inspection;
  v1::Body body;
  v1::Force force;
  const auto is_refused = StatusIs(absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(stub_->CorrectInspection(Author().get(), {}, &inspection), is_refused);
  EXPECT_THAT(stub_->WithdrawInspection(Author().get(), {}, &inspection), is_refused);
  EXPECT_THAT(stub_->UpdateBody(Author().get(), {}, &body), is_refused);
  EXPECT_THAT(stub_->SucceedBody(Author().get(), {}, &body), is_refused);
  EXPECT_THAT(stub_->UpdateForce(Author().get(), {}, &force), is_refused);
  EXPECT_THAT(stub_->SucceedForce(Author().get(), {}, &force), is_refused);
}

TEST_F(LifeTest, AForceRegisteredByMistakeStopsNoReportForEver) {
  v1::Force atlantis = RegisteredForces().forces[0];
  atlantis.set_name("forces/atlantis");
  RegisterForce(atlantis);
  EXPECT_THAT(Publish(), HasReason("NO_BODY"));
  v1::UpdateForceRequest request;
  request.mutable_force()->set_name("forces/atlantis");
  request.mutable_force()->set_registered_by_mistake(true);
  request.mutable_update_mask()->add_paths("registered_by_mistake");
  v1::Force force;
  ASSERT_THAT(stub_->UpdateForce(Registrar().get(), request, &force), IsOk());
  EXPECT_EQ(force.etag(), "v2");
  EXPECT_THAT(Publish(), IsOk());
  v1::ForceChanged changed;
  ASSERT_TRUE(Events(46)[44].payload().UnpackTo(&changed));
  EXPECT_THAT(changed.force(), EqualsProto(force));
}

TEST_F(LifeTest, ABodyIsPutRightAndTheOthersAreTold) {
  v1::UpdateBodyRequest request;
  request.mutable_body()->set_name("bodies/norfolk-pcc");
  request.mutable_body()->set_place_name("Norfolk");
  request.mutable_body()->mutable_public_contact()->set_website("https://www.norfolk-pcc.gov.uk");
  *request.mutable_body()->mutable_register_since() = base::ToProtoDate(absl::CivilDay(2020, 1, 1));
  for (const char* path : {"place_name", "public_contact", "register_since"}) {
    request.mutable_update_mask()->add_paths(path);
  }
  request.set_etag("v1");
  v1::Body body;
  ASSERT_THAT(stub_->UpdateBody(Registrar().get(), request, &body), IsOk());
  EXPECT_EQ(body.place_name(), "Norfolk");
  EXPECT_EQ(body.display_name(), "Body of norfolk");
  EXPECT_THAT(stub_->UpdateBody(Registrar().get(), request, &body), HasReason("ETAG_MISMATCH"));
  v1::BodyChanged changed;
  const auto events = Events(45);
  ASSERT_TRUE(events[44].payload().UnpackTo(&changed));
  EXPECT_EQ(events[44].tenant(), "bodies/norfolk-pcc");
  EXPECT_EQ(changed.body().public_contact().website(), "https://www.norfolk-pcc.gov.uk");
  EXPECT_EQ(changed.force().name(), "forces/norfolk");
  request.clear_etag();
  request.mutable_body()->set_force("forces/suffolk");
  request.mutable_update_mask()->add_paths("force");
  EXPECT_THAT(stub_->UpdateBody(Registrar().get(), request, &body), HasReason("FORCE_HAS_BODY"));
  request.mutable_body()->set_name("bodies/atlantis");
  EXPECT_THAT(stub_->UpdateBody(Registrar().get(), request, &body), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(LifeTest, In2028TheBoardComesInThePlaceOfTheCommissioner) {
  v1::CreateBodyRequest create;
  create.set_body_id("norfolk-board");
  create.mutable_body()->set_display_name("Norfolk Policing and Crime Board");
  create.mutable_body()->set_kind(v1::Body::POLICING_AND_CRIME_BOARD);
  *create.mutable_body()->mutable_valid_from() = base::ToProtoDate(absl::CivilDay(2028, 5, 8));
  v1::Body board;
  ASSERT_THAT(stub_->CreateBody(Registrar().get(), create, &board), IsOk());
  v1::SucceedBodyRequest request;
  request.set_name("bodies/norfolk-pcc");
  request.set_successor("bodies/norfolk-board");
  *request.mutable_date() = base::ToProtoDate(absl::CivilDay(2028, 5, 8));
  request.set_reason("Police and crime commissioners are abolished");
  v1::Body old;
  ASSERT_THAT(stub_->SucceedBody(Registrar().get(), request, &old), IsOk());
  EXPECT_EQ(old.succession().successor(), "bodies/norfolk-board");
  v1::GetBodyRequest get;
  get.set_name("bodies/norfolk-pcc");
  v1::Body read;
  ASSERT_THAT(stub_->GetBody(Author().get(), get, &read), IsOk()) << "old names still resolve";
  EXPECT_THAT(read, EqualsProto(old));
  get.set_name("bodies/norfolk-board");
  ASSERT_THAT(stub_->GetBody(Author().get(), get, &read), IsOk());
  EXPECT_EQ(read.force(), "forces/norfolk");
  EXPECT_THAT(read.predecessors(), ElementsAre("bodies/norfolk-pcc"));
  v1::BodySucceeded payload;
  ASSERT_TRUE(Events(46).back().payload().UnpackTo(&payload));
  EXPECT_EQ(payload.force().name(), "forces/norfolk");
  EXPECT_THAT(stub_->SucceedBody(Registrar().get(), request, &old), HasReason("HAS_SUCCESSOR"));

  // A report published after the day concerns the successor.
  server_.clock().Set(absl::FromCivil(absl::CivilSecond(2028, 5, 8, 12, 0, 0), absl::UTCTimeZone()));
  Inspection published;
  ASSERT_THAT(Publish("", "", &published), IsOk());
  std::vector<std::string> bodies;
  for (const auto& owed : published.effect().opens()) {
    bodies.push_back(owed.body());
  }
  EXPECT_THAT(bodies, ::testing::Contains("bodies/norfolk-board"));
  EXPECT_THAT(bodies, ::testing::Not(::testing::Contains("bodies/norfolk-pcc")));
}

TEST_F(LifeTest, WhatWasRaisedBeforeIsReadInBothDirections) {
  ASSERT_THAT(Publish(), IsOk());
  const auto repeat = [&](const std::string& id, const std::string& finding) {
    Inspection inspection = SafeToShare();
    inspection.set_short_title("Report " + id);
    auto& repeats = *inspection.mutable_findings(0)->add_relations();
    repeats.set_kind(v1::FindingRelation::REPEATS);
    repeats.set_finding(finding);
    auto& relation = *inspection.add_relations();
    relation.set_kind(v1::Relation::SUPERSEDES);
    relation.set_inspection(finding.substr(0, finding.find("/findings")));
    Create(inspection, id);
  };
  repeat("second", "inspections/safe-to-share/findings/recommendation-1");
  v1::PublishInspectionRequest publish;
  publish.set_name("inspections/second");
  Inspection answer;
  // Relations of drafts are nobody's business.
  EXPECT_THAT(Relations("inspections/safe-to-share/findings/recommendation-1").later(), IsEmpty());
  ASSERT_THAT(stub_->PublishInspection(Registrar().get(), publish, &answer), IsOk());
  repeat("third", "inspections/second/findings/recommendation-1");
  publish.set_name("inspections/third");
  ASSERT_THAT(stub_->PublishInspection(Registrar().get(), publish, &answer), IsOk());

  const auto third = Relations("inspections/third/findings/recommendation-1");
  EXPECT_THAT(Names(third.earlier()), ElementsAre("inspections/second/findings/recommendation-1",
                                                  "inspections/safe-to-share/findings/recommendation-1"));
  EXPECT_EQ(third.times_raised(), 3) << "raised for the third time";
  EXPECT_EQ(third.earlier(0).kind(), "REPEATS");
  EXPECT_EQ(third.earlier(1).distance(), 2);
  EXPECT_EQ(third.earlier(0).title(), "Report second");
  EXPECT_THAT(third.later(), IsEmpty());
  const auto first = Relations("inspections/safe-to-share/findings/recommendation-1");
  EXPECT_THAT(Names(first.later()), ElementsAre("inspections/second/findings/recommendation-1",
                                                "inspections/third/findings/recommendation-1"));
  EXPECT_EQ(first.times_raised(), 1);
  EXPECT_THAT(Names(Relations("inspections/safe-to-share").later()),
              ElementsAre("inspections/second", "inspections/third"));
  EXPECT_EQ(Relations("inspections/second").earlier(0).kind(), "SUPERSEDES");

  v1::GetRelationsRequest missing;
  missing.set_name("inspections/safe-to-share/findings/nowhere");
  v1::GetRelationsResponse response;
  EXPECT_THAT(stub_->GetRelations(Author().get(), missing, &response), StatusIs(absl::StatusCode::kNotFound));
  missing.set_name("bodies/norfolk-pcc");
  EXPECT_THAT(stub_->GetRelations(Author().get(), missing, &response), ViolationOn("name"));
}

}  // namespace
}  // namespace section55::registry
