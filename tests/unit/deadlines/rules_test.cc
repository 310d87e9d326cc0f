// The rules of a deadline, by the law's own example: a report published on 17 December 2020 is to be answered by 10
// February 2021.
#include "services/deadline-scheduler/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "libs/calendar/format.h"
#include "libs/calendar/london.h"
#include "libs/testing/matchers.h"

namespace section55::deadlines::rules {
namespace {

using registry::v1::Inspection;
using section55::testing::HasReason;
using section55::testing::IsOk;
using section55::testing::ViolationOn;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

const absl::CivilDay kPublished(2020, 12, 17);

absl::Time London(int year, int month, int day, int hour = 0, int minute = 0, int second = 0) {
  return absl::FromCivil(absl::CivilSecond(year, month, day, hour, minute, second), calendar::LondonTimeZone());
}

Inspection SafeToShare(absl::CivilDay published = kPublished, Inspection::Basis basis = Inspection::STATUTE_S55) {
  Inspection inspection;
  inspection.set_name("inspections/safe-to-share");
  inspection.set_title("Safe to share?");
  *inspection.mutable_publication_date() = base::ToProtoDate(published);
  inspection.set_basis(basis);
  return inspection;
}

v1::Deadline Opened(absl::CivilDay published = kPublished) {
  const auto opened = Open(SafeToShare(published), {"norfolk-pcc", "safe-to-share"}, London(2020, 12, 17, 9));
  EXPECT_THAT(opened.status(), IsOk());
  EXPECT_TRUE(opened->has_value());
  return **opened;
}

std::string DueOf(const v1::Deadline& deadline) { return calendar::IsoDate(*base::ToCivilDay(deadline.due_date())); }

TEST(OpenTest, SaysEverythingAboutTheDeadline) {
  const v1::Deadline deadline = Opened();
  EXPECT_EQ(deadline.name(), "bodies/norfolk-pcc/deadlines/safe-to-share");
  EXPECT_EQ(deadline.kind(), v1::Deadline::STATUTORY);
  EXPECT_EQ(deadline.rule(), "section-55-5a");
  EXPECT_EQ(deadline.rule_version(), "2017-05-02");
  EXPECT_EQ(deadline.inspection(), "inspections/safe-to-share");
  EXPECT_EQ(deadline.response(), "bodies/norfolk-pcc/responses/safe-to-share");
  EXPECT_EQ(deadline.inspection_title(), "Safe to share?");
  EXPECT_EQ(*base::ToCivilDay(deadline.publication_date()), kPublished);
  EXPECT_EQ(DueOf(deadline), "2021-02-10");
  EXPECT_EQ(deadline.state(), v1::Deadline::PENDING);
  EXPECT_FALSE(deadline.has_met_time());
  EXPECT_EQ(base::FromTimestamp(deadline.create_time()), London(2020, 12, 17, 9));
}

TEST(OpenTest, DoesNotMoveAChristmasDay) { EXPECT_EQ(DueOf(Opened(absl::CivilDay(2024, 10, 31))), "2024-12-25"); }

TEST(OpenTest, BeginsWithTheDayOnWhichTheRuleCameIntoForce) {
  EXPECT_EQ(DueOf(Opened(absl::CivilDay(2017, 5, 2))), "2017-06-26");
  const auto before = Open(SafeToShare(absl::CivilDay(2017, 5, 1)), {"norfolk-pcc", "a"}, absl::Now());
  ASSERT_THAT(before.status(), IsOk());
  EXPECT_FALSE(before->has_value());
}

TEST(OpenTest, OnlyTheStatuteSetsADay) {
  for (const auto basis : {Inspection::REQUESTED_BY_REPORT, Inspection::VOLUNTARY}) {
    const auto opened = Open(SafeToShare(kPublished, basis), {"norfolk-pcc", "safe-to-share"}, absl::Now());
    ASSERT_THAT(opened.status(), IsOk());
    EXPECT_FALSE(opened->has_value());
  }
}

TEST(OpenTest, RefusesAReportWithoutAFullDate) {
  Inspection inspection = SafeToShare();
  inspection.mutable_publication_date()->set_day(0);
  EXPECT_THAT(Open(inspection, {"norfolk-pcc", "safe-to-share"}, absl::Now()).status(),
              ViolationOn("inspection.publication_date"));
}

TEST(StatesTest, AreTheWholeLifeOfADeadline) {
  EXPECT_EQ(base::Draw(kTransitions, v1::Deadline::State_Name<v1::Deadline::State>),
            "PENDING -> MET: the response is published\n"
            "PENDING -> MISSED: its last day has passed\n"
            "MISSED -> PENDING: its day has not passed: the clock was wrong\n"
            "MISSED -> MET: the response is published late, or in time and heard of late\n");
}

TEST(MeetTest, TheLastMinuteOfDay56IsInTime) {
  v1::Deadline deadline = Opened();
  EXPECT_TRUE(Meet(London(2021, 2, 10, 23, 59), deadline));
  EXPECT_EQ(deadline.state(), v1::Deadline::MET);
  EXPECT_EQ(deadline.met_day_number(), 56);
  EXPECT_EQ(deadline.late_by_days(), 0);
  EXPECT_EQ(base::FromTimestamp(deadline.met_time()), London(2021, 2, 10, 23, 59));
}

TEST(MeetTest, MidnightAfterDay56IsLateByOneDay) {
  v1::Deadline deadline = Opened();
  EXPECT_TRUE(Meet(London(2021, 2, 11), deadline));
  EXPECT_EQ(deadline.met_day_number(), 57);
  EXPECT_EQ(deadline.late_by_days(), 1);
}

TEST(MeetTest, CountsLondonDaysAcrossTheClockChange) {
  // Published in winter, due in summer: 25 May 2021, which ends at 23:00 UTC.
  v1::Deadline deadline = Opened(absl::CivilDay(2021, 3, 31));
  EXPECT_EQ(DueOf(deadline), "2021-05-25");
  EXPECT_EQ(absl::FormatTime(absl::RFC3339_sec, MissedFrom(deadline), absl::UTCTimeZone()),
            "2021-05-25T23:00:00+00:00");
  v1::Deadline late = deadline;
  EXPECT_TRUE(Meet(absl::FromCivil(absl::CivilMinute(2021, 5, 25, 22, 59), absl::UTCTimeZone()), deadline));
  EXPECT_EQ(deadline.met_day_number(), 56);
  EXPECT_TRUE(Meet(absl::FromCivil(absl::CivilMinute(2021, 5, 25, 23, 0), absl::UTCTimeZone()), late));
  EXPECT_EQ(late.late_by_days(), 1);
}

TEST(MeetTest, WhatWasDoneFirstStays) {
  v1::Deadline deadline = Opened();
  ASSERT_TRUE(Meet(London(2021, 1, 15, 12), deadline));
  EXPECT_FALSE(Meet(London(2021, 3, 1), deadline));
  EXPECT_EQ(deadline.met_day_number(), 30);
  EXPECT_FALSE(Miss(London(2021, 3, 1), deadline));
}

TEST(MeetTest, AMissedDeadlineIsMetByTheInstantOfPublication) {
  v1::Deadline deadline = Opened();
  ASSERT_TRUE(Miss(London(2021, 2, 11), deadline));
  EXPECT_TRUE(Meet(London(2021, 2, 10, 23, 59), deadline));
  EXPECT_EQ(deadline.state(), v1::Deadline::MET);
  EXPECT_EQ(deadline.late_by_days(), 0);
}

TEST(MissTest, FromMidnightInLondonAndNotBefore) {
  v1::Deadline deadline = Opened();
  EXPECT_FALSE(Miss(London(2021, 2, 11) - absl::Microseconds(1), deadline));
  EXPECT_EQ(deadline.state(), v1::Deadline::PENDING);
  EXPECT_TRUE(Miss(London(2021, 2, 11), deadline));
  EXPECT_EQ(deadline.state(), v1::Deadline::MISSED);
  EXPECT_FALSE(Miss(London(2021, 2, 12), deadline));
}

TEST(CheckExplainTest, ReportsEverythingThatIsWrong) {
  v1::ExplainDeadlineRequest request;
  EXPECT_THAT(CheckExplain(request), ViolationOn("publication_date"));
  *request.mutable_publication_date() = base::ToProtoDate(kPublished);
  EXPECT_THAT(CheckExplain(request), IsOk());
  request.set_inspection("safe-to-share");
  request.set_body("norfolk-pcc");
  request.mutable_publication_date()->set_day(32);
  EXPECT_THAT(base::BadRequestOf(CheckExplain(request)).field_violations(), SizeIs(4));
  EXPECT_THAT(CheckExplain(request),
              AllOf(ViolationOn("publication_date"), ViolationOn("inspection"), ViolationOn("body")));
}

TEST(ExplainTest, SaysWhichDayTodayIs) {
  const auto day55 = Explain("", kPublished, Inspection::STATUTE_S55, London(2021, 2, 9, 12));
  ASSERT_THAT(day55.status(), IsOk());
  EXPECT_EQ(day55->rule(), "section-55-5a");
  EXPECT_EQ(*base::ToCivilDay(day55->due_date()), absl::CivilDay(2021, 2, 10));
  EXPECT_EQ(day55->day_number_today(), 55);
  EXPECT_EQ(day55->days_left(), 1);
  EXPECT_EQ(*day55->steps().rbegin(), "Today, 9 February 2021, is day 55 of 56, 1 day left.");

  const auto late = Explain("section-55-5a", kPublished, Inspection::STATUTE_S55, London(2021, 2, 12));
  EXPECT_EQ(late->day_number_today(), 58);
  EXPECT_EQ(late->days_left(), -2);
  EXPECT_EQ(*late->steps().rbegin(),
            "Today, 12 February 2021, is day 58; the last of the 56 days has passed 2 days ago.");

  const auto early = Explain("", kPublished, Inspection::STATUTE_S55, London(2020, 12, 15));
  EXPECT_EQ(early->day_number_today(), -1);
  EXPECT_EQ(*early->steps().rbegin(), "Today, 15 December 2020, is 2 days before day 1.");
}

TEST(ExplainTest, WithoutADueDateTheLastStepSaysWhy) {
  const auto early = Explain("", absl::CivilDay(2017, 5, 1), Inspection::STATUTE_S55, London(2021, 2, 9));
  EXPECT_FALSE(early->has_due_date());
  EXPECT_THAT(*early->steps().rbegin(), HasSubstr("before the rule was in force"));
  for (const auto basis : {Inspection::REQUESTED_BY_REPORT, Inspection::VOLUNTARY}) {
    const auto other = Explain("", kPublished, basis, London(2021, 2, 9));
    EXPECT_FALSE(other->has_due_date());
    EXPECT_EQ(other->days_left(), 0);
    EXPECT_EQ(other->day_number_today(), 55);
    EXPECT_THAT(*other->steps().rbegin(), HasSubstr("section 55 sets no day"));
    EXPECT_THAT(other->steps(), Not(Contains(HasSubstr("10 February"))));
  }
}

TEST(Explain, SaysEveryStepAsDataToo) {
  const auto response = Explain("section-55-5a", kPublished, Inspection::STATUTE_S55, London(2021, 2, 9)).value();
  EXPECT_TRUE(response.statutory());
  ASSERT_EQ(response.working_size(), response.steps_size());
  for (int i = 0; i < response.working_size(); ++i) {
    EXPECT_EQ(response.working(i).text(), response.steps(i));
  }
  EXPECT_EQ(response.working(0).kind(), v1::Step::START);
  EXPECT_EQ(response.working(0).day_number(), 1);
  const auto due = std::find_if(response.working().begin(), response.working().end(),
                                [](const v1::Step& step) { return step.kind() == v1::Step::DUE; });
  ASSERT_NE(due, response.working().end());
  EXPECT_EQ(due->day_number(), 56);
  EXPECT_EQ(base::ToCivilDay(due->date()), absl::CivilDay(2021, 2, 10));
  EXPECT_EQ(response.working().rbegin()->kind(), v1::Step::TODAY);
  EXPECT_EQ(response.working().rbegin()->day_number(), 55);
}

TEST(Explain, APracticeHasADayWhateverTheBasisAndIsNoLaw) {
  const auto update = Explain("six-month-update", kPublished, Inspection::VOLUNTARY, London(2021, 2, 9)).value();
  EXPECT_FALSE(update.statutory());
  EXPECT_EQ(base::ToCivilDay(update.due_date()), absl::CivilDay(2021, 6, 17));
  EXPECT_THAT(update.steps(), Contains(HasSubstr("no law")));
}

TEST(ExplainTest, RefusesWhatItCannotCompute) {
  EXPECT_THAT(Explain("section-56", kPublished, Inspection::STATUTE_S55, absl::Now()).status(),
              HasReason("UNKNOWN_RULE"));
  EXPECT_THAT(Explain("", absl::CivilDay(9999, 12, 1), Inspection::STATUTE_S55, absl::Now()).status(),
              ViolationOn("publication_date"));
}

TEST(ExplainStateTest, SaysWhereItStands) {
  v1::Deadline deadline = Opened();
  EXPECT_EQ(ExplainState(deadline), "bodies/norfolk-pcc/responses/safe-to-share has not been published yet.");
  Miss(London(2021, 2, 11), deadline);
  EXPECT_THAT(ExplainState(deadline), HasSubstr("its last day has passed"));
  Meet(London(2021, 2, 11, 0, 0, 1), deadline);
  EXPECT_EQ(
      ExplainState(deadline),
      "bodies/norfolk-pcc/responses/safe-to-share was published on 11 February 2021 at 00:00:01 GMT, on day 57: late "
      "by 1 day.");
}

TEST(NamesTest, AreParsedStrictly) {
  const auto id = ParseDeadlineName("bodies/norfolk-pcc/deadlines/safe-to-share");
  ASSERT_THAT(id.status(), IsOk());
  EXPECT_EQ(DeadlineName(*id), "bodies/norfolk-pcc/deadlines/safe-to-share");
  for (const char* name :
       {"", "bodies/-/deadlines/a", "bodies/a/deadlines/", "bodies/a/responses/b", "bodies/A/deadlines/b"}) {
    EXPECT_THAT(ParseDeadlineName(name).status(), ViolationOn("name")) << name;
  }
}

}  // namespace
}  // namespace section55::deadlines::rules
