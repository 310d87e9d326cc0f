// inspection-registry in process: who may call, what a caller is told, and what the others hear of it.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

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
using ::testing::UnorderedElementsAre;

constexpr absl::StatusCode kAborted = absl::StatusCode::kAborted;
constexpr absl::StatusCode kNotFound = absl::StatusCode::kNotFound;

TEST_F(RegistryTest, OnlyARegistrarRegisters) {
  v1::Force force;
  v1::Body body;
  Inspection inspection;
  const auto is_refused = StatusIs(absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(stub_->CreateForce(Author().get(), {}, &force), is_refused);
  EXPECT_THAT(stub_->CreateBody(Author().get(), {}, &body), is_refused);
  EXPECT_THAT(stub_->CreateInspection(Author().get(), InspectionRequest(), &inspection), is_refused);
  EXPECT_THAT(stub_->UpdateInspection(Author().get(), UpdateRequest("x"), &inspection), is_refused);
  EXPECT_THAT(stub_->PublishInspection(Author().get(), {}, &inspection), is_refused);
  EXPECT_THAT(stub_->CreateInspection(server_.As("aud", {"auditor"}).get(), InspectionRequest(), &inspection),
              is_refused);
  EXPECT_THAT(stub_->CreateInspection(server_.AsNobody().get(), InspectionRequest(), &inspection),
              StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(stub_->ListForces(server_.AsNobody().get(), {}, std::make_unique<v1::ListForcesResponse>().get()),
              StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(Get(Registrar(), inspection), StatusIs(kNotFound));
}

TEST_F(RegistryTest, RegistersForcesForEverybodyToRead) {
  v1::CreateForceRequest request;
  request.set_force_id("norfolk");
  request.mutable_force()->set_display_name("Norfolk Constabulary");
  request.mutable_force()->set_chief_officer_title("Chief Constable");
  request.mutable_force()->set_name("forces/ignored");
  request.mutable_force()->set_etag("ignored");
  v1::Force force;
  ASSERT_THAT(stub_->CreateForce(Registrar().get(), request, &force), IsOk());
  EXPECT_EQ(force.name(), "forces/norfolk");
  EXPECT_EQ(base::FromTimestamp(force.create_time()), kNow);
  EXPECT_EQ(force.etag(), "v1");
  EXPECT_THAT(stub_->CreateForce(Registrar().get(), request, &force), StatusIs(absl::StatusCode::kAlreadyExists));

  v1::GetForceRequest get;
  get.set_name("forces/norfolk");
  v1::Force read;
  ASSERT_THAT(stub_->GetForce(Author().get(), get, &read), IsOk());
  EXPECT_THAT(read, EqualsProto(force));
  get.set_name("forces/suffolk");
  EXPECT_THAT(stub_->GetForce(Author().get(), get, &read), StatusIs(kNotFound));
  get.set_name("bodies/norfolk");
  EXPECT_THAT(stub_->GetForce(Author().get(), get, &read), ViolationOn("name"));
}

TEST_F(RegistryTest, RegistersOneBodyForAForceAndTellsTheOthers) {
  const v1::Force force = RegisteredForces().forces[25];
  const v1::Body given = RegisteredForces().bodies[25];
  ASSERT_EQ(force.name(), "forces/norfolk");
  v1::Body body;
  EXPECT_THAT(stub_->CreateBody(Registrar().get(), BodyRequest(given), &body), ViolationOn("body.force"));
  RegisterForce(force);
  ASSERT_THAT(stub_->CreateBody(Registrar().get(), BodyRequest(given), &body), IsOk());
  EXPECT_EQ(body.name(), "bodies/norfolk-pcc");
  EXPECT_EQ(body.etag(), "v1");
  EXPECT_THAT(stub_->CreateBody(Registrar().get(), BodyRequest(given), &body),
              StatusIs(absl::StatusCode::kAlreadyExists));
  v1::CreateBodyRequest second = BodyRequest(given);
  second.set_body_id("norfolk-pcb");
  EXPECT_THAT(stub_->CreateBody(Registrar().get(), second, &body), HasReason("FORCE_HAS_BODY"));

  const auto events = Events(1);
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(CountEvents(), 1);
  EXPECT_EQ(events[0].tenant(), "bodies/norfolk-pcc");
  EXPECT_EQ(events[0].subject(), "bodies/norfolk-pcc");
  EXPECT_EQ(events[0].actor(), "people/reg");
  v1::BodyRegistered payload;
  ASSERT_TRUE(events[0].payload().UnpackTo(&payload));
  EXPECT_EQ(payload.body().name(), "bodies/norfolk-pcc");
  EXPECT_EQ(payload.force().name(), "forces/norfolk");
  EXPECT_EQ(payload.force().region(), "East");

  v1::GetBodyRequest get;
  get.set_name("bodies/norfolk-pcc");
  v1::Body read;
  ASSERT_THAT(stub_->GetBody(Author().get(), get, &read), IsOk());
  EXPECT_THAT(read, EqualsProto(payload.body()));
}

TEST_F(RegistryTest, ABodysViolationsComeTogether) {
  v1::CreateBodyRequest request;
  request.set_body_id("Norfolk");
  request.mutable_body()->set_force("forces/norfolk");
  v1::Body body;
  EXPECT_THAT(FieldsOf(AsStatus(stub_->CreateBody(Registrar().get(), request, &body))),
              ElementsAre("body_id", "body.display_name", "body.kind", "body.force"));
}

TEST_F(RegistryTest, PagesForcesAndBodies) {
  RegisterEverybody();
  const auto walk = [](auto list, auto request, auto response, auto items) {
    std::vector<std::string> names;
    request.set_page_size(9);
    do {
      EXPECT_THAT(list(request, response), IsOk());
      EXPECT_LE(items(response).size(), 9);
      for (const auto& item : items(response)) {
        names.push_back(item.name());
      }
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    return names;
  };
  std::vector<std::string> forces, bodies;
  const rules::Register registered = RegisteredForces();
  for (size_t i = 0; i < registered.forces.size(); ++i) {
    forces.push_back(registered.forces[i].name());
    bodies.push_back(registered.bodies[i].name());
  }
  std::sort(forces.begin(), forces.end());
  std::sort(bodies.begin(), bodies.end());
  EXPECT_EQ(
      walk([&](const auto& request, auto& response) { return stub_->ListForces(Author().get(), request, &response); },
           v1::ListForcesRequest(), v1::ListForcesResponse(), [](const auto& page) { return page.forces(); }),
      forces);
  EXPECT_EQ(
      walk([&](const auto& request, auto& response) { return stub_->ListBodies(Author().get(), request, &response); },
           v1::ListBodiesRequest(), v1::ListBodiesResponse(), [](const auto& page) { return page.bodies(); }),
      bodies);
  v1::ListForcesRequest bad;
  bad.set_page_size(-1);
  bad.set_page_token("made up");
  v1::ListForcesResponse response;
  EXPECT_THAT(FieldsOf(AsStatus(stub_->ListForces(Author().get(), bad, &response))),
              UnorderedElementsAre("page_size", "page_token"));
}

TEST_F(RegistryTest, RegistersADraft) {
  Inspection given = SafeToShare();
  given.mutable_findings(4)->clear_id();
  given.set_state(Inspection::PUBLISHED);
  *given.mutable_publish_time() = base::ToTimestamp(kNow);
  const Inspection draft = Create(given);

  Inspection expected = SafeToShare();
  expected.set_name("inspections/safe-to-share");
  expected.set_state(Inspection::DRAFT);
  *expected.mutable_create_time() = base::ToTimestamp(kNow);
  *expected.mutable_update_time() = base::ToTimestamp(kNow);
  expected.set_etag("v1");
  EXPECT_THAT(draft, EqualsProto(expected)) << "output-only fields are ignored, missing ids are made";
  EXPECT_THAT(Stored(), EqualsProto(expected));
  EXPECT_EQ(CountEvents(), 0) << "a draft is nobody's business";
  EXPECT_THAT(AsStatus(stub_->CreateInspection(Registrar().get(), InspectionRequest(), &given)),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_F(RegistryTest, EveryViolationIsReportedAtOnceAndNothingChanges) {
  Inspection bad = SafeToShare();
  bad.clear_title();
  bad.set_url("example.org");
  bad.mutable_scope()->clear_all_forces();
  bad.mutable_scope()->add_forces("forces/atlantis");
  bad.mutable_findings(2)->clear_text();
  bad.mutable_findings(3)->mutable_addressees(0)->set_kind(v1::Addressee::LOCAL_POLICING_BODY);
  bad.mutable_findings(3)->mutable_addressees(0)->set_name("bodies/atlantis-pcc");
  bad.mutable_findings(5)->set_parent("recommendation-7");
  v1::CreateInspectionRequest request = InspectionRequest(bad);
  Inspection answer;
  EXPECT_THAT(FieldsOf(AsStatus(stub_->CreateInspection(Registrar().get(), request, &answer))),
              UnorderedElementsAre("inspection.title", "inspection.url", "inspection.findings[2].text",
                                   "inspection.findings[5].parent", "inspection.scope.forces[0]",
                                   "inspection.findings[3].addressees[0].name"));
  EXPECT_THAT(Get(Registrar(), answer), StatusIs(kNotFound));

  const Inspection before = Create();
  v1::UpdateInspectionRequest update;
  *update.mutable_inspection() = bad;
  update.mutable_inspection()->set_name("safe-to-share");
  update.mutable_inspection()->set_etag("v1");
  update.set_etag("v2");
  for (const char* path : {"title", "scope", "url", "state"}) {
    update.mutable_update_mask()->add_paths(path);
  }
  EXPECT_THAT(FieldsOf(AsStatus(Update(update))),
              UnorderedElementsAre("inspection.name", "inspection.title", "inspection.scope.forces[0]",
                                   "inspection.url", "update_mask.paths[3]", "etag"));
  EXPECT_THAT(Stored(), EqualsProto(before));
}

TEST_F(RegistryTest, ARepeatGetsTheFirstAnswer) {
  RegisterEverybody();
  v1::CreateInspectionRequest request = InspectionRequest();
  request.set_request_id("create-1");
  Inspection first, second;
  ASSERT_THAT(stub_->CreateInspection(Registrar().get(), request, &first), IsOk());
  server_.clock().Advance(absl::Minutes(1));
  ASSERT_THAT(stub_->CreateInspection(Registrar().get(), request, &second), IsOk());
  EXPECT_THAT(second, EqualsProto(first));

  ASSERT_THAT(Publish("", "publish-1", &first), IsOk());
  server_.clock().Advance(absl::Minutes(1));
  ASSERT_THAT(Publish("", "publish-1", &second), IsOk());
  EXPECT_THAT(second, EqualsProto(first));
  EXPECT_EQ(CountEvents(), 44 + 1);
  EXPECT_THAT(Publish("v9", "publish-1"), ViolationOn("request_id"));
}

TEST_F(RegistryTest, UpdatesADraftFieldByField) {
  const Inspection before = Create();
  server_.clock().Advance(absl::Hours(1));
  v1::UpdateInspectionRequest request = UpdateRequest("Safe to share?");
  request.mutable_update_mask()->add_paths("publication_date");
  request.mutable_update_mask()->add_paths("findings");
  request.mutable_inspection()->set_url("https://example.org/not-in-the-mask");
  *request.mutable_inspection()->add_findings() = before.findings(4);
  request.mutable_inspection()->mutable_findings(0)->clear_id();
  request.mutable_inspection()->set_etag("v1");
  Inspection after;
  ASSERT_THAT(stub_->UpdateInspection(Registrar().get(), request, &after), IsOk());

  Inspection expected = before;
  expected.set_title("Safe to share?");
  expected.clear_publication_date();
  expected.mutable_findings()->DeleteSubrange(0, 4);
  expected.mutable_findings()->RemoveLast();
  *expected.mutable_update_time() = base::ToTimestamp(kNow + absl::Hours(1));
  expected.set_etag("v2");
  EXPECT_THAT(after, EqualsProto(expected));
  EXPECT_THAT(Stored(), EqualsProto(expected));
}

TEST_F(RegistryTest, AnOldEtagIsRefused) {
  RegisterEverybody();
  Create();
  ASSERT_THAT(Update(UpdateRequest("Second")), IsOk());
  v1::UpdateInspectionRequest late = UpdateRequest("Third");
  late.set_etag("v1");
  EXPECT_THAT(Update(late), AllOf(StatusIs(kAborted), HasReason("ETAG_MISMATCH")));
  late.clear_etag();
  late.mutable_inspection()->set_etag("v1");
  EXPECT_THAT(Update(late), AllOf(StatusIs(kAborted), HasReason("ETAG_MISMATCH")));
  EXPECT_THAT(Publish("v1"), AllOf(StatusIs(kAborted), HasReason("ETAG_MISMATCH")));
  EXPECT_EQ(Stored().title(), "Second");
  EXPECT_EQ(Stored().state(), Inspection::DRAFT);
  EXPECT_THAT(Publish("v2"), IsOk());
}

TEST_F(RegistryTest, WhatDoesNotExistCannotBeChanged) {
  EXPECT_THAT(Update(UpdateRequest("x")), StatusIs(kNotFound));
  EXPECT_THAT(Publish(), StatusIs(kNotFound));
  v1::PublishInspectionRequest malformed;
  malformed.set_name("safe-to-share");
  Inspection answer;
  EXPECT_THAT(stub_->PublishInspection(Registrar().get(), malformed, &answer), ViolationOn("name"));
}

TEST_F(RegistryTest, PublishingTellsOnceWho43AreThatOweAResponse) {
  RegisterEverybody();
  Create();
  auto context = Registrar();
  context->AddMetadata("x-request-id", "call-77");
  server_.clock().Advance(absl::Hours(2));
  v1::PublishInspectionRequest request;
  request.set_name("inspections/safe-to-share");
  Inspection published;
  ASSERT_THAT(stub_->PublishInspection(context.get(), request, &published), IsOk());
  EXPECT_EQ(published.state(), Inspection::PUBLISHED);
  EXPECT_EQ(published.revision(), 1);
  EXPECT_EQ(base::FromTimestamp(published.publish_time()), kNow + absl::Hours(2));
  EXPECT_EQ(base::FromTimestamp(published.update_time()), kNow + absl::Hours(2));
  EXPECT_EQ(published.etag(), "v2");
  EXPECT_THAT(published.effect().opens(), SizeIs(43));
  published.clear_effect();
  EXPECT_THAT(Stored(), EqualsProto(published));

  // A second time, and a change, are refused.
  EXPECT_THAT(Publish(), AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("WRONG_STATE")));
  EXPECT_THAT(Update(UpdateRequest("Other")), HasReason("WRONG_STATE"));
  EXPECT_THAT(Stored(), EqualsProto(published));

  const auto events = Events(45);
  EXPECT_EQ(CountEvents(), 45);
  ASSERT_THAT(events, SizeIs(45));
  const events::Event& event = events.back();
  EXPECT_EQ(event.tenant(), "");
  EXPECT_EQ(event.subject(), "inspections/safe-to-share");
  EXPECT_EQ(event.actor(), "people/reg");
  EXPECT_EQ(event.cause(), "call-77");
  EXPECT_EQ(base::FromTimestamp(event.time()), kNow + absl::Hours(2));
  v1::InspectionPublished payload;
  ASSERT_TRUE(event.payload().UnpackTo(&payload));
  published.clear_etag();
  EXPECT_THAT(payload.inspection(), EqualsProto(published));
  EXPECT_THAT(payload.obligations(), SizeIs(43));
  for (const v1::Obligation& obligation : payload.obligations()) {
    EXPECT_THAT(obligation.findings_to_answer(), SizeIs(4));
    EXPECT_EQ(obligation.body().etag(), "v1");
  }
}

TEST_F(RegistryTest, WhatIsNotReadyStaysADraft) {
  Inspection unready = SafeToShare();
  unready.clear_basis();
  unready.set_revision(7);
  EXPECT_EQ(Create(unready).revision(), 0);
  EXPECT_THAT(Publish(), AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("NOT_READY")));
  v1::UpdateInspectionRequest request = UpdateRequest("Safe to share?");
  request.mutable_update_mask()->add_paths("basis");
  request.mutable_inspection()->set_basis(Inspection::STATUTE_S55);
  ASSERT_THAT(Update(request), IsOk());
  EXPECT_THAT(Publish(), AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("NO_BODY")));
  EXPECT_EQ(Stored().state(), Inspection::DRAFT);
  EXPECT_EQ(CountEvents(), 0);
}

TEST_F(RegistryTest, TheFutureBeginsAtMidnightInLondon) {
  RegisterEverybody();
  Inspection summer = SafeToShare();
  summer.mutable_publication_date()->set_year(2021);
  summer.mutable_publication_date()->set_month(6);
  summer.mutable_publication_date()->set_day(18);
  Create(summer);
  // 23:00 UTC on 17 June is midnight in London.
  const absl::Time midnight = absl::FromCivil(absl::CivilSecond(2021, 6, 17, 23, 0, 0), absl::UTCTimeZone());
  server_.clock().Set(midnight - absl::Microseconds(1));
  EXPECT_THAT(Publish(), HasReason("NOT_READY"));
  server_.clock().Set(midnight);
  EXPECT_THAT(Publish(), IsOk());
}

TEST_F(RegistryTest, DraftsAreHidden) {
  RegisterEverybody();
  Create();
  Create(SafeToShare(), "another");
  ASSERT_THAT(Publish(), IsOk());
  v1::GetInspectionRequest request;
  request.set_name("inspections/another");
  const auto get = [&](std::unique_ptr<grpc::ClientContext> context) {
    Inspection answer;
    return AsStatus(stub_->GetInspection(context.get(), request, &answer));
  };
  EXPECT_THAT(get(Registrar()), IsOk());
  EXPECT_THAT(get(server_.As("aud", {"auditor"})), IsOk());
  EXPECT_THAT(get(server_.AsService("publication")), IsOk());
  EXPECT_THAT(get(server_.As("op", {"operator"})), StatusIs(kNotFound));
  EXPECT_THAT(List(Registrar()), ::testing::UnorderedElementsAre("inspections/another", "inspections/safe-to-share"));
  EXPECT_THAT(List(server_.As("aud", {"auditor"})), SizeIs(2));
  EXPECT_THAT(List(server_.AsService("publication")), SizeIs(2));
  EXPECT_THAT(List(Author()), ElementsAre("inspections/safe-to-share"));

  // A draft that may not be seen and one that is not there look the same.
  const absl::Status hidden = get(Author());
  EXPECT_THAT(hidden, StatusIs(kNotFound));
  request.set_name("inspections/nowhere");
  const absl::Status missing = get(Author());
  EXPECT_EQ(base::ErrorInfoOf(hidden).reason(), base::ErrorInfoOf(missing).reason());
  EXPECT_EQ(hidden.message(), "inspections/another does not exist");
  EXPECT_EQ(missing.message(), "inspections/nowhere does not exist");
}

TEST_F(RegistryTest, PagesReports) {
  for (const char* id : {"c", "a", "b"}) {
    Create(SafeToShare(), id);
  }
  v1::ListInspectionsRequest request;
  request.set_page_size(2);
  v1::ListInspectionsResponse first, second;
  ASSERT_THAT(stub_->ListInspections(Registrar().get(), request, &first), IsOk());
  EXPECT_THAT(first.inspections(), SizeIs(2));
  request.set_page_token(first.next_page_token());
  ASSERT_THAT(stub_->ListInspections(Registrar().get(), request, &second), IsOk());
  ASSERT_THAT(second.inspections(), SizeIs(1));
  // Of one day, so in some order that does not change.
  EXPECT_THAT((std::vector<std::string>{first.inspections(0).name(), first.inspections(1).name(),
                                        second.inspections(0).name()}),
              ::testing::UnorderedElementsAre("inspections/a", "inspections/b", "inspections/c"));
  EXPECT_THAT(second.next_page_token(), IsEmpty());
}

}  // namespace
}  // namespace section55::registry
