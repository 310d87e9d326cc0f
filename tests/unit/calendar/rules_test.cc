#include "libs/calendar/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/status/status.h"
#include "libs/calendar/london.h"

namespace section55::calendar {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Explanation ExplainReport(absl::CivilDay publication_date) { return Explain(kSection55Rule, publication_date).value(); }

std::vector<std::string> Sentences(const Explanation& explanation) {
  std::vector<std::string> sentences;
  for (const Step& step : explanation.steps) {
    sentences.push_back(step.text);
  }
  return sentences;
}

std::optional<absl::CivilDay> Due(int year, int month, int day) {
  return ExplainReport(absl::CivilDay(year, month, day)).due_date;
}

TEST(Explain, SafeToShare) {
  const Explanation explanation = ExplainReport(absl::CivilDay(2020, 12, 17));
  EXPECT_EQ(explanation.rule_id, "section-55-5a");
  EXPECT_EQ(explanation.rule_version, "2017-05-02");
  EXPECT_EQ(explanation.provision, "Police Act 1996, section 55(5A)");
  EXPECT_THAT(explanation.rule_text, HasSubstr("56 days beginning with the day"));
  EXPECT_TRUE(explanation.statutory);
  EXPECT_EQ(explanation.due_date, absl::CivilDay(2021, 2, 10));
  EXPECT_THAT(
      Sentences(explanation),
      ElementsAre(
          "The report was published on Thursday 17 December 2020.",
          "The rule has been in force since 2 May 2017 (S.I. 2017/399, regulation 4(a)), so it applies.",
          "The period is 56 days beginning with the day of publication, so that day is day 1 and the last day is 55 "
          "days later.",
          "Counting every calendar day: 17 December 2020 is day 1, 31 December 2020 is day 15, 31 January 2021 is "
          "day 46 and 10 February 2021 is day 56.",
          "The due date is Wednesday 10 February 2021, to the end of that day in London.",
          "The Act counts calendar days: the last day does not move for weekends or bank holidays.",
          "Adding 56 days to the date of publication is a common mistake: it gives Thursday 11 February 2021, which "
          "is day 57 and late by 1 day."));
}

TEST(Explain, AReportOfBeforeTheRuleHasNoStatutoryDay) {
  const Explanation explanation = ExplainReport(absl::CivilDay(2017, 5, 1));
  EXPECT_EQ(explanation.due_date, std::nullopt);
  EXPECT_EQ(explanation.rule_version, "2017-05-02");
  EXPECT_THAT(Sentences(explanation),
              ElementsAre("The report was published on Monday 1 May 2017.",
                          "The rule came into force on Tuesday 2 May 2017 (S.I. 2017/399, regulation 4(a)).",
                          "The report was published before the rule was in force, so it has no statutory day."));
}

TEST(Explain, TheRuleAppliesFromItsFirstDay) { EXPECT_EQ(Due(2017, 5, 2), absl::CivilDay(2017, 6, 26)); }

TEST(Explain, ChristmasDayStaysChristmasDay) {
  EXPECT_EQ(Due(2023, 10, 31), absl::CivilDay(2023, 12, 25));
  EXPECT_EQ(Due(2024, 10, 31), absl::CivilDay(2024, 12, 25));
}

TEST(Explain, AWeekendDoesNotMoveTheDayAndASentenceSaysSo) {
  const Explanation saturday =
      ExplainReport(absl::CivilDay(2021, 1, 3));  // Published on a Sunday: day 56 is a Saturday.
  EXPECT_EQ(saturday.due_date, absl::CivilDay(2021, 2, 27));
  EXPECT_THAT(Sentences(saturday), Contains(HasSubstr("Saturday 27 February 2021")));
  EXPECT_THAT(Sentences(saturday), Contains(HasSubstr("falls on a weekend. It does not move")));
  const Explanation sunday = ExplainReport(absl::CivilDay(2021, 1, 4));
  EXPECT_EQ(sunday.due_date, absl::CivilDay(2021, 2, 28));
  EXPECT_THAT(Sentences(sunday), Contains(HasSubstr("falls on a weekend. It does not move")));
  const Explanation monday = ExplainReport(absl::CivilDay(2021, 1, 5));
  EXPECT_EQ(monday.due_date, absl::CivilDay(2021, 3, 1));
  EXPECT_THAT(Sentences(monday), Not(Contains(HasSubstr("falls on a weekend"))));
}

TEST(Explain, LeapYears) {
  EXPECT_EQ(Due(2020, 1, 6), absl::CivilDay(2020, 3, 1));
  EXPECT_EQ(Due(2020, 1, 5), absl::CivilDay(2020, 2, 29));
  EXPECT_EQ(Due(2021, 1, 5), absl::CivilDay(2021, 3, 1));
  EXPECT_EQ(Due(2024, 2, 29), absl::CivilDay(2024, 4, 24));
}

TEST(Explain, ClockChangesNeitherAddNorTakeADay) {
  EXPECT_EQ(Due(2021, 3, 1), absl::CivilDay(2021, 4, 25));    // Across 28 March 2021, clocks forward.
  EXPECT_EQ(Due(2021, 10, 1), absl::CivilDay(2021, 11, 25));  // Across 31 October 2021, clocks back.
}

TEST(Explain, CountsMonthEndsOnceEvenWhenTheReportIsPublishedOnOne) {
  EXPECT_THAT(
      Sentences(ExplainReport(absl::CivilDay(2023, 10, 31))),
      Contains("Counting every calendar day: 31 October 2023 is day 1, 30 November 2023 is day 31 and 25 December "
               "2023 is day 56."));
  // The last day can itself be a month's end: it is named once.
  EXPECT_THAT(
      Sentences(ExplainReport(absl::CivilDay(2021, 1, 4))),
      Contains("Counting every calendar day: 4 January 2021 is day 1, 31 January 2021 is day 28 and 28 February 2021 "
               "is day 56."));
}

TEST(Explain, AnUnknownRuleIsNotFoundAndTheKnownOnesAreNamed) {
  for (const char* rule : {"", "section-55", "SECTION-55-5A", "section-55-5a "}) {
    const auto explanation = Explain(rule, absl::CivilDay(2020, 12, 17));
    EXPECT_EQ(explanation.status().code(), absl::StatusCode::kNotFound) << rule;
    EXPECT_THAT(std::string(explanation.status().message()), HasSubstr("section-55-5a")) << rule;
  }
}

TEST(Explain, TheStepsAreDataToo) {
  const std::vector<Step> steps = ExplainReport(absl::CivilDay(2020, 12, 17)).steps;
  EXPECT_EQ(steps.front().kind, Step::Kind::kStart);
  EXPECT_EQ(steps.front().day, absl::CivilDay(2020, 12, 17));
  const auto due = std::find_if(steps.begin(), steps.end(), [](const Step& s) { return s.kind == Step::Kind::kDue; });
  ASSERT_NE(due, steps.end());
  EXPECT_EQ(due->day, absl::CivilDay(2021, 2, 10));
  EXPECT_EQ(steps.back().kind, Step::Kind::kRemark);
  EXPECT_EQ(steps.back().day, absl::CivilDay(2021, 2, 11)) << "day 57, the common mistake";
  EXPECT_EQ(ExplainReport(absl::CivilDay(2017, 5, 1)).steps.back().kind, Step::Kind::kNoDay);
}

TEST(Explain, ThePracticesAreNoLaw) {
  const Explanation practice = Explain(kThirtyDayPractice, absl::CivilDay(2016, 3, 1)).value();
  EXPECT_FALSE(practice.statutory);
  EXPECT_EQ(practice.due_date, absl::CivilDay(2016, 3, 30));
  EXPECT_THAT(Sentences(practice), Contains("Counting every calendar day: 1 March 2016 is day 1 and 30 March 2016 is "
                                            "day 30."));
  EXPECT_THAT(Sentences(practice), Contains(HasSubstr("no law")));
  const Explanation update = Explain(kSixMonthUpdate, absl::CivilDay(2020, 12, 17)).value();
  EXPECT_FALSE(update.statutory);
  EXPECT_EQ(update.due_date, absl::CivilDay(2021, 6, 17));
  EXPECT_THAT(Sentences(update), Contains("6 months later is Thursday 17 June 2021."));
  EXPECT_EQ(Explain(kSixMonthUpdate, absl::CivilDay(2020, 8, 31)).value().due_date, absl::CivilDay(2021, 2, 28));
}

TEST(ExplainAsked, EachPrecisionOfAReportsOwnDate) {
  const absl::CivilDay published(2023, 10, 31);
  EXPECT_EQ(ExplainAsked({.precision = Asked::Precision::kImmediate}, published).due_date, published);
  EXPECT_EQ(
      ExplainAsked({.precision = Asked::Precision::kDay, .date = absl::CivilDay(2024, 1, 15)}, published).due_date,
      absl::CivilDay(2024, 1, 15));
  const Explanation month = ExplainAsked(
      {.precision = Asked::Precision::kMonth, .date = absl::CivilDay(2024, 2, 1), .words = "by February 2024"},
      published);
  EXPECT_EQ(month.due_date, absl::CivilDay(2024, 2, 29));
  EXPECT_THAT(month.rule_text, HasSubstr("\"by February 2024\""));
  EXPECT_THAT(Sentences(month), Contains("It names a month alone, so that month's last day counts."));
  const Explanation within = ExplainAsked(
      {.precision = Asked::Precision::kWithin, .within = {.count = 4, .unit = Period::Unit::kMonths}}, published);
  EXPECT_EQ(within.due_date, absl::CivilDay(2024, 2, 29));
  EXPECT_THAT(Sentences(within), Contains("4 months later there is no day 31 in the month, so its last day counts: "
                                          "Thursday 29 February 2024."));
  const Explanation past =
      ExplainAsked({.precision = Asked::Precision::kDay, .date = absl::CivilDay(2023, 10, 1)}, published);
  EXPECT_THAT(Sentences(past), Contains("That day lay before the report's publication."));
}

TEST(Explain, ForEveryDayOfTenYearsTheDueDateIsDay56) {
  for (absl::CivilDay day(2017, 5, 2); day < absl::CivilDay(2027, 5, 2); ++day) {
    const std::optional<absl::CivilDay> due = ExplainReport(day).due_date;
    ASSERT_TRUE(due.has_value()) << day;
    ASSERT_EQ(*due, day + 55) << day;
    ASSERT_EQ(DayNumber(day, *due), 56) << day;
    ASSERT_EQ(LateByDays(*due, *due), 0) << day;
    ASSERT_EQ(LateByDays(*due, day + 56), 1) << day;
    // Eight weeks to the day before the same weekday: the working must agree with the weekday arithmetic.
    ASSERT_EQ(absl::GetWeekday(*due + 1), absl::GetWeekday(day)) << day;
    // Missed at 00:00 in London on day 57 and not a nanosecond sooner.
    ASSERT_EQ(DayNumber(day, LondonDay(MissedFrom(*due))), 57) << day;
    ASSERT_EQ(DayNumber(day, LondonDay(MissedFrom(*due) - absl::Nanoseconds(1))), 56) << day;
  }
}

TEST(LateByDays, IsZeroInTimeAndCountsFromTheDayAfter) {
  const absl::CivilDay due(2021, 2, 10);
  EXPECT_EQ(LateByDays(due, absl::CivilDay(2020, 12, 17)), 0);
  EXPECT_EQ(LateByDays(due, due), 0);
  EXPECT_EQ(LateByDays(due, absl::CivilDay(2021, 2, 11)), 1);
  EXPECT_EQ(LateByDays(due, absl::CivilDay(2021, 3, 12)), 30);
}

TEST(DaysLeft, IsZeroOnTheDueDate) {
  const absl::CivilDay due(2021, 2, 10);
  EXPECT_EQ(DaysLeft(due, absl::CivilDay(2020, 12, 17)), 55);
  EXPECT_EQ(DaysLeft(due, due), 0);
  EXPECT_EQ(DaysLeft(due, due + 3), -3);
}

}  // namespace
}  // namespace section55::calendar
