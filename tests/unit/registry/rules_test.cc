#include "services/inspection-registry/rules.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>

#include "libs/base/limits.h"
#include "libs/testing/matchers.h"
#include "services/inspection-registry/findings.h"
#include "tests/unit/registry/samples.h"

namespace section55::registry::rules {
namespace {

using section55::testing::EqualsProto;
using section55::testing::HasReason;
using section55::testing::IsOk;
using section55::testing::MessageIs;
using section55::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using v1::Addressee;
using v1::Inspection;

google::protobuf::FieldMask Mask(std::initializer_list<const char*> paths) {
  google::protobuf::FieldMask mask;
  for (const char* path : paths) {
    mask.add_paths(path);
  }
  return mask;
}

// What ValidateInspection says of a complete report after `spoil`.
std::vector<std::string> Violating(const std::function<void(Inspection&)>& spoil) {
  Inspection inspection = SafeToShare();
  spoil(inspection);
  base::Violations violations;
  ValidateInspection(inspection, violations);
  return FieldsOf(violations.ToStatus());
}

void SetDate(Inspection& inspection, int year, int month, int day) {
  inspection.mutable_publication_date()->set_year(year);
  inspection.mutable_publication_date()->set_month(month);
  inspection.mutable_publication_date()->set_day(day);
}

TEST(ValidateCreateForce, ChecksEveryField) {
  v1::CreateForceRequest request;
  const auto violating = [&] {
    base::Violations violations;
    ValidateCreateForce(request, violations);
    return FieldsOf(violations.ToStatus());
  };
  EXPECT_THAT(violating(), ElementsAre("force_id", "force"));
  request.set_force_id("Norfolk");
  request.mutable_force()->set_region(std::string(101, 'x'));
  EXPECT_THAT(violating(), ElementsAre("force_id", "force.display_name", "force.chief_officer_title", "force.region"));
  request.set_force_id("norfolk");
  request.mutable_force()->set_display_name(std::string(200, 'x'));
  request.mutable_force()->set_chief_officer_title(std::string(100, 'x'));
  request.mutable_force()->set_region("East");
  EXPECT_THAT(violating(), IsEmpty());
  request.mutable_force()->set_display_name(std::string(201, 'x'));
  request.mutable_force()->set_chief_officer_title(std::string(101, 'x'));
  EXPECT_THAT(violating(), ElementsAre("force.display_name", "force.chief_officer_title"));
}

TEST(ValidateCreateBody, ChecksEveryField) {
  v1::CreateBodyRequest request;
  const auto violating = [&] {
    base::Violations violations;
    ValidateCreateBody(request, violations);
    return FieldsOf(violations.ToStatus());
  };
  EXPECT_THAT(violating(), ElementsAre("body_id", "body"));
  request.set_body_id("-norfolk");
  request.mutable_body()->set_scrutiny_body(std::string(201, 'x'));
  EXPECT_THAT(violating(),
              ElementsAre("body_id", "body.display_name", "body.kind", "body.force", "body.scrutiny_body"));
  request.set_body_id("norfolk-pcc");
  request.mutable_body()->set_display_name("Police and Crime Commissioner for Norfolk");
  request.mutable_body()->set_kind(v1::Body::POLICE_AND_CRIME_COMMISSIONER);
  request.mutable_body()->set_force("forces/norfolk");
  request.mutable_body()->clear_scrutiny_body();
  EXPECT_THAT(violating(), IsEmpty());
  request.mutable_body()->set_force("norfolk");
  request.mutable_body()->set_kind(static_cast<v1::Body::Kind>(99));
  request.mutable_body()->set_display_name(std::string(201, 'x'));
  EXPECT_THAT(violating(), ElementsAre("body.display_name", "body.kind", "body.force"));
}

TEST(ValidateInspection, AcceptsACompleteAndAnEmptyOne) {
  EXPECT_THAT(Violating([](Inspection&) {}), IsEmpty());
  EXPECT_THAT(Violating([](Inspection& inspection) { inspection.Clear(); }), IsEmpty());
}

TEST(ValidateInspection, LimitsTexts) {
  EXPECT_THAT(Violating([](Inspection& i) { i.set_title(std::string(500, 'x')); }), IsEmpty());
  EXPECT_THAT(Violating([](Inspection& i) { i.set_title(std::string(501, 'x')); }), ElementsAre("inspection.title"));
  EXPECT_THAT(Violating([](Inspection& i) { i.set_publishers(1, ""); }), ElementsAre("inspection.publishers[1]"));
  EXPECT_THAT(Violating([](Inspection& i) { i.set_publishers(2, std::string(201, 'x')); }),
              ElementsAre("inspection.publishers[2]"));
}

TEST(ValidateInspection, KnowsItsEnums) {
  EXPECT_THAT(Violating([](Inspection& i) { i.add_kinds(Inspection::KIND_UNSPECIFIED); }),
              ElementsAre("inspection.kinds[1]"));
  EXPECT_THAT(Violating([](Inspection& i) { i.add_kinds(static_cast<Inspection::Kind>(99)); }),
              ElementsAre("inspection.kinds[1]"));
  EXPECT_THAT(Violating([](Inspection& i) { i.set_basis(static_cast<Inspection::Basis>(99)); }),
              ElementsAre("inspection.basis"));
}

TEST(ValidateInspection, DatesAreRealAndMayLackTheDay) {
  const auto violating = [](int year, int month, int day) {
    return Violating([&](Inspection& inspection) { SetDate(inspection, year, month, day); });
  };
  EXPECT_THAT(violating(2024, 2, 29), IsEmpty());
  EXPECT_THAT(violating(2024, 2, 0), IsEmpty());
  EXPECT_THAT(violating(2021, 2, 29), ElementsAre("inspection.publication_date"));
  EXPECT_THAT(violating(2021, 0, 0), ElementsAre("inspection.publication_date"));
  EXPECT_THAT(violating(0, 12, 17), ElementsAre("inspection.publication_date"));
  EXPECT_THAT(violating(0, 0, 0), ElementsAre("inspection.publication_date"));
}

TEST(ValidateInspection, UrlsAreWebAddresses) {
  const auto violating = [](const std::string& url) { return Violating([&](Inspection& i) { i.set_url(url); }); };
  for (const char* good : {"", "http://example.org", "HTTPS://example.org/a?b#c", "https://[::1]:8080/"}) {
    EXPECT_THAT(violating(good), IsEmpty()) << good;
  }
  for (const char* bad : {"example.org", "ftp://example.org", "javascript:alert(1)", "https://", "https:///path",
                          "https://:80/", "https://example.org/a b", "https://example.org/\"><script>", "http:/x"}) {
    EXPECT_THAT(violating(bad), ElementsAre("inspection.url")) << bad;
  }
  EXPECT_THAT(violating("https://example.org/" + std::string(1980, 'x')), IsEmpty());
  EXPECT_THAT(violating("https://example.org/" + std::string(1981, 'x')), ElementsAre("inspection.url"));
}

TEST(ValidateInspection, ScopeIsAllOrSomeForcesEachOnce) {
  const auto violating = [](bool all, std::initializer_list<const char*> forces) {
    return Violating([&](Inspection& inspection) {
      inspection.mutable_scope()->set_all_forces(all);
      for (const char* force : forces) {
        inspection.mutable_scope()->add_forces(force);
      }
    });
  };
  EXPECT_THAT(violating(false, {"forces/norfolk", "forces/suffolk"}), IsEmpty());
  EXPECT_THAT(violating(false, {}), ElementsAre("inspection.scope"));
  EXPECT_THAT(violating(true, {"forces/norfolk"}), ElementsAre("inspection.scope"));
  EXPECT_THAT(violating(false, {"forces/norfolk", "forces/norfolk"}), ElementsAre("inspection.scope.forces[1]"));
  EXPECT_THAT(violating(false, {"norfolk"}), ElementsAre("inspection.scope.forces[0]"));
}

TEST(ValidateInspection, SaysEverythingAtOnce) {
  EXPECT_THAT(Violating([](Inspection& i) {
                i.set_title("a\x01");
                i.add_kinds(Inspection::KIND_UNSPECIFIED);
                i.add_publishers("");
                SetDate(i, 2021, 2, 30);
                i.set_url("gopher://x");
                i.mutable_scope()->Clear();
                i.mutable_findings(2)->clear_text();
                i.mutable_findings(4)->clear_addressees();
              }),
              ElementsAre("inspection.title", "inspection.kinds[1]", "inspection.publishers[3]",
                          "inspection.publication_date", "inspection.url", "inspection.scope",
                          "inspection.findings[2].text", "inspection.findings[4].addressees"));
}

TEST(ValidateReferences, NamesWhatIsNotRegistered) {
  Inspection inspection = SafeToShare();
  inspection.mutable_scope()->clear_all_forces();
  inspection.mutable_scope()->add_forces("forces/norfolk");
  inspection.mutable_scope()->add_forces("forces/atlantis");
  const auto address = [&](int finding, Addressee::Kind kind, const char* name) {
    Addressee& addressee = *inspection.mutable_findings(finding)->add_addressees();
    addressee.set_kind(kind);
    addressee.set_name(name);
  };
  address(0, Addressee::FORCE, "forces/atlantis");
  address(0, Addressee::FORCE, "forces/norfolk");
  address(1, Addressee::LOCAL_POLICING_BODY, "bodies/atlantis-pcc");
  address(1, Addressee::LOCAL_POLICING_BODY, "bodies/norfolk-pcc");
  address(2, Addressee::REGION, "east");
  address(2, Addressee::REGION, "East");
  address(3, Addressee::FORCE, "malformed, as ValidateFindings says");
  address(3, Addressee::OTHER, "Royal College of Nursing");

  base::Violations violations;
  ValidateReferences(inspection, RegisteredForces(), violations);
  EXPECT_THAT(FieldsOf(violations.ToStatus()),
              ElementsAre("inspection.scope.forces[1]", "inspection.findings[0].addressees[1].name",
                          "inspection.findings[1].addressees[1].name", "inspection.findings[2].addressees[1].name"));
}

TEST(ValidateCreateInspection, WantsAnIdAndATitle) {
  v1::CreateInspectionRequest request;
  const auto violating = [&] {
    base::Violations violations;
    ValidateCreateInspection(request, violations);
    return FieldsOf(violations.ToStatus());
  };
  EXPECT_THAT(violating(), ElementsAre("inspection_id", "inspection"));
  request.mutable_inspection()->set_title("  ");
  EXPECT_THAT(violating(), ElementsAre("inspection_id", "inspection.title"));
  request.set_inspection_id("safe-to-share");
  request.mutable_inspection()->set_title("Safe to share?");
  EXPECT_THAT(violating(), IsEmpty());
}

TEST(ValidateUpdateInspection, KnowsWhatCanBeSet) {
  const auto violating = [](std::initializer_list<const char*> paths, const char* title = "Safe to share?") {
    v1::UpdateInspectionRequest request;
    *request.mutable_update_mask() = Mask(paths);
    request.mutable_inspection()->set_title(title);
    base::Violations violations;
    ValidateUpdateInspection(request, violations);
    return FieldsOf(violations.ToStatus());
  };
  EXPECT_THAT(violating({"title", "kinds", "publishers", "publication_date", "url", "basis", "scope", "findings"}),
              IsEmpty());
  EXPECT_THAT(violating({}), ElementsAre("update_mask"));
  EXPECT_THAT(
      violating({"url", "state", "name", "scope.forces", "*"}),
      ElementsAre("update_mask.paths[1]", "update_mask.paths[2]", "update_mask.paths[3]", "update_mask.paths[4]"));
  EXPECT_THAT(violating({"url"}, ""), IsEmpty());
  EXPECT_THAT(violating({"title"}, ""), ElementsAre("inspection.title"));
}

TEST(ValidateUpdateInspection, TwoEtagsAgree) {
  v1::UpdateInspectionRequest request;
  *request.mutable_update_mask() = Mask({"url"});
  const auto violating = [&](const char* outer, const char* inner) {
    request.set_etag(outer);
    request.mutable_inspection()->set_etag(inner);
    base::Violations violations;
    ValidateUpdateInspection(request, violations);
    return FieldsOf(violations.ToStatus());
  };
  EXPECT_THAT(violating("v1", "v1"), IsEmpty());
  EXPECT_THAT(violating("v1", ""), IsEmpty());
  EXPECT_THAT(violating("", "v1"), IsEmpty());
  EXPECT_THAT(violating("v1", "v2"), ElementsAre("etag"));
}

TEST(ValidateSize, LimitsTheWhole) {
  Inspection inspection = SafeToShare();
  const auto violating = [&] {
    base::Violations violations;
    ValidateSize(inspection, RegisteredForces(), violations);
    return FieldsOf(violations.ToStatus());
  };
  EXPECT_THAT(violating(), IsEmpty());
  // To the byte.
  std::string& text = *inspection.add_findings()->mutable_text();
  text.assign(base::kLargestReport, 'x');
  text.resize(text.size() - (inspection.ByteSizeLong() - base::kLargestReport));
  ASSERT_EQ(inspection.ByteSizeLong(), base::kLargestReport);
  EXPECT_THAT(violating(), IsEmpty());
  text += 'x';
  EXPECT_THAT(violating(), ElementsAre("inspection"));
}

TEST(ValidateSize, WhatCouldNotBePublishedForAllItsNamesIsNotSaved) {
  Inspection inspection = SafeToShare();
  inspection.set_name("inspections/" + std::string(63, 'i'));
  inspection.mutable_findings()->Clear();
  for (int i = 0; i < kMostFindings; ++i) {
    v1::Finding& finding = *inspection.add_findings();
    finding.set_id(fmt::format("{}{:03}", std::string(60, 'f'), i));
    finding.set_kind(v1::Finding::RECOMMENDATION);
    finding.set_text(std::string(1500, 'x'));
    finding.add_addressees()->set_kind(v1::Addressee::ALL_LOCAL_POLICING_BODIES);
  }
  ASSERT_LT(inspection.ByteSizeLong(), base::kLargestReport);
  const auto violating = [&] {
    base::Violations violations;
    ValidateSize(inspection, RegisteredForces(), violations);
    return FieldsOf(violations.ToStatus());
  };
  EXPECT_THAT(violating(), ElementsAre("inspection.findings"));
  // A draft that does not say yet whom it concerns may come to concern everybody.
  inspection.clear_scope();
  EXPECT_THAT(violating(), ElementsAre("inspection.findings"));
  inspection.mutable_scope()->add_forces("forces/norfolk");
  EXPECT_THAT(violating(), IsEmpty());
  // What passes can be published: the same event.
  EXPECT_THAT(MakePublished(inspection, *ObligationsOf(inspection, RegisteredForces())), IsOk());
}

TEST(CopyFields, SetsAndClearsWhatTheMaskNames) {
  Inspection to = SafeToShare();
  to.set_name("inspections/safe-to-share");
  Inspection from;
  from.set_title("Another title");
  from.set_url("https://example.org");
  from.add_publishers("HMICFRS");
  from.set_name("inspections/another");
  from.set_state(Inspection::PUBLISHED);

  Inspection expected = to;
  expected.set_title("Another title");
  expected.clear_publication_date();
  expected.clear_publishers();
  expected.add_publishers("HMICFRS");
  expected.clear_findings();
  CopyFields(from, Mask({"title", "publication_date", "publishers", "findings", "name", "state"}), to);
  EXPECT_THAT(to, EqualsProto(expected));
}

TEST(CopyFields, ReplacesTheScopeWhole) {
  Inspection to = SafeToShare();
  Inspection from;
  from.mutable_scope()->add_forces("forces/norfolk");
  CopyFields(from, Mask({"scope"}), to);
  EXPECT_THAT(to.scope(), EqualsProto(from.scope()));
}

TEST(Transitions, AreTheWholeLifeOfAReport) {
  EXPECT_EQ(base::Draw(kTransitions, Inspection::State_Name<Inspection::State>),
            "DRAFT -> DRAFT: UpdateInspection\n"
            "DRAFT -> PUBLISHED: PublishInspection\n");
}

TEST(CheckReady, NamesEverythingThatIsMissing) {
  Inspection inspection;
  inspection.set_name("inspections/safe-to-share");
  const absl::Status status = CheckReady(inspection, absl::CivilDay(2020, 12, 17));
  EXPECT_THAT(status, AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("NOT_READY")));
  EXPECT_EQ(base::ErrorInfoOf(status).metadata().at("missing"),
            "title, kinds, publishers, publication_date, basis, scope");
}

TEST(CheckReady, WantsAFullDateThatHasCome) {
  Inspection inspection = SafeToShare();
  EXPECT_THAT(CheckReady(inspection, absl::CivilDay(2020, 12, 17)), IsOk());
  EXPECT_THAT(CheckReady(inspection, absl::CivilDay(2020, 12, 16)),
              AllOf(HasReason("NOT_READY"), MessageIs(HasSubstr("2020-12-17"))));
  inspection.mutable_publication_date()->clear_day();
  const absl::Status month_only = CheckReady(inspection, absl::CivilDay(2021, 1, 1));
  EXPECT_THAT(month_only, HasReason("NOT_READY"));
  EXPECT_EQ(base::ErrorInfoOf(month_only).metadata().at("missing"), "publication_date");
}

TEST(CheckReady, NeedsNoFindings) {
  Inspection inspection = SafeToShare();
  inspection.clear_findings();
  EXPECT_THAT(CheckReady(inspection, absl::CivilDay(2020, 12, 17)), IsOk());
}

TEST(PublicationDateText, SortsAsDatesDo) {
  Inspection inspection;
  EXPECT_EQ(PublicationDateText(inspection), "");
  SetDate(inspection, 2020, 12, 0);
  EXPECT_EQ(PublicationDateText(inspection), "2020-12");
  SetDate(inspection, 987, 2, 3);
  EXPECT_EQ(PublicationDateText(inspection), "0987-02-03");
}

}  // namespace
}  // namespace section55::registry::rules
