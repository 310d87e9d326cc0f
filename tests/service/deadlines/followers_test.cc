// What the events of the two feeds do to deadlines, in whatever order they come.
#include "services/deadline-scheduler/followers.h"

#include <gmock/gmock.h>

#include <thread>

#include "tests/service/deadlines/world.h"

namespace section55::deadlines {
namespace {

using section55::testing::HasReason;
using section55::testing::IsOk;
using section55::testing::StatusIs;
using section55::testing::ViolationOn;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kNorfolk[] = "norfolk-pcc";
constexpr char kReport[] = "safe-to-share";
constexpr char kOpened[] = "Opened bodies/norfolk-pcc/deadlines/safe-to-share";
constexpr char kMet[] = "Met bodies/norfolk-pcc/deadlines/safe-to-share";
const absl::CivilDay kPublished(2020, 12, 17);

class FollowersTest : public section55::testing::OnBothEngines {
 protected:
  FollowersTest() : OnBothEngines(Schemas()), clock_(London(2020, 12, 17, 9)), world_(database(), clock_) {}

  base::DrivenClock clock_;
  World world_;
};

TEST_P(FollowersTest, AReportOpensADeadlineForEveryBodyThatOwesAResponse) {
  const common::v1::Event published = InspectionPublished(kReport, kPublished, {kNorfolk, "suffolk-pcc"});
  ASSERT_THAT(world_.FromRegistry(published), IsOk());
  const auto events = world_.Events();
  ASSERT_EQ(events.size(), 2u);
  v1::DeadlineOpened opened;
  ASSERT_TRUE(events[0].payload().UnpackTo(&opened));
  EXPECT_EQ(opened.deadline().SerializeAsString(), world_.Load(kNorfolk, kReport).SerializeAsString());
  EXPECT_EQ(opened.deadline().state(), v1::Deadline::PENDING);
  EXPECT_EQ(*base::ToCivilDay(opened.deadline().due_date()), absl::CivilDay(2021, 2, 10));
  EXPECT_EQ(events[0].tenant(), "bodies/norfolk-pcc");
  EXPECT_EQ(events[0].subject(), "bodies/norfolk-pcc/deadlines/safe-to-share");
  EXPECT_EQ(events[0].actor(), "services/deadline-scheduler");
  EXPECT_EQ(events[0].cause(), published.event_id());
  EXPECT_EQ(base::FromTimestamp(events[0].time()), clock_.Now());
  EXPECT_EQ(events[1].tenant(), "bodies/suffolk-pcc");
}

TEST_P(FollowersTest, OnlyAReportUnderTheStatuteOpensOne) {
  EXPECT_THAT(world_.FromRegistry(InspectionPublished("before", absl::CivilDay(2017, 5, 1), {kNorfolk})), IsOk());
  EXPECT_THAT(
      world_.FromRegistry(InspectionPublished("requested", kPublished, {kNorfolk}, Inspection::REQUESTED_BY_REPORT)),
      IsOk());
  EXPECT_THAT(world_.FromRegistry(InspectionPublished("voluntary", kPublished, {kNorfolk}, Inspection::VOLUNTARY)),
              IsOk());
  // A response to such a report is published all the same.
  EXPECT_THAT(world_.FromPublication(ResponsePublished(kNorfolk, "voluntary", London(2021, 1, 4))), IsOk());
  EXPECT_THAT(world_.Told(), IsEmpty());
  EXPECT_EQ(world_.Load(kNorfolk, "before").name(), "");
}

TEST_P(FollowersTest, AResponsePublishedOnDay56MeetsTheDeadlineInTime) {
  ASSERT_THAT(world_.FromRegistry(InspectionPublished(kReport, kPublished, {kNorfolk})), IsOk());
  const common::v1::Event published = ResponsePublished(kNorfolk, kReport, London(2021, 2, 10, 23, 59));
  ASSERT_THAT(world_.FromPublication(published), IsOk());
  const v1::Deadline deadline = world_.Load(kNorfolk, kReport);
  EXPECT_EQ(deadline.state(), v1::Deadline::MET);
  EXPECT_EQ(deadline.met_day_number(), 56);
  EXPECT_EQ(deadline.late_by_days(), 0);
  const auto events = world_.Events();
  ASSERT_EQ(events.size(), 2u);
  v1::DeadlineMet met;
  ASSERT_TRUE(events[1].payload().UnpackTo(&met));
  EXPECT_EQ(met.deadline().SerializeAsString(), deadline.SerializeAsString());
  EXPECT_EQ(events[1].cause(), published.event_id());
}

TEST_P(FollowersTest, AResponsePublishedAtMidnightIsLateByOneDay) {
  ASSERT_THAT(world_.FromRegistry(InspectionPublished(kReport, kPublished, {kNorfolk})), IsOk());
  ASSERT_THAT(world_.FromPublication(ResponsePublished(kNorfolk, kReport, London(2021, 2, 11))), IsOk());
  EXPECT_EQ(world_.Load(kNorfolk, kReport).met_day_number(), 57);
  EXPECT_EQ(world_.Load(kNorfolk, kReport).late_by_days(), 1);
}

TEST_P(FollowersTest, APublicationHeardOfBeforeTheReportIsApplied) {
  ASSERT_THAT(world_.FromPublication(ResponsePublished(kNorfolk, kReport, London(2021, 2, 10, 23, 59))), IsOk());
  EXPECT_THAT(world_.Told(), IsEmpty());
  ASSERT_THAT(world_.FromRegistry(InspectionPublished(kReport, kPublished, {kNorfolk, "suffolk-pcc"})), IsOk());
  EXPECT_THAT(world_.Told(), ElementsAre(kOpened, kMet, "Opened bodies/suffolk-pcc/deadlines/safe-to-share"));
  EXPECT_EQ(world_.Load(kNorfolk, kReport).met_day_number(), 56);
  EXPECT_EQ(world_.Load("suffolk-pcc", kReport).state(), v1::Deadline::PENDING);
}

TEST_P(FollowersTest, ALaterEditionDoesNotMakeAPunctualBodyLate) {
  ASSERT_THAT(world_.FromRegistry(InspectionPublished(kReport, kPublished, {kNorfolk})), IsOk());
  ASSERT_THAT(world_.FromPublication(ResponsePublished(kNorfolk, kReport, London(2021, 2, 9))), IsOk());
  const v1::Deadline met = world_.Load(kNorfolk, kReport);
  EXPECT_EQ(met.met_day_number(), 55);
  // The second edition tells its own instant beside the first one's; one that told only its own would change nothing either.
  publication::v1::ResponsePublished second;
  second.set_response("bodies/norfolk-pcc/responses/safe-to-share");
  second.mutable_publication()->set_edition(2);
  *second.mutable_publication()->mutable_published_time() = base::ToTimestamp(London(2021, 2, 9));
  *second.mutable_publication()->mutable_edition_published_time() = base::ToTimestamp(London(2021, 6, 1));
  ASSERT_THAT(world_.FromPublication(EventOf(second)), IsOk());
  ASSERT_THAT(world_.FromPublication(ResponsePublished(kNorfolk, kReport, London(2021, 6, 1))), IsOk());
  EXPECT_EQ(world_.Load(kNorfolk, kReport).SerializeAsString(), met.SerializeAsString());
  EXPECT_THAT(world_.Told(), ElementsAre(kOpened, kMet));
}

TEST_P(FollowersTest, ALaterEditionHeardOfFirstDoesNotMoveTheFirst) {
  ASSERT_THAT(world_.FromPublication(ResponsePublished(kNorfolk, kReport, London(2021, 1, 15, 12))), IsOk());
  ASSERT_THAT(world_.FromPublication(ResponsePublished(kNorfolk, kReport, London(2021, 3, 1))), IsOk());
  ASSERT_THAT(world_.FromRegistry(InspectionPublished(kReport, kPublished, {kNorfolk})), IsOk());
  const v1::Deadline met = world_.Load(kNorfolk, kReport);
  EXPECT_EQ(met.met_day_number(), 30);
  ASSERT_THAT(world_.FromPublication(ResponsePublished(kNorfolk, kReport, London(2021, 4, 1))), IsOk());
  EXPECT_EQ(world_.Load(kNorfolk, kReport).SerializeAsString(), met.SerializeAsString());
  EXPECT_THAT(world_.Told(), ElementsAre(kOpened, kMet));
}

TEST_P(FollowersTest, ARepeatedEventChangesNothing) {
  const auto report = InspectionPublished(kReport, kPublished, {kNorfolk});
  const auto response = ResponsePublished(kNorfolk, kReport, London(2021, 1, 15));
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(world_.FromRegistry(report), IsOk());
    ASSERT_THAT(world_.FromPublication(response), IsOk());
  }
  EXPECT_THAT(world_.Told(), ElementsAre(kOpened, kMet));
}

TEST_P(FollowersTest, APublicationHeardOfLateIsJudgedByItsInstant) {
  ASSERT_THAT(world_.FromRegistry(InspectionPublished(kReport, kPublished, {kNorfolk, "suffolk-pcc"})), IsOk());
  clock_.Set(London(2021, 3, 1));
  ASSERT_THAT(world_.Miss(kNorfolk, kReport), IsOk());
  ASSERT_THAT(world_.Miss("suffolk-pcc", kReport), IsOk());
  ASSERT_EQ(world_.Load(kNorfolk, kReport).state(), v1::Deadline::MISSED);
  ASSERT_THAT(world_.FromPublication(ResponsePublished(kNorfolk, kReport, London(2021, 2, 10, 23, 59))), IsOk());
  ASSERT_THAT(world_.FromPublication(ResponsePublished("suffolk-pcc", kReport, London(2021, 2, 28))), IsOk());
  EXPECT_EQ(world_.Load(kNorfolk, kReport).state(), v1::Deadline::MET);
  EXPECT_EQ(world_.Load(kNorfolk, kReport).late_by_days(), 0);
  EXPECT_EQ(world_.Load("suffolk-pcc", kReport).state(), v1::Deadline::MET);
  EXPECT_EQ(world_.Load("suffolk-pcc", kReport).late_by_days(), 18);
}

TEST_P(FollowersTest, TheTwoFeedsAtTheSameTimeLoseNothing) {
  const std::vector<std::string> bodies = {"essex-pfcc", kNorfolk, "suffolk-pcc"};
  constexpr int kReports = 20;
  std::thread publication([&] {
    for (int i = 0; i < kReports; ++i) {
      for (const std::string& body : bodies) {
        EXPECT_THAT(world_.FromPublication(ResponsePublished(body, fmt::format("report-{}", i), London(2021, 1, 15))),
                    IsOk());
      }
    }
  });
  for (int i = 0; i < kReports; ++i) {
    EXPECT_THAT(world_.FromRegistry(InspectionPublished(fmt::format("report-{}", i), kPublished, bodies)), IsOk());
  }
  publication.join();
  EXPECT_EQ(world_.Events().size(), 2 * kReports * bodies.size());
  for (int i = 0; i < kReports; ++i) {
    for (const std::string& body : bodies) {
      EXPECT_EQ(world_.Load(body, fmt::format("report-{}", i)).state(), v1::Deadline::MET);
    }
  }
}

TEST_P(FollowersTest, TheTimerKnowsWhatIsPending) {
  ASSERT_THAT(world_.FromRegistry(InspectionPublished(kReport, kPublished, {kNorfolk, "suffolk-pcc"})), IsOk());
  const auto jobs = world_.jobs().List("", false, {}, 10);
  ASSERT_THAT(jobs, IsOk());
  ASSERT_EQ(jobs->size(), 2u);
  const auto of_norfolk = world_.jobs().List("bodies/norfolk-pcc", false, {}, 10);
  ASSERT_THAT(of_norfolk, IsOk());
  ASSERT_EQ(of_norfolk->size(), 1u);
  EXPECT_EQ(of_norfolk->front().kind(), "missed-deadline");
  EXPECT_EQ(of_norfolk->front().key(), "bodies/norfolk-pcc/deadlines/safe-to-share");
  EXPECT_EQ(base::FromTimestamp(of_norfolk->front().due_time()), London(2021, 2, 11));
  // What is met is off the timer, and what was met from the beginning never stood on it.
  ASSERT_THAT(world_.FromPublication(ResponsePublished(kNorfolk, kReport, London(2021, 1, 4))), IsOk());
  ASSERT_THAT(world_.FromPublication(ResponsePublished(kNorfolk, "another", London(2021, 1, 4))), IsOk());
  ASSERT_THAT(world_.FromRegistry(InspectionPublished("another", kPublished, {kNorfolk})), IsOk());
  EXPECT_THAT(world_.jobs().List("bodies/norfolk-pcc", false, {}, 10).value(), IsEmpty());
  EXPECT_EQ(world_.jobs().List("", false, {}, 10)->size(), 1u);
}

TEST_P(FollowersTest, RefusesWhatItCannotUnderstand) {
  EXPECT_THAT(world_.FromRegistry(InspectionPublished("Not an id", kPublished, {})), ViolationOn("inspection.name"));
  EXPECT_THAT(world_.FromRegistry(InspectionPublished(kReport, kPublished, {"Not an id"})),
              ViolationOn("obligations.body.name"));
  EXPECT_THAT(world_.FromRegistry(BodyRegistered(kNorfolk, "")), ViolationOn("body.force"));
  EXPECT_THAT(world_.FromPublication(ResponsePublished("", kReport, clock_.Now())), ViolationOn("response"));
  publication::v1::ResponsePublished timeless;
  timeless.set_response("bodies/norfolk-pcc/responses/safe-to-share");
  EXPECT_THAT(world_.FromPublication(EventOf(timeless)), ViolationOn("publication.published_time"));
  common::v1::Event half = InspectionPublished(kReport, kPublished, {kNorfolk});
  half.mutable_payload()->mutable_value()->resize(half.payload().value().size() / 2);
  EXPECT_THAT(world_.FromRegistry(half), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(world_.Told(), IsEmpty());
}

TEST_P(FollowersTest, NamesEveryTypeThatItsSourcesSendAndPassesNoOther) {
  publication::v1::ResponseRefused refused;
  refused.set_response("bodies/norfolk-pcc/responses/safe-to-share");
  EXPECT_THAT(world_.FromPublication(EventOf(refused)), IsOk());
  EXPECT_THAT(world_.FromRegistry(EventOf(refused)), HasReason("UNKNOWN_EVENT"));
  EXPECT_THAT(world_.FromPublication(BodyRegistered(kNorfolk, "norfolk")), HasReason("UNKNOWN_EVENT"));
  common::v1::Event newer = BodyRegistered(kNorfolk, "norfolk");
  newer.set_schema_version(2);
  EXPECT_THAT(world_.FromRegistry(newer), HasReason("UNKNOWN_EVENT"));
}

SECTION55_ON_BOTH_ENGINES(FollowersTest);

}  // namespace
}  // namespace section55::deadlines
