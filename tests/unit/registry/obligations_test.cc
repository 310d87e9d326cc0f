// Who owes a response to a report, and which findings each must answer.

#include <gmock/gmock.h>

#include <algorithm>

#include "libs/base/limits.h"
#include "libs/testing/matchers.h"
#include "services/inspection-registry/rules.h"
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
using v1::Addressee;
using v1::Finding;
using v1::Inspection;
using v1::Obligation;

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
  auto obligations = ObligationsOf(inspection, RegisteredForces());
  EXPECT_THAT(obligations, IsOk());
  return obligations.ok() ? *std::move(obligations) : std::vector<Obligation>();
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
  const auto obligations = ObligationsOf(On({"forces/btp"}), registered);
  ASSERT_THAT(obligations, IsOk());
  ASSERT_EQ(obligations->size(), 1u);
  EXPECT_THAT(obligations->front().force(), EqualsProto(registered.back().force));
  EXPECT_THAT(obligations->front().body(), EqualsProto(*registered.back().body));
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

TEST(Obligations, AForceConcernedWithoutBodyStopsThePublication) {
  auto registered = RegisteredForces();
  for (ForceAndBody& one : registered) {
    if (one.force.name() == "forces/norfolk") {
      one.body.reset();
    }
  }
  EXPECT_THAT(ObligationsOf(On({"forces/suffolk", "forces/norfolk"}), registered),
              AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("NO_BODY"),
                    MessageIs(HasSubstr("forces/norfolk"))));
  EXPECT_THAT(ObligationsOf(Named(), registered), HasReason("NO_BODY")) << "a duty must not be lost in silence";
}

TEST(Obligations, ThereMustBeSomebody) { EXPECT_THAT(ObligationsOf(Named(), {}), HasReason("NO_BODY")); }

TEST(MakePublished, RefusesWhatTheFeedCannotTake) {
  Inspection inspection = Named();
  const auto obligations = Obliged(inspection);
  const auto event = MakePublished(inspection, obligations);
  ASSERT_THAT(event, IsOk());
  EXPECT_THAT(event->inspection(), EqualsProto(inspection));
  EXPECT_EQ(event->obligations_size(), 43);
  for (size_t i = 0; i <= base::kLargestEvent / 20'000; ++i) {
    inspection.add_findings()->set_text(std::string(20'000, 'x'));
  }
  EXPECT_THAT(MakePublished(inspection, obligations), HasReason("NOT_READY"));
}

}  // namespace
}  // namespace section55::registry::rules
