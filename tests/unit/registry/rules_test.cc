#include "services/inspection-registry/rules.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>

#include "libs/base/limits.h"
#include "libs/testing/matchers.h"
#include "services/inspection-registry/findings.h"
#include "services/inspection-registry/life.h"
#include "tests/unit/registry/samples.h"

namespace section55::registry::rules {
namespace {

using section55::testing::EqualsProto;
using section55::testing::IsOk;
using ::testing::ElementsAre;
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
  ValidateInspection(inspection, "inspections/safe-to-share", violations);
  return FieldsOf(violations.ToStatus());
}

void SetDate(Inspection& inspection, int year, int month, int day) {
  inspection.mutable_publication_date()->set_year(year);
  inspection.mutable_publication_date()->set_month(month);
  inspection.mutable_publication_date()->set_day(day);
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

TEST(ValidateInspection, AReportMayHoldTheWholeVocabulary) {
  EXPECT_THAT(Violating([](Inspection& inspection) {
                inspection.add_kinds(Inspection::ENGAGEMENT_LETTER);
                inspection.add_kinds(Inspection::REVISIT_LETTER);
                inspection.set_short_title("Diogel i’w rannu? ŵŷ");
                inspection.set_language(v1::LANGUAGE_WELSH);
                auto& judgement = *inspection.add_judgements();
                judgement.set_question("Preventing crime");
                judgement.set_grade(v1::GRADE_ADEQUATE);
                judgement.set_force("forces/norfolk");
                inspection.add_judgements()->set_question("Workforce");  // some are ungraded
                auto& relation = *inspection.add_relations();
                relation.set_kind(v1::Relation::REVISIT_OF);
                relation.set_inspection("inspections/peel-2018-19-kent");
                v1::Finding& concern = *inspection.add_findings();
                concern.set_kind(v1::Finding::CAUSE_OF_CONCERN);
                concern.set_id("concern");
                concern.set_text("Victims are put at risk.");
                concern.set_summary("Victims at risk");
                concern.set_introduction("We were *told* in advance.");
                concern.set_accelerated(true);
                concern.set_grade(v1::GRADE_INADEQUATE);
                concern.set_language(v1::LANGUAGE_ENGLISH);
                concern.add_themes("domestic abuse");
                auto& repeats = *concern.add_relations();
                repeats.set_kind(v1::FindingRelation::REPEATS);
                repeats.set_finding("inspections/peel-2018-19-kent/findings/recommendation-1");
                concern.mutable_due()->set_precision(v1::Due::MONTH);
                concern.mutable_due()->mutable_date()->set_year(2024);
                concern.mutable_due()->mutable_date()->set_month(1);
                concern.mutable_due()->set_set_by("HMICFRS by letter of 3 May 2023");
              }),
              IsEmpty());
}

TEST(ValidateInspection, ShortTitlesAndSummariesFitIntoTables) {
  EXPECT_THAT(Violating([](Inspection& inspection) { inspection.set_short_title(std::string(60, 'x')); }), IsEmpty());
  EXPECT_THAT(Violating([](Inspection& inspection) { inspection.set_short_title(std::string(61, 'x')); }),
              ElementsAre("inspection.short_title"));
  EXPECT_THAT(
      Violating([](Inspection& inspection) { inspection.mutable_findings(0)->set_summary(std::string(80, 'x')); }),
      IsEmpty());
  EXPECT_THAT(
      Violating([](Inspection& inspection) { inspection.mutable_findings(0)->set_summary(std::string(81, 'x')); }),
      ElementsAre("inspection.findings[0].summary"));
  EXPECT_THAT(Violating([](Inspection& inspection) { inspection.mutable_findings(0)->set_summary("two\nlines"); }),
              ElementsAre("inspection.findings[0].summary"));
}

TEST(ValidateInspection, NamesEverythingWrongWithTheVocabulary) {
  EXPECT_THAT(
      Violating([](Inspection& inspection) {
        inspection.set_language(static_cast<v1::Language>(9));
        inspection.mutable_scope()->add_visited_forces("norfolk");
        inspection.add_judgements()->set_grade(static_cast<v1::Grade>(9));
        inspection.mutable_judgements(0)->set_force("bodies/norfolk-pcc");
        inspection.add_relations()->set_inspection("inspections/safe-to-share");
        inspection.add_relations()->set_inspection("somewhere");
        v1::Finding& finding = *inspection.mutable_findings(0);
        finding.set_language(static_cast<v1::Language>(9));
        finding.set_grade(static_cast<v1::Grade>(9));
        finding.set_accelerated(true);
        finding.add_themes("theme");
        finding.add_themes("theme");
        finding.add_themes("");
        finding.add_relations()->set_finding("inspections/safe-to-share/findings/recommendation-4");
        finding.add_relations()->set_kind(v1::FindingRelation::REPEATS);
        finding.mutable_due()->set_precision(v1::Due::IMMEDIATE);
        finding.mutable_due()->set_words("at once");
        finding.mutable_due()->set_set_by("HMICFRS");
      }),
      UnorderedElementsAre(
          "inspection.language", "inspection.scope.visited_forces[0]", "inspection.judgements[0].question",
          "inspection.judgements[0].grade", "inspection.judgements[0].force", "inspection.relations[0].kind",
          "inspection.relations[0].inspection", "inspection.relations[1].kind", "inspection.relations[1].inspection",
          "inspection.findings[0].language", "inspection.findings[0].grade", "inspection.findings[0].accelerated",
          "inspection.findings[0].themes[1]", "inspection.findings[0].themes[2]",
          "inspection.findings[0].relations[0].kind", "inspection.findings[0].relations[0].finding",
          "inspection.findings[0].relations[1].finding", "inspection.findings[0].due.set_by"));
}

TEST(ValidateReferences, NamesReportsAndFindingsThatAreNotRegistered) {
  Inspection earlier;
  earlier.set_name("inspections/peel");
  earlier.add_findings()->set_id("recommendation-1");
  Inspection inspection = SafeToShare();
  inspection.mutable_scope()->add_visited_forces("forces/atlantis");
  inspection.mutable_scope()->add_regions("Atlantis");
  inspection.add_judgements()->set_force("forces/atlantis");
  inspection.add_relations()->set_inspection("inspections/peel");
  inspection.add_relations()->set_inspection("inspections/nowhere");
  for (const char* finding :
       {"inspections/peel/findings/recommendation-1", "inspections/peel/findings/recommendation-2",
        "inspections/nowhere/findings/recommendation-1"}) {
    inspection.mutable_findings(0)->add_relations()->set_finding(finding);
  }
  EXPECT_THAT(RelatedReports(inspection), ElementsAre("nowhere", "peel"));
  base::Violations violations;
  ValidateReferences(inspection, RegisteredForces(), {{"inspections/peel", earlier}}, violations);
  EXPECT_THAT(FieldsOf(violations.ToStatus()),
              UnorderedElementsAre("inspection.scope.visited_forces[0]", "inspection.scope.regions[0]",
                                   "inspection.judgements[0].force", "inspection.relations[1].inspection",
                                   "inspection.findings[0].relations[1].finding",
                                   "inspection.findings[0].relations[2].finding"));
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
  ValidateReferences(inspection, RegisteredForces(), {}, violations);
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
  inspection.set_state(Inspection::DRAFT);
  const Register registered = RegisteredForces();
  const Reports none;
  EXPECT_THAT(
      Publish(
          inspection,
          {.registered = registered, .related = none, .now = absl::UnixEpoch(), .today = absl::CivilDay(2020, 12, 17)}),
      IsOk());
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
