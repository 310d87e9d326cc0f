// The life of a report from draft to withdrawal.

#include "services/inspection-registry/life.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "libs/base/limits.h"
#include "libs/base/proto_time.h"
#include "libs/testing/matchers.h"
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
using ::testing::SizeIs;
using v1::Change;
using v1::Inspection;
using v1::InspectionRevision;

constexpr absl::CivilDay kDay(2020, 12, 17);

TEST(Transitions, AreTheWholeLifeOfAReport) {
  EXPECT_EQ(base::Draw(kTransitions, Inspection::State_Name<Inspection::State>),
            "DRAFT -> DRAFT: UpdateInspection\n"
            "DRAFT -> PUBLISHED: PublishInspection\n"
            "PUBLISHED -> PUBLISHED: CorrectInspection\n"
            "PUBLISHED -> WITHDRAWN: WithdrawInspection\n"
            "WITHDRAWN -> PUBLISHED: CorrectInspection\n");
}

std::vector<std::string> PartsOf(const google::protobuf::RepeatedPtrField<Change>& changes) {
  std::vector<std::string> parts;
  for (const Change& change : changes) {
    parts.push_back(fmt::format("{} {}", Change::Kind_Name(change.kind()), change.part()));
  }
  return parts;
}

template <typename List>
std::vector<std::string> BodiesIn(const List& list) {
  std::vector<std::string> bodies;
  for (const auto& one : list) {
    bodies.push_back(one.body());
  }
  return bodies;
}

class Life : public ::testing::Test {
 protected:
  Circumstances On(absl::CivilDay today, bool validate_only = false) {
    return {.registered = registered_,
            .related = related_,
            .now = absl::FromCivil(absl::CivilSecond(today) + 12 * 3600, absl::UTCTimeZone()),
            .today = today,
            .validate_only = validate_only};
  }

  static Inspection Draft() {
    Inspection inspection = SafeToShare();
    inspection.set_name("inspections/safe-to-share");
    inspection.set_state(Inspection::DRAFT);
    return inspection;
  }

  // Published on its day, on these forces or on all.
  Step<v1::InspectionPublished> Published(std::initializer_list<const char*> forces = {}) {
    Inspection inspection = Draft();
    if (forces.size() > 0) {
      inspection.mutable_scope()->clear_all_forces();
    }
    for (const char* force : forces) {
      inspection.mutable_scope()->add_forces(force);
    }
    auto step = Publish(inspection, On(kDay));
    EXPECT_THAT(step, IsOk());
    return step.ok() ? *std::move(step) : Step<v1::InspectionPublished>();
  }

  static v1::CorrectInspectionRequest Correction(std::initializer_list<const char*> paths) {
    v1::CorrectInspectionRequest request;
    request.set_reason("A slip of the pen");
    for (const char* path : paths) {
      request.mutable_update_mask()->add_paths(path);
    }
    return request;
  }

  Register registered_ = RegisteredForces();
  Reports related_;
};

TEST_F(Life, PublicationSaysWhoOwesWhatByWhen) {
  const auto step = Published();
  EXPECT_EQ(step.inspection.state(), Inspection::PUBLISHED);
  EXPECT_EQ(step.inspection.revision(), kFirstRevision);
  EXPECT_THAT(step.inspection.clock_start_date(), EqualsProto(base::ToProtoDate(kDay)));
  EXPECT_THAT(step.event.inspection(), EqualsProto(step.inspection));
  EXPECT_THAT(step.event.obligations(), SizeIs(43));
  EXPECT_THAT(step.effect.opens(), SizeIs(43));
  EXPECT_EQ(step.effect.opens(0).findings_to_answer(), 4);
  EXPECT_THAT(step.effect.keeps(), IsEmpty());
  EXPECT_THAT(step.effect.due_date(), EqualsProto(base::ToProtoDate(absl::CivilDay(2021, 2, 10))));
  EXPECT_EQ(step.effect.clock(),
            "Day 1 is Thursday 17 December 2020; the last lawful day, day 56, is Wednesday 10 February 2021.");
  EXPECT_EQ(step.revision.name(), "inspections/safe-to-share/revisions/1");
  EXPECT_EQ(step.revision.kind(), InspectionRevision::PUBLICATION);
  EXPECT_THAT(step.revision.bodies(), SizeIs(43));
}

TEST_F(Life, NobodyIsToldWhatIsNotReady) {
  Inspection bare;
  bare.set_name("inspections/safe-to-share");
  bare.set_state(Inspection::DRAFT);
  const absl::Status status = Publish(bare, On(kDay)).status();
  EXPECT_THAT(status, AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("NOT_READY")));
  EXPECT_EQ(base::ErrorInfoOf(status).metadata().at("missing"),
            "title, kinds, publishers, publication_date, basis, scope");
  EXPECT_THAT(Publish(Draft(), On(kDay - 1)), AllOf(HasReason("NOT_READY"), MessageIs(HasSubstr("2020-12-17"))));
  Inspection without_findings = Draft();
  without_findings.clear_findings();
  const auto step = Publish(without_findings, On(kDay));
  ASSERT_THAT(step, IsOk());
  EXPECT_THAT(step->effect.bodies_without_answer(), SizeIs(43)) << "comments are owed all the same";
  registered_ = {};
  EXPECT_THAT(Publish(Draft(), On(kDay)), HasReason("NO_BODY"));
}

TEST_F(Life, AForceWithoutBodyStopsThePublicationAndIsShownBefore) {
  registered_.FindBody("bodies/norfolk-pcc")->set_registered_by_mistake(true);
  v1::Body& idle = registered_.bodies.emplace_back();
  idle.set_name("bodies/idle");
  EXPECT_THAT(Publish(Draft(), On(kDay)), AllOf(HasReason("NO_BODY"), MessageIs(HasSubstr("forces/norfolk"))));
  const auto shown = Publish(Draft(), On(kDay, true));
  ASSERT_THAT(shown, IsOk());
  EXPECT_TRUE(shown->effect.validate_only());
  EXPECT_THAT(shown->effect.opens(), SizeIs(42));
  EXPECT_THAT(shown->effect.forces_without_body(), ElementsAre("forces/norfolk"));
  EXPECT_THAT(shown->effect.bodies_without_force(), ElementsAre("bodies/idle"));
  EXPECT_THAT(shown->effect.problems(), ElementsAre(HasSubstr("forces/norfolk")));
  Inspection unready = Draft();
  unready.clear_basis();
  unready.clear_title();
  EXPECT_THAT(Publish(unready, On(kDay, true))->effect.problems(), ElementsAre("it lacks title, basis"));
}

TEST_F(Life, AMonthStartsNoClockUntilTheDayIsKnown) {
  Inspection month = Draft();
  month.mutable_publication_date()->clear_day();
  EXPECT_THAT(Publish(month, On(absl::CivilDay(2020, 11, 30))), HasReason("NOT_READY")) << "that month has not come";
  const auto published = Publish(month, On(kDay));
  ASSERT_THAT(published, IsOk());
  EXPECT_FALSE(published->inspection.has_clock_start_date());
  EXPECT_THAT(published->effect.opens(), SizeIs(43));
  EXPECT_FALSE(published->effect.has_due_date());
  EXPECT_THAT(published->effect.clock(), HasSubstr("Only the month of publication is known"));

  Inspection given;
  *given.mutable_publication_date() = base::ToProtoDate(kDay);
  const auto corrected =
      Correct(Correction({"publication_date"}), given, published->inspection, published->revision, On(kDay + 20));
  ASSERT_THAT(corrected, IsOk());
  EXPECT_THAT(corrected->inspection.clock_start_date(), EqualsProto(base::ToProtoDate(kDay)));
  EXPECT_THAT(corrected->effect.due_date(), EqualsProto(base::ToProtoDate(absl::CivilDay(2021, 2, 10))));
}

TEST_F(Life, WhatSetsNoDaySaysWhy) {
  std::string words;
  Inspection inspection = Draft();
  inspection.set_basis(Inspection::VOLUNTARY);
  EXPECT_EQ(LastLawfulDay(inspection, words), std::nullopt);
  EXPECT_THAT(words, HasSubstr("voluntary"));
  inspection.set_basis(Inspection::REQUESTED_BY_REPORT);
  EXPECT_EQ(LastLawfulDay(inspection, words), std::nullopt);
  EXPECT_THAT(words, HasSubstr("sets the terms"));
  inspection.set_basis(Inspection::STATUTE_S55);
  *inspection.mutable_publication_date() = base::ToProtoDate(absl::CivilDay(2016, 12, 8));
  EXPECT_EQ(LastLawfulDay(inspection, words), std::nullopt);
  EXPECT_THAT(words, HasSubstr("before the rule was in force"));
}

TEST_F(Life, ACorrectionTellsWhatChangedAndWhoOwesNow) {
  const auto published = Published({"forces/norfolk", "forces/suffolk"});
  Inspection given = published.inspection;
  given.set_title("Safe to share? (corrected)");
  given.set_url("");
  given.set_short_title("Safe to share?");
  given.mutable_scope()->set_forces(1, "forces/kent");
  given.mutable_findings(0)->set_text("Another text.");
  given.mutable_findings()->RemoveLast();
  v1::Finding& added = *given.add_findings();
  added.set_id("recommendation-7");
  added.set_kind(v1::Finding::RECOMMENDATION);
  added.set_text("Do this too.");
  added.add_addressees()->set_kind(v1::Addressee::ALL_CHIEF_CONSTABLES);
  const auto step = Correct(Correction({"title", "url", "short_title", "scope", "findings"}), given,
                            published.inspection, published.revision, On(kDay + 7));
  ASSERT_THAT(step, IsOk());
  EXPECT_EQ(step->inspection.revision(), 2);
  EXPECT_EQ(step->inspection.state(), Inspection::PUBLISHED);
  EXPECT_EQ(step->inspection.correction_reason(), "A slip of the pen");
  EXPECT_THAT(PartsOf(step->event.changes()),
              ElementsAre("CHANGED title", "ADDED short_title", "REMOVED url", "CHANGED scope",
                          "CHANGED findings/recommendation-1", "ADDED findings/recommendation-7",
                          "REMOVED findings/recommendation-6"));
  EXPECT_THAT(BodiesIn(step->effect.keeps()), ElementsAre("bodies/norfolk-pcc"));
  EXPECT_THAT(BodiesIn(step->effect.opens()), ElementsAre("bodies/kent-pcc"));
  EXPECT_THAT(BodiesIn(step->event.not_owed()), ElementsAre("bodies/suffolk-pcc"));
  EXPECT_THAT(step->event.obligations(), SizeIs(2));
  EXPECT_EQ(step->event.reason(), "A slip of the pen");
  EXPECT_EQ(step->revision.name(), "inspections/safe-to-share/revisions/2");
  EXPECT_THAT(step->revision.bodies(), ElementsAre("bodies/kent-pcc", "bodies/norfolk-pcc"));
  EXPECT_THAT(step->event.inspection(), EqualsProto(step->inspection));
}

TEST_F(Life, TheFirstPublicationDateKeepsTheClockUnlessTheRegistrarStatesOtherwise) {
  const auto published = Published();
  Inspection given;
  *given.mutable_publication_date() = base::ToProtoDate(kDay - 7);
  v1::CorrectInspectionRequest request = Correction({"publication_date"});
  const auto kept = Correct(request, given, published.inspection, published.revision, On(kDay + 7));
  ASSERT_THAT(kept, IsOk());
  EXPECT_THAT(kept->inspection.publication_date(), EqualsProto(base::ToProtoDate(kDay - 7)));
  EXPECT_THAT(kept->effect.due_date(), EqualsProto(base::ToProtoDate(kDay + 55)));

  *request.mutable_clock_start_date() = base::ToProtoDate(kDay - 7);
  request.set_clock_reason("It had been on the website for a week");
  const auto moved = Correct(request, given, published.inspection, published.revision, On(kDay + 7));
  ASSERT_THAT(moved, IsOk());
  EXPECT_THAT(moved->effect.due_date(), EqualsProto(base::ToProtoDate(kDay + 48)));
  EXPECT_EQ(moved->inspection.clock_reason(), "It had been on the website for a week");
  EXPECT_THAT(PartsOf(moved->event.changes()), ElementsAre("CHANGED publication_date", "CHANGED clock_start_date"));
}

TEST_F(Life, ACorrectionThatChangesNothingIsNone) {
  const auto published = Published();
  EXPECT_THAT(Correct(Correction({"title"}), published.inspection, published.inspection, published.revision, On(kDay)),
              AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("NO_CHANGE")));
  EXPECT_THAT(Correct(Correction({"title"}), Draft(), Draft(), {}, On(kDay)), HasReason("WRONG_STATE"));
}

TEST_F(Life, AReportIsWithdrawnAndMayBePublishedAgain) {
  const auto published = Published({"forces/norfolk", "forces/suffolk"});
  v1::WithdrawInspectionRequest request;
  request.set_reason("Published by mistake");
  const auto withdrawn = Withdraw(request, published.inspection, published.revision, On(kDay + 1));
  ASSERT_THAT(withdrawn, IsOk());
  EXPECT_EQ(withdrawn->inspection.state(), Inspection::WITHDRAWN);
  EXPECT_EQ(withdrawn->inspection.revision(), 2);
  EXPECT_EQ(withdrawn->inspection.withdrawal_reason(), "Published by mistake");
  EXPECT_THAT(BodiesIn(withdrawn->effect.closes()), ElementsAre("bodies/norfolk-pcc", "bodies/suffolk-pcc"));
  EXPECT_THAT(withdrawn->event.inspection().findings(), IsEmpty());
  EXPECT_EQ(withdrawn->event.reason(), "Published by mistake");
  EXPECT_EQ(withdrawn->revision.kind(), InspectionRevision::WITHDRAWAL);
  EXPECT_THAT(withdrawn->revision.bodies(), IsEmpty());
  EXPECT_THAT(Withdraw(request, withdrawn->inspection, withdrawn->revision, On(kDay + 2)), HasReason("WRONG_STATE"));

  const auto again = Correct(Correction({}), {}, withdrawn->inspection, withdrawn->revision, On(kDay + 30));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->inspection.state(), Inspection::PUBLISHED);
  EXPECT_FALSE(again->inspection.has_withdraw_time());
  EXPECT_EQ(again->inspection.revision(), 3);
  EXPECT_THAT(BodiesIn(again->effect.opens()), ElementsAre("bodies/norfolk-pcc", "bodies/suffolk-pcc"));
  EXPECT_THAT(again->effect.due_date(), EqualsProto(base::ToProtoDate(kDay + 55))) << "the first date keeps the clock";
}

TEST_F(Life, WhoeverHasComeInABodysPlaceOwesWhatItOwed) {
  const auto published = Published({"forces/norfolk"});
  v1::Body& board = registered_.bodies.emplace_back();
  board.set_name("bodies/norfolk-board");
  v1::SucceedBodyRequest request;
  request.set_name("bodies/norfolk-pcc");
  request.set_successor("bodies/norfolk-board");
  *request.mutable_date() = base::ToProtoDate(kDay + 10);
  request.set_reason("Law");
  const auto succession = Succeed(request, registered_);
  ASSERT_THAT(succession, IsOk());
  for (const v1::Body& body : succession->bodies) {
    *registered_.FindBody(body.name()) = body;
  }
  Inspection given;
  given.set_title("Another title");
  const auto step = Correct(Correction({"title"}), given, published.inspection, published.revision, On(kDay + 10));
  ASSERT_THAT(step, IsOk());
  EXPECT_THAT(BodiesIn(step->effect.keeps()), ElementsAre("bodies/norfolk-board"));
  EXPECT_THAT(step->effect.opens(), IsEmpty());
  EXPECT_THAT(step->effect.closes(), IsEmpty());
}

TEST_F(Life, WhatAReportGoesBackToIsPublishedAndNotLater) {
  Inspection draft = Draft();
  auto& repeats = *draft.mutable_findings(0)->add_relations();
  repeats.set_kind(v1::FindingRelation::REPEATS);
  repeats.set_finding("inspections/earlier/findings/recommendation-1");
  Inspection& earlier = related_["inspections/earlier"];
  earlier.set_state(Inspection::DRAFT);
  *earlier.mutable_publication_date() = base::ToProtoDate(kDay);
  EXPECT_THAT(Publish(draft, On(kDay)), AllOf(HasReason("NOT_READY"), MessageIs(HasSubstr("not published"))));
  earlier.set_state(Inspection::WITHDRAWN);
  EXPECT_THAT(Publish(draft, On(kDay)), IsOk());
  *earlier.mutable_publication_date() = base::ToProtoDate(kDay + 1);
  EXPECT_THAT(Publish(draft, On(kDay)), AllOf(HasReason("NOT_READY"), MessageIs(HasSubstr("later"))));
}

TEST_F(Life, RefusesWhatTheFeedCannotTake) {
  Inspection large = Draft();
  for (size_t i = 0; i <= base::kLargestEvent / 20'000; ++i) {
    large.add_findings()->set_text(std::string(20'000, 'x'));
  }
  EXPECT_THAT(Publish(large, On(kDay)), HasReason("NOT_READY"));
}

TEST(ValidateCorrection, WantsReasons) {
  v1::CorrectInspectionRequest request;
  const auto violating = [&] {
    base::Violations violations;
    ValidateCorrection(request, kDay, violations);
    return FieldsOf(violations.ToStatus());
  };
  EXPECT_THAT(violating(), ElementsAre("reason"));
  request.set_reason("Typing error");
  EXPECT_THAT(violating(), IsEmpty());
  request.set_clock_reason("Because");
  EXPECT_THAT(violating(), ElementsAre("clock_reason"));
  *request.mutable_clock_start_date() = base::ToProtoDate(kDay + 1);
  EXPECT_THAT(violating(), ElementsAre("clock_start_date"));
  request.mutable_clock_start_date()->clear_day();
  request.clear_clock_reason();
  EXPECT_THAT(violating(), ElementsAre("clock_reason", "clock_start_date"));
}

}  // namespace
}  // namespace section55::registry::rules
