// What corrections and withdrawals of reports, and other bodies in the place of some, do to deadlines.
#include <gmock/gmock.h>

#include <algorithm>
#include <optional>

#include "tests/service/deadlines/world.h"

namespace section55::deadlines {
namespace {

using section55::testing::IsOk;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

constexpr char kNorfolk[] = "norfolk-pcc";
constexpr char kSuffolk[] = "suffolk-pcc";
constexpr char kBoard[] = "norfolk-board";
constexpr char kReport[] = "safe-to-share";
const absl::CivilDay kPublished(2020, 12, 17);

class CorrectionsTest : public section55::testing::OnBothEngines {
 protected:
  CorrectionsTest() : OnBothEngines(Schemas()), clock_(London(2020, 12, 17, 9)), world_(database(), clock_) {}

  // Safe to share? with its clock from this day on, still owed by these.
  registry::v1::InspectionCorrected Correction(std::optional<absl::CivilDay> first,
                                               const std::vector<std::string>& bodies) {
    registry::v1::InspectionCorrected corrected;
    auto& inspection = *corrected.mutable_inspection();
    inspection.set_revision(++revision_);
    inspection.set_name("inspections/safe-to-share");
    inspection.set_title("Safe to share?");
    inspection.set_basis(Inspection::STATUTE_S55);
    inspection.set_state(Inspection::PUBLISHED);
    *inspection.mutable_publication_date() = base::ToProtoDate(first.value_or(kPublished));
    if (first) {
      *inspection.mutable_clock_start_date() = base::ToProtoDate(*first);
    } else {
      inspection.mutable_publication_date()->clear_day();
    }
    for (const std::string& body : bodies) {
      corrected.add_obligations()->mutable_body()->set_name("bodies/" + body);
    }
    corrected.set_reason("A slip of the pen");
    return corrected;
  }

  common::v1::Event Withdrawal() {
    registry::v1::InspectionWithdrawn withdrawn;
    withdrawn.mutable_inspection()->set_revision(++revision_);
    withdrawn.mutable_inspection()->set_name("inspections/safe-to-share");
    withdrawn.mutable_inspection()->set_state(Inspection::WITHDRAWN);
    withdrawn.set_reason("Published by mistake");
    return EventOf(withdrawn);
  }

  // The board comes in the place of Norfolk's commissioner on 1 February 2021.
  static common::v1::Event Succession() {
    registry::v1::BodySucceeded succeeded;
    succeeded.mutable_predecessor()->set_name("bodies/norfolk-pcc");
    auto& succession = *succeeded.mutable_predecessor()->mutable_succession();
    succession.set_successor("bodies/norfolk-board");
    *succession.mutable_date() = base::ToProtoDate(absl::CivilDay(2021, 2, 1));
    succeeded.mutable_successor()->set_name("bodies/norfolk-board");
    succeeded.mutable_successor()->add_predecessors("bodies/norfolk-pcc");
    succeeded.mutable_force()->set_name("forces/norfolk");
    return EventOf(succeeded);
  }

  void OpenBoth() {
    ASSERT_THAT(world_.FromRegistry(InspectionPublished(kReport, kPublished, {kNorfolk, kSuffolk})), IsOk());
  }

  std::string DueOf(const std::string& body) {
    const auto day = base::ToCivilDay(world_.Load(body, kReport).due_date());
    return day ? absl::FormatCivilTime(*day) : "";
  }

  v1::Deadline::State StateOf(const std::string& body) { return world_.Load(body, kReport).state(); }

  // As the job does it, whether or not its time has come.
  absl::Status Succeed() {
    return database().Write(
        [&](db::Transaction& tx) { return world_.changes().SucceedBody(tx, "bodies/norfolk-pcc"); });
  }

  base::DrivenClock clock_;
  World world_;
  int revision_ = 1;
};

TEST_P(CorrectionsTest, TheDayMovesForEverybodyByOneEventAndIsRecorded) {
  OpenBoth();
  ASSERT_THAT(world_.FromPublication(ResponsePublished(kSuffolk, kReport, London(2021, 2, 10, 12))), IsOk());
  registry::v1::InspectionCorrected corrected = Correction(kPublished - 7, {kNorfolk, kSuffolk});
  corrected.mutable_inspection()->set_clock_reason("It had been on the website for a week");
  const common::v1::Event event = EventOf(corrected);
  ASSERT_THAT(world_.FromRegistry(event), IsOk());
  EXPECT_EQ(DueOf(kNorfolk), "2021-02-03");
  EXPECT_EQ(world_.Load(kNorfolk, kReport).moves(0).reason(), "It had been on the website for a week");
  EXPECT_EQ(world_.Load(kSuffolk, kReport).late_by_days(), 7);
  EXPECT_THAT(world_.Told(), IsSupersetOf({"Moved bodies/norfolk-pcc/deadlines/safe-to-share",
                                           "Moved bodies/suffolk-pcc/deadlines/safe-to-share"}));
  const auto jobs = world_.jobs().List("", false, {}, 10);
  ASSERT_THAT(jobs, IsOk());
  ASSERT_EQ(jobs->size(), 1u);
  EXPECT_EQ(base::FromTimestamp((*jobs)[0].due_time()), London(2021, 2, 4)) << "the timer is for the new day";
  ASSERT_THAT(world_.FromRegistry(event), IsOk());
  EXPECT_EQ(world_.Load(kNorfolk, kReport).moves_size(), 1) << "delivered twice it is one move";
}

TEST_P(CorrectionsTest, AMonthHasNoDeadlineUntilTheDayIsKnown) {
  registry::v1::InspectionPublished published;
  *published.mutable_inspection() = Correction(std::nullopt, {}).inspection();
  published.add_obligations()->mutable_body()->set_name("bodies/norfolk-pcc");
  ASSERT_THAT(world_.FromRegistry(EventOf(published)), IsOk());
  EXPECT_EQ(world_.Load(kNorfolk, kReport).name(), "");
  ASSERT_THAT(world_.FromRegistry(EventOf(Correction(kPublished, {kNorfolk}))), IsOk());
  EXPECT_EQ(DueOf(kNorfolk), "2021-02-10");
  EXPECT_EQ(StateOf(kNorfolk), v1::Deadline::PENDING);
}

TEST_P(CorrectionsTest, WhoDoesNotOweItAnyMoreHasNoDeadlineAndMayGetItBack) {
  OpenBoth();
  registry::v1::InspectionCorrected corrected = Correction(kPublished, {kNorfolk, "kent-pcc"});
  auto& not_owed = *corrected.add_not_owed();
  not_owed.set_body("bodies/suffolk-pcc");
  not_owed.set_reason("It does not concern Suffolk");
  ASSERT_THAT(world_.FromRegistry(EventOf(corrected)), IsOk());
  EXPECT_EQ(StateOf(kSuffolk), v1::Deadline::CANCELLED);
  EXPECT_EQ(world_.Load(kSuffolk, kReport).cancellation_reason(), "It does not concern Suffolk");
  EXPECT_EQ(StateOf("kent-pcc"), v1::Deadline::PENDING);
  // It publishes all the same, and then it turns out to have been owed.
  ASSERT_THAT(world_.FromPublication(ResponsePublished(kSuffolk, kReport, London(2021, 2, 1))), IsOk());
  EXPECT_EQ(StateOf(kSuffolk), v1::Deadline::CANCELLED);
  ASSERT_THAT(world_.FromRegistry(EventOf(Correction(kPublished, {kNorfolk, kSuffolk}))), IsOk());
  EXPECT_EQ(StateOf(kSuffolk), v1::Deadline::MET);
  EXPECT_EQ(world_.Load(kSuffolk, kReport).met_day_number(), 47);
}

TEST_P(CorrectionsTest, AWithdrawnReportHasNoDeadlines) {
  OpenBoth();
  ASSERT_THAT(world_.FromPublication(ResponsePublished(kSuffolk, kReport, London(2021, 2, 1))), IsOk());
  ASSERT_THAT(world_.FromRegistry(Withdrawal()), IsOk());
  EXPECT_EQ(StateOf(kNorfolk), v1::Deadline::CANCELLED);
  EXPECT_EQ(StateOf(kSuffolk), v1::Deadline::MET) << "what was done stays done";
  const auto jobs = world_.jobs().List("", false, {}, 10);
  ASSERT_THAT(jobs, IsOk());
  EXPECT_THAT(*jobs, IsEmpty());
  ASSERT_THAT(world_.Miss(kNorfolk, kReport), IsOk());
  EXPECT_EQ(StateOf(kNorfolk), v1::Deadline::CANCELLED);
}

TEST_P(CorrectionsTest, OnTheDayTheSuccessorHasTheSameDeadline) {
  OpenBoth();
  ASSERT_THAT(world_.FromRegistry(Succession()), IsOk());
  ASSERT_THAT(Succeed(), IsOk());
  EXPECT_EQ(StateOf(kNorfolk), v1::Deadline::PENDING) << "the day has not come";
  clock_.Set(London(2021, 2, 1));
  ASSERT_THAT(Succeed(), IsOk());
  EXPECT_EQ(StateOf(kNorfolk), v1::Deadline::TRANSFERRED);
  EXPECT_EQ(StateOf(kBoard), v1::Deadline::PENDING);
  EXPECT_EQ(DueOf(kBoard), "2021-02-10");
  EXPECT_THAT(world_.Told(), IsSupersetOf({"Transferred bodies/norfolk-pcc/deadlines/safe-to-share",
                                           "Opened bodies/norfolk-board/deadlines/safe-to-share"}));
  ASSERT_THAT(world_.FromPublication(ResponsePublished(kBoard, kReport, London(2021, 2, 10))), IsOk());
  EXPECT_EQ(StateOf(kBoard), v1::Deadline::MET);
  EXPECT_EQ(world_.Load(kBoard, kReport).met_day_number(), 56);
}

TEST_P(CorrectionsTest, WhatWasApprovedBeforeTheDayAndPublishedAfterItMeetsTheSuccessorsDeadline) {
  OpenBoth();
  ASSERT_THAT(world_.FromRegistry(Succession()), IsOk());
  clock_.Set(London(2021, 2, 1));
  ASSERT_THAT(Succeed(), IsOk());
  ASSERT_THAT(world_.FromPublication(ResponsePublished(kNorfolk, kReport, London(2021, 2, 1, 0, 1))), IsOk());
  EXPECT_EQ(StateOf(kBoard), v1::Deadline::MET);
  EXPECT_EQ(StateOf(kNorfolk), v1::Deadline::TRANSFERRED);
}

TEST_P(CorrectionsTest, NewsOfAReportThatComesAfterTheDayGoesOnAtOnce) {
  ASSERT_THAT(world_.FromRegistry(Succession()), IsOk());
  clock_.Set(London(2021, 2, 1));
  ASSERT_THAT(Succeed(), IsOk());
  OpenBoth();
  const auto jobs = world_.jobs().List("", false, {}, 10);
  ASSERT_THAT(jobs, IsOk());
  EXPECT_TRUE(std::any_of(jobs->begin(), jobs->end(), [](const auto& job) { return job.kind() == kSucceedBody; }));
  ASSERT_THAT(Succeed(), IsOk());
  EXPECT_EQ(StateOf(kBoard), v1::Deadline::PENDING);
  // A correction of it is the board's.
  registry::v1::InspectionCorrected corrected = Correction(kPublished - 1, {kBoard, kSuffolk});
  corrected.mutable_obligations(0)->mutable_body()->add_predecessors("bodies/norfolk-pcc");
  ASSERT_THAT(world_.FromRegistry(EventOf(corrected)), IsOk());
  EXPECT_EQ(DueOf(kBoard), "2021-02-09");
}

TEST_P(CorrectionsTest, WhatIsToldAgainAfterARestoreOfTheRegistryMovesNothing) {
  OpenBoth();
  const common::v1::Event first = EventOf(Correction(kPublished - 7, {kNorfolk, kSuffolk}));
  const common::v1::Event withdrawal = Withdrawal();
  const common::v1::Event last = EventOf(Correction(kPublished, {kNorfolk, kSuffolk}));
  for (const common::v1::Event& event : {first, withdrawal, last}) {
    ASSERT_THAT(world_.FromRegistry(event), IsOk());
  }
  const std::vector<std::string> told = world_.Told();
  const v1::Deadline before = world_.Load(kNorfolk, kReport);
  EXPECT_EQ(before.state(), v1::Deadline::PENDING);
  for (const common::v1::Event& event :
       {InspectionPublished(kReport, kPublished, {kNorfolk, kSuffolk, "kent-pcc"}), first, withdrawal, last}) {
    ASSERT_THAT(world_.FromRegistry(event), IsOk());
  }
  EXPECT_THAT(world_.Load(kNorfolk, kReport), section55::testing::EqualsProto(before));
  EXPECT_EQ(StateOf("kent-pcc"), v1::Deadline::PENDING) << "who had not been heard of owes it by what is known now";
  EXPECT_EQ(world_.Told().size(), told.size() + 1);
}

SECTION55_ON_BOTH_ENGINES(CorrectionsTest);

}  // namespace
}  // namespace section55::deadlines
