#include "services/publication/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "libs/testing/matchers.h"
#include "services/publication/rules.h"
#include "services/publication/words.h"
#include "tests/unit/publication/page_reader.h"
#include "tests/unit/publication/sample_response.h"

namespace section55::publication {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr size_t kAmple = 10'000'000;
constexpr char kHash[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

std::string PageOf(const authoring::v1::Response& response, absl::Time when = MorningOf(absl::CivilDay(2021, 2, 9))) {
  v1::PublicationRecord record = *rules::Publish(response, std::nullopt, when);
  record.set_content_hash(kHash);
  return *RenderHtml(response, record, "https://register.example", kAmple);
}

// The places where the words stand in the text must rise.
void ExpectOrder(const std::string& text, const std::vector<std::string>& words) {
  size_t last = 0;
  for (const std::string& word : words) {
    const size_t place = text.find(word, last);
    ASSERT_NE(place, std::string::npos) << "\"" << word << "\" is missing, or stands too early, in:\n" << text;
    last = place + word.size();
  }
}

TEST(RenderHtml, ReadsInTheOrderOfTheOfficesForm) {
  ExpectOrder(TextOfPage(PageOf(SampleResponse())),
              {"Skip to the content",
               "Police and Crime Commissioner for Norfolk",
               "Response under section 55 of the Police Act 1996",
               "Safe to share?",
               "17 December 2020",
               "Super-complaint; Joint inspection",
               "HMICFRS; IOPC; College of Policing",
               "The key findings, with a link.",
               "Recommendation 1",
               "Addressed to: All chief constables",
               "Timescale: within three months",
               "Text of recommendation one:",
               "nested point",
               "Recommendation 5",
               "Chief constables and local policing bodies jointly",
               "Timescale: by June 2021",
               "Text of recommendation five.",
               "Nick Davison, Assistant Chief Constable",
               "The view of the force on number five.",
               "Addressed to others",
               "Recommendation 2",
               "Home Office",
               "Text of recommendation two.",
               "Simon Bailey, Chief Constable",
               "The general view of the force.",
               "The commissioner comments on the report as a whole.",
               "Recommendation 1",
               "Action proposed",
               "We will do one.",
               "A heading of the office",
               "Head of Policy",
               "30 June 2021",
               "Recommendation 5",
               "No action",
               "Nothing is needed for five",
               "The commissioner replies to the chief constable.",
               "Progress is monitored each quarter.",
               "Lorne Green",
               "Police and Crime Commissioner for Norfolk (acting)",
               "Proof of publication",
               "9 February 2021 at 09:15:30 GMT",
               "Day 55 of 56",
               "Wednesday 10 February 2021",
               kHash,
               "curl --silent https://register.example/responses/norfolk-pcc/safe-to-share.json | sha256sum"});
}

TEST(RenderHtml, HasOneTopHeadingAndSkipsNoLevel) {
  const std::vector<int> levels = HeadingLevelsOf(PageOf(SampleResponse()));
  ASSERT_FALSE(levels.empty());
  EXPECT_EQ(levels.front(), 1);
  EXPECT_EQ(std::count(levels.begin(), levels.end(), 1), 1);
  for (size_t i = 1; i < levels.size(); ++i) {
    EXPECT_LE(levels[i], levels[i - 1] + 1) << "heading " << i;
  }
}

TEST(RenderHtml, HasLanguageTitleLandmarksAndSkipLink) {
  const std::string page = PageOf(SampleResponse());
  for (const char* part :
       {"<html lang=\"en-GB\">", "<title>Police and Crime Commissioner for Norfolk: response to Safe to share?",
        "<a class=\"skip\" href=\"#main\">", "<main id=\"main\"", "<header>", "<footer>", "<meta name=\"viewport\""}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
}

TEST(RenderHtml, IsWellFormedAndItsIdsAreUnique) {
  const std::string page = PageOf(SampleResponse());
  TextOfPage(page);  // fails the test by itself when an element is not closed
  std::vector<std::string> ids = IdsOf(page);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
  for (const std::string& target : FragmentsOf(page)) {
    EXPECT_TRUE(std::binary_search(ids.begin(), ids.end(), target)) << target;
  }
}

TEST(RenderHtml, SaysHowLateAndTheLastLawfulDay) {
  const std::string text = TextOfPage(PageOf(SampleResponse(), MorningOf(absl::CivilDay(2021, 2, 12))));
  ExpectOrder(text, {"12 February 2021 at 09:15:30 GMT", "Late by 2 days", "(day 58)", "Wednesday 10 February 2021"});
  EXPECT_THAT(TextOfPage(PageOf(SampleResponse(), MorningOf(absl::CivilDay(2021, 2, 11)))),
              HasSubstr("Late by 1 day (day 57)"));
}

TEST(RenderHtml, WritesSummerTimeAsSuch) {
  EXPECT_THAT(TextOfPage(PageOf(SampleResponse(), MorningOf(absl::CivilDay(2021, 6, 1)))),
              HasSubstr("1 June 2021 at 09:15:30 BST"));
}

TEST(RenderHtml, SetsNoLastDayWhereTheLawSetsNone) {
  authoring::v1::Response response = SampleResponse();
  response.mutable_report()->set_basis(registry::v1::Inspection::REQUESTED_BY_REPORT);
  EXPECT_THAT(TextOfPage(PageOf(response)),
              AllOf(HasSubstr("Response requested by the report"), HasSubstr("the law sets no last day"),
                    Not(HasSubstr("Last lawful day")), Not(HasSubstr("of 56"))));
}

TEST(RenderHtml, SaysThatTheChiefOfficerWasSilent) {
  authoring::v1::Response response = SampleResponse();
  response.mutable_chief_officer()->clear_contributions();
  EXPECT_THAT(TextOfPage(PageOf(response)), HasSubstr("was invited to comment and made no comments"));
}

TEST(RenderHtml, SaysThatThereIsNothingToAnswer) {
  authoring::v1::Response response = SampleResponse();
  response.mutable_report()->clear_findings();
  response.clear_findings_to_answer();
  response.clear_answers();
  const std::string text = TextOfPage(PageOf(response));
  EXPECT_THAT(text, HasSubstr("makes no recommendation to this body or its Chief Constable"));
  EXPECT_THAT(text, Not(HasSubstr("Addressed to others")));
  // A comment on a finding that is not there is not lost.
  EXPECT_THAT(text, HasSubstr("The view of the force on number five."));
}

TEST(RenderHtml, ShowsAnAnswerThatTheBodyGaveFreely) {
  authoring::v1::Response response = SampleResponse();
  registry::v1::Finding& finding = *response.mutable_report()->mutable_findings(1);
  finding.set_kind(registry::v1::Finding::AREA_FOR_IMPROVEMENT);
  authoring::v1::Answer& answer = *response.add_answers();
  answer.set_finding(FindingName(response, finding));
  answer.set_kind(authoring::v1::Answer::ACTION_TAKEN);
  answer.set_explanation("Done, though not asked.");
  ExpectOrder(TextOfPage(PageOf(response)),
              {"Answer: Area for improvement 2", "Action taken", "Done, though not asked."});
}

TEST(RenderHtml, ShowsHostileTextsAsText) {
  authoring::v1::Response response = SampleResponse();
  const std::string hostile = "<script>alert('x')</script> & \"q\" {{{body}}} {{>content}} </title>";
  response.mutable_report()->set_title(hostile);
  response.mutable_report()->set_url("javascript:alert(1)");
  response.mutable_report()->set_publishers(0, hostile);
  response.mutable_body()->set_display_name(hostile);
  response.mutable_force()->set_display_name(hostile);
  response.mutable_force()->set_chief_officer_title(hostile);
  response.mutable_report()->mutable_findings(0)->set_number(hostile);
  response.mutable_report()->mutable_findings(1)->mutable_addressees(0)->set_kind(registry::v1::Addressee::OTHER);
  response.mutable_report()->mutable_findings(1)->mutable_addressees(0)->set_name(hostile);
  response.mutable_report()->mutable_findings(0)->mutable_due()->set_words(hostile);
  response.mutable_chief_officer()->mutable_contributions(0)->set_author(hostile);
  response.mutable_chief_officer()->mutable_contributions(1)->set_rank(hostile);
  response.mutable_answers(1)->set_owner(hostile);
  response.mutable_signatory()->set_name(hostile);
  response.mutable_signatory()->set_title(hostile);
  response.mutable_signatory()->set_capacity(hostile);
  for (std::string* text : {response.mutable_key_findings(), response.mutable_comments(), response.mutable_monitoring(),
                            response.mutable_reply_to_chief_officer()}) {
    *text = hostile + "\n\n[a](javascript:alert(1)) <img src=x onerror=alert(1)>";
  }
  const std::string page = PageOf(response);
  const std::string text = TextOfPage(page);
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("href=\"javascript")));
  size_t shown = 0;
  for (size_t at = text.find("{{{body}}}"); at != std::string::npos; at = text.find("{{{body}}}", at + 1)) {
    ++shown;
  }
  EXPECT_GE(shown, 17U);
}

TEST(RenderHtml, KeepsWelshLettersAndCurlyQuotes) {
  authoring::v1::Response response = SampleResponse();
  response.mutable_body()->set_display_name("Comisiynydd Heddlu a Throseddu Dyfed-Powys, Tŷ’r Ŵyl");
  response.set_comments("“Ŷd a dŵr”");
  EXPECT_THAT(TextOfPage(PageOf(response)), AllOf(HasSubstr("Tŷ’r Ŵyl"), HasSubstr("“Ŷd a dŵr”")));
}

TEST(RenderHtml, IsTheSameBytesEveryTime) { EXPECT_EQ(PageOf(SampleResponse()), PageOf(SampleResponse())); }

TEST(RenderHtml, RunsNoScriptAndStylesNothingInline) {
  const std::string page = PageOf(SampleResponse());
  for (const char* forbidden : {"<script", "style=", "<style", " on", "<iframe", "<form"}) {
    if (std::string(forbidden) != " on") {
      EXPECT_THAT(page, Not(HasSubstr(forbidden)));
    }
  }
}

TEST(RenderHtml, HoldsAReportOfAHundredAndElevenRecommendations) {
  authoring::v1::Response response = SampleResponse();
  const registry::v1::Finding finding = response.report().findings(0);
  for (int i = 6; i <= 113; ++i) {
    registry::v1::Finding& added = *response.mutable_report()->add_findings();
    added = finding;
    added.set_id("recommendation-" + std::to_string(i));
    added.set_number(std::to_string(i));
    response.add_findings_to_answer(FindingName(response, added));
  }
  const std::string text = TextOfPage(PageOf(response));
  EXPECT_THAT(text, HasSubstr("Answer: Recommendation 113"));
  EXPECT_THAT(text, HasSubstr("No answer recorded"));
}

TEST(RenderHtml, SaysThatItIsBeingPublishedWhileItHasNoInstant) {
  v1::PublicationRecord record = *rules::Describe(SampleResponse(), std::nullopt);
  record.set_content_hash(kHash);
  const std::string text = TextOfPage(*RenderHtml(SampleResponse(), record, "https://register.example", kAmple));
  EXPECT_THAT(text, HasSubstr("This edition is being published"));
  EXPECT_THAT(text, HasSubstr(kHash));
  for (const char* false_statement : {"1970", "Day 0", "Late", "Timeliness"}) {
    EXPECT_THAT(text, Not(HasSubstr(false_statement)));
  }
  EXPECT_THAT(TextOfPage(PageOf(SampleResponse())), Not(HasSubstr("being published")));
}

TEST(RenderHtml, KeepsTheTimelinessOfTheFirstEditionBesideTheInstantOfALaterOne) {
  const v1::PublicationRecord first =
      *rules::Publish(SampleResponse(), std::nullopt, MorningOf(absl::CivilDay(2021, 2, 9)));
  authoring::v1::Response second = SampleResponse();
  second.set_edition(2);
  v1::PublicationRecord record = *rules::Publish(second, first, MorningOf(absl::CivilDay(2021, 3, 15)));
  record.set_content_hash(kHash);
  const std::string text = TextOfPage(*RenderHtml(second, record, "https://register.example", kAmple));
  EXPECT_THAT(text, HasSubstr("9 February 2021 at 09:15:30 GMT"));
  EXPECT_THAT(text, HasSubstr("Day 55 of 56"));
  EXPECT_THAT(text, HasSubstr("2, published 15 March 2021 at 09:15:30 GMT"));
  EXPECT_THAT(text, Not(HasSubstr("Late by")));
}

TEST(RenderHtml, NamesTheLargestTextWhenThereIsTooMuch) {
  authoring::v1::Response response = SampleResponse();
  response.mutable_chief_officer()->mutable_contributions(1)->set_text(std::string(9000, 'x'));
  response.set_comments(std::string(8000, 'x'));
  v1::PublicationRecord record = *rules::Describe(response, std::nullopt);
  const size_t size = RenderHtml(response, record, "", kAmple)->size();
  EXPECT_THAT(RenderHtml(response, record, "", size), section55::testing::IsOk());
  for (const size_t limit : {size - 1, size_t{100}}) {
    EXPECT_THAT(RenderHtml(response, record, "", limit),
                section55::testing::ViolationOn("response.chief_officer.contributions[1].text"));
  }
}

}  // namespace
}  // namespace section55::publication
