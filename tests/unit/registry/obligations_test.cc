// Who owes a response to a report, and which findings each must answer.

#include "services/inspection-registry/obligations.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "libs/testing/matchers.h"
#include "tests/unit/registry/samples.h"

namespace section55::registry::rules {
namespace {

using section55::testing::EqualsProto;
using section55::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v1::Addressee;
using v1::Finding;
using v1::Inspection;
using v1::Obligation;

constexpr absl::CivilDay kToday(2020, 12, 17);

Inspection Named() {
  Inspection inspection = SafeToShare();
  inspection.set_name("inspections/safe-to-share");
  return inspection;
}

Inspection On(std::initializer_list<const char*> forces) {
  Inspection inspection = Named();
  inspection.mutable_scope()->clear_all_forces();
  for (const char* force : forces) {
    inspection.mutable_scope()->add_forces(force);
  }
  return inspection;
}

std::vector<Obligation> Obliged(const Inspection& inspection) {
  const Obligations obligations = ObligationsOf(inspection, RegisteredForces(), kToday);
  EXPECT_THAT(obligations.forces_without_body, IsEmpty());
  return obligations.owed;
}

std::vector<std::string> BodiesOf(const std::vector<Obligation>& obligations) {
  std::vector<std::string> bodies;
  for (const Obligation& obligation : obligations) {
    bodies.push_back(obligation.body().name());
  }
  return bodies;
}

// The ids of the findings that one body must answer in a report on all forces whose first recommendation is addressed
// so.
bool MustAnswer(const std::string& body, Addressee::Kind kind, const std::string& name,
                Finding::Kind finding = Finding::RECOMMENDATION) {
  Inspection inspection = Named();
  inspection.mutable_findings()->DeleteSubrange(1, inspection.findings_size() - 1);
  inspection.mutable_findings(0)->set_kind(finding);
  inspection.mutable_findings(0)->mutable_addressees(0)->set_kind(kind);
  inspection.mutable_findings(0)->mutable_addressees(0)->set_name(name);
  for (const Obligation& obligation : Obliged(inspection)) {
    if (obligation.body().name() == body) {
      return obligation.findings_to_answer_size() == 1;
    }
  }
  ADD_FAILURE() << body << " owes nothing";
  return false;
}

TEST(Obligations, SafeToShareIsAnsweredByAll43Bodies) {
  const std::vector<Obligation> obligations = Obliged(Named());
  ASSERT_EQ(obligations.size(), 43u);
  for (const Obligation& obligation : obligations) {
    EXPECT_THAT(obligation.findings_to_answer(), ElementsAre("inspections/safe-to-share/findings/recommendation-1",
                                                             "inspections/safe-to-share/findings/recommendation-4",
                                                             "inspections/safe-to-share/findings/recommendation-5",
                                                             "inspections/safe-to-share/findings/recommendation-6"));
    EXPECT_EQ(obligation.body().force(), obligation.force().name());
  }
  std::vector<std::string> bodies = BodiesOf(obligations);
  EXPECT_TRUE(std::is_sorted(bodies.begin(), bodies.end())) << "by the body's name, not the force's";
  EXPECT_EQ(std::unique(bodies.begin(), bodies.end()), bodies.end());
  EXPECT_EQ(std::count(bodies.begin(), bodies.end(), "bodies/btp-authority"), 0);
}

TEST(Obligations, CarryBodyAndForceAsTheyAre) {
  const auto registered = RegisteredForces();
  const auto obligations = ObligationsOf(On({"forces/btp"}), registered, kToday).owed;
  ASSERT_EQ(obligations.size(), 1u);
  EXPECT_THAT(obligations.front().force(), EqualsProto(registered.forces.back()));
  EXPECT_THAT(obligations.front().body(), EqualsProto(registered.bodies.back()));
}

TEST(Obligations, ListedForcesOnlyAndBritishTransportPoliceWhenNamed) {
  EXPECT_THAT(BodiesOf(Obliged(On({"forces/norfolk", "forces/btp", "forces/metropolitan"}))),
              ElementsAre("bodies/btp-authority", "bodies/mopac", "bodies/norfolk-pcc"));
}

TEST(Obligations, AReportWithoutRecommendationsIsOwedComments) {
  Inspection inspection = On({"forces/norfolk"});
  inspection.clear_findings();
  const auto obligations = Obliged(inspection);
  ASSERT_EQ(obligations.size(), 1u);
  EXPECT_THAT(obligations[0].findings_to_answer(), IsEmpty());
}

TEST(Obligations, WhatIsAddressedToWhom) {
  const std::string norfolk = "bodies/norfolk-pcc";
  EXPECT_TRUE(MustAnswer(norfolk, Addressee::FORCE, "forces/norfolk"));
  EXPECT_FALSE(MustAnswer(norfolk, Addressee::FORCE, "forces/suffolk"));
  EXPECT_TRUE(MustAnswer(norfolk, Addressee::LOCAL_POLICING_BODY, "bodies/norfolk-pcc"));
  EXPECT_FALSE(MustAnswer(norfolk, Addressee::LOCAL_POLICING_BODY, "bodies/suffolk-pcc"));
  EXPECT_TRUE(MustAnswer(norfolk, Addressee::REGION, "East"));
  EXPECT_FALSE(MustAnswer(norfolk, Addressee::REGION, "East Midlands"));
  EXPECT_TRUE(MustAnswer(norfolk, Addressee::CONDITIONAL, "forces that have not yet done so"));
  for (int kind = Addressee::NATIONAL_POLICE_CHIEFS_COUNCIL; kind <= Addressee::OTHER; ++kind) {
    EXPECT_FALSE(MustAnswer(norfolk, static_cast<Addressee::Kind>(kind), "")) << kind;
  }
}

TEST(Obligations, OneAddresseeAmongOthersIsEnough) {
  Inspection inspection = On({"forces/norfolk"});
  inspection.mutable_findings(1)->add_addressees()->set_kind(Addressee::ALL_CHIEF_CONSTABLES);
  EXPECT_THAT(Obliged(inspection)[0].findings_to_answer(1), "inspections/safe-to-share/findings/recommendation-2");
}

TEST(Obligations, OnlyRecommendationsMustBeAnswered) {
  for (const auto kind : {Finding::CAUSE_OF_CONCERN, Finding::AREA_FOR_IMPROVEMENT, Finding::PRACTICE}) {
    EXPECT_FALSE(MustAnswer("bodies/norfolk-pcc", Addressee::ALL_LOCAL_POLICING_BODIES, "", kind));
  }
}

TEST(Obligations, ARegionIsAnsweredByItsTerritorialForces) {
  Inspection inspection = On({});
  inspection.mutable_scope()->add_regions("Wales");
  inspection.mutable_scope()->add_visited_forces("forces/gwent");
  EXPECT_THAT(BodiesOf(Obliged(inspection)), ElementsAre("bodies/dyfed-powys-pcc", "bodies/gwent-pcc",
                                                         "bodies/north-wales-pcc", "bodies/south-wales-pcc"));
  inspection.mutable_scope()->add_regions("National");
  EXPECT_EQ(BodiesOf(Obliged(inspection)).size(), 4u) << "the British Transport Police are no territorial force";
}

TEST(Obligations, AForceConcernedWithoutBodyIsNamed) {
  Register registered = RegisteredForces();
  registered.FindBody("bodies/norfolk-pcc")->set_registered_by_mistake(true);
  const Obligations two = ObligationsOf(On({"forces/suffolk", "forces/norfolk"}), registered, kToday);
  EXPECT_THAT(two.forces_without_body, ElementsAre("forces/norfolk")) << "a duty must not be lost in silence";
  EXPECT_THAT(BodiesOf(two.owed), ElementsAre("bodies/suffolk-pcc"));
  EXPECT_THAT(ObligationsOf(Named(), registered, kToday).forces_without_body, ElementsAre("forces/norfolk"));
}

TEST(Obligations, AForceRegisteredByMistakeBlocksNothing) {
  Register registered = RegisteredForces();
  v1::Force atlantis = registered.forces.front();
  atlantis.set_name("forces/atlantis");
  registered.forces.push_back(atlantis);
  EXPECT_THAT(ObligationsOf(Named(), registered, kToday).forces_without_body, ElementsAre("forces/atlantis"));
  registered.forces.back().set_registered_by_mistake(true);
  EXPECT_THAT(ObligationsOf(Named(), registered, kToday).forces_without_body, IsEmpty());
  EXPECT_EQ(ObligationsOf(Named(), registered, kToday).owed.size(), 43u);
}

TEST(Obligations, AllForcesAreThoseOfTheDayTheReportWasPublished) {
  Register registered = RegisteredForces();
  *registered.FindForce("forces/norfolk")->mutable_valid_from() = base::ToProtoDate(kToday + 1);
  EXPECT_EQ(ObligationsOf(Named(), registered, kToday + 30).owed.size(), 42u);
  *registered.FindForce("forces/norfolk")->mutable_valid_from() = base::ToProtoDate(kToday);
  EXPECT_EQ(ObligationsOf(Named(), registered, kToday + 30).owed.size(), 43u);
  *registered.FindForce("forces/norfolk")->mutable_valid_to() = base::ToProtoDate(kToday - 1);
  EXPECT_EQ(ObligationsOf(Named(), registered, kToday + 30).owed.size(), 42u);
  EXPECT_THAT(BodiesOf(ObligationsOf(On({"forces/norfolk"}), registered, kToday + 30).owed),
              ElementsAre("bodies/norfolk-pcc"))
      << "a report that names the force is about it";
}

TEST(Obligations, SinceMay2028BoardsAnswer) {
  Register registered = RegisteredForces();
  v1::Body board = *registered.FindBody("bodies/norfolk-pcc");
  board.set_name("bodies/norfolk-board");
  board.set_kind(v1::Body::POLICING_AND_CRIME_BOARD);
  board.clear_force();
  board.clear_force_links();
  *board.mutable_valid_from() = base::ToProtoDate(absl::CivilDay(2028, 5, 8));
  registered.bodies.push_back(board);
  v1::SucceedBodyRequest request;
  request.set_name("bodies/norfolk-pcc");
  request.set_successor("bodies/norfolk-board");
  *request.mutable_date() = base::ToProtoDate(absl::CivilDay(2028, 5, 8));
  request.set_reason("Police and crime commissioners are abolished");
  const auto succession = Succeed(request, registered);
  ASSERT_THAT(succession, IsOk());
  for (const v1::Body& changed : succession->bodies) {
    *registered.FindBody(changed.name()) = changed;
  }
  Inspection report = On({"forces/norfolk"});
  *report.mutable_publication_date() = base::ToProtoDate(absl::CivilDay(2028, 5, 5));
  report.mutable_findings(0)->mutable_addressees(0)->set_kind(Addressee::LOCAL_POLICING_BODY);
  report.mutable_findings(0)->mutable_addressees(0)->set_name("bodies/norfolk-pcc");
  EXPECT_THAT(BodiesOf(ObligationsOf(report, registered, absl::CivilDay(2028, 5, 7)).owed),
              ElementsAre("bodies/norfolk-pcc"));
  const auto after = ObligationsOf(report, registered, absl::CivilDay(2028, 5, 8)).owed;
  EXPECT_THAT(BodiesOf(after), ElementsAre("bodies/norfolk-board"));
  EXPECT_EQ(after[0].findings_to_answer(0), "inspections/safe-to-share/findings/recommendation-1")
      << "what is addressed to the body of the day is its successor's to answer";
  EXPECT_THAT(after[0].body().predecessors(), ElementsAre("bodies/norfolk-pcc"));
}

TEST(Obligations, WhereTwoForcesBecameOneItsBodyAnswersOnceForBoth) {
  Register registered = RegisteredForces();
  v1::Force east = *registered.FindForce("forces/norfolk");
  east.set_name("forces/norfolk-and-suffolk");
  *east.mutable_valid_from() = base::ToProtoDate(absl::CivilDay(2021, 4, 1));
  registered.forces.push_back(east);
  for (const char* force : {"forces/norfolk", "forces/suffolk"}) {
    v1::SucceedForceRequest request;
    request.set_name(force);
    request.set_successor(east.name());
    *request.mutable_date() = base::ToProtoDate(absl::CivilDay(2021, 4, 1));
    request.set_reason("Merged");
    const auto succession = Succeed(request, registered);
    ASSERT_THAT(succession, IsOk());
    for (const v1::Force& changed : succession->forces) {
      *registered.FindForce(changed.name()) = changed;
    }
    for (const v1::Body& changed : succession->bodies) {
      *registered.FindBody(changed.name()) = changed;
    }
  }
  Inspection report = On({"forces/norfolk", "forces/suffolk"});
  report.mutable_findings(0)->mutable_addressees(0)->set_kind(Addressee::FORCE);
  report.mutable_findings(0)->mutable_addressees(0)->set_name("forces/suffolk");
  EXPECT_EQ(ObligationsOf(report, registered, absl::CivilDay(2021, 3, 31)).owed.size(), 2u);
  const Obligations merged = ObligationsOf(report, registered, absl::CivilDay(2021, 4, 1));
  ASSERT_EQ(merged.owed.size(), 1u);
  EXPECT_THAT(merged.forces_without_body, IsEmpty());
  EXPECT_EQ(merged.owed[0].body().name(), "bodies/norfolk-pcc");
  EXPECT_EQ(merged.owed[0].force().name(), "forces/norfolk-and-suffolk");
  EXPECT_EQ(merged.owed[0].findings_to_answer_size(), 4) << "what was addressed to Suffolk alone is one of them";
  EXPECT_THAT(BodiesWithoutForce(registered, absl::CivilDay(2021, 4, 1)), ElementsAre("bodies/suffolk-pcc"));
}

}  // namespace
}  // namespace section55::registry::rules
