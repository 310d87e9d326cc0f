#include "services/publication/tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "libs/document/html.h"
#include "libs/document/plain_text.h"
#include "libs/testing/matchers.h"
#include "services/publication/pages.h"
#include "services/publication/renditions.h"
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

std::string PageOf(const authoring::v1::Response& response, const v1::PublicationRecord& record) {
  Budget budget(kAmple);
  return ResponsePage(document::RenderArticle(BuildDocument(response, record, "https://register.example", {}, budget)),
                      {{.words = "PDF, 214 KB", .path = "/responses/norfolk-pcc/safe-to-share.pdf"}});
}

std::string PageOf(const authoring::v1::Response& response, absl::Time when = MorningOf(absl::CivilDay(2021, 2, 9))) {
  v1::PublicationRecord record = *rules::Publish(response, std::nullopt, when);
  record.set_content_hash(kHash);
  return PageOf(response, record);
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

TEST(Tree, ReadsInTheOrderThatReadersLookFor) {
  ExpectOrder(TextOfPage(PageOf(SampleResponse())),
              {"Skip to the content",
               "PDF, 214 KB",
               "Police and Crime Commissioner for Norfolk",
               "Response to Safe to share?",
               "Response under section 55 of the Police Act 1996",
               "In time",
               "(Day 55 of 56), 9 February 2021 at 09:15:30 GMT",
               "Wednesday 10 February 2021",
               "Safe to share?",
               "HMICFRS; IOPC; College of Policing",
               "17 December 2020",
               "Super-complaint; Joint inspection",
               "The answers at a glance",
               "Recommendation 1",
               "Action proposed",
               "30 June 2021",
               "Recommendation 5",
               "No action",
               "No date",
               "The key findings, with a link.",
               "Recommendation 1",
               "Addressed to: All chief constables",
               "Timescale: within three months",
               "Text of recommendation one:",
               "nested point",
               "Answer: Police and Crime Commissioner for Norfolk",
               "Action proposed",
               "We will do one.",
               "A heading of the office",
               "Head of Policy",
               "30 June 2021",
               "Recommendation 5",
               "Chief constables and local policing bodies jointly",
               "Timescale: by June 2021",
               "Text of recommendation five.",
               "No action",
               "Nothing is needed for five",
               "Comment: Nick Davison, Assistant Chief Constable",
               "The view of the force on number five.",
               "Comments of the Chief Constable of Norfolk Constabulary",
               "Simon Bailey, Chief Constable",
               "The general view of the force.",
               "Comments: Police and Crime Commissioner for Norfolk",
               "The commissioner comments on the report as a whole.",
               "Reply to the Chief Constable",
               "The commissioner replies to the chief constable.",
               "Progress is monitored each quarter.",
               "Lorne Green",
               "Police and Crime Commissioner for Norfolk (acting)",
               "Other findings",
               "Recommendation 2",
               "Home Office",
               "Text of recommendation two.",
               "How to check this document",
               kHash,
               "curl --silent https://register.example/responses/norfolk-pcc/safe-to-share.json | sha256sum"});
}

TEST(Tree, LeadsToEachAnswerInOneStep) {
  const std::vector<std::string> fragments = FragmentsOf(PageOf(SampleResponse()));
  EXPECT_THAT(fragments, ::testing::IsSupersetOf({"answer-recommendation-5", "finding-recommendation-5"}));
}

TEST(Tree, HasOneTopHeadingAndSkipsNoLevel) {
  const std::vector<int> levels = HeadingLevelsOf(PageOf(SampleResponse()));
  ASSERT_FALSE(levels.empty());
  EXPECT_EQ(levels.front(), 1);
  EXPECT_EQ(std::count(levels.begin(), levels.end(), 1), 1);
  for (size_t i = 1; i < levels.size(); ++i) {
    EXPECT_LE(levels[i], levels[i - 1] + 1) << "heading " << i;
  }
}

TEST(Tree, HasLanguageTitleLandmarksAndSkipLink) {
  const std::string page = PageOf(SampleResponse());
  for (const char* part :
       {"<html lang=\"en-GB\">", "<title>Police and Crime Commissioner for Norfolk: Response to Safe to share?",
        "<a class=\"skip\" href=\"#main\">", "<main id=\"main\"", "<header>", "<footer>", "<meta name=\"viewport\""}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
}

TEST(Tree, IsWellFormedAndItsIdsAreUnique) {
  const std::string page = PageOf(SampleResponse());
  TextOfPage(page);  // fails the test by itself when an element is not closed
  std::vector<std::string> ids = IdsOf(page);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
  for (const std::string& target : FragmentsOf(page)) {
    EXPECT_TRUE(std::binary_search(ids.begin(), ids.end(), target)) << target;
  }
}

TEST(Tree, SaysHowLateAndTheLastLawfulDay) {
  const std::string text = TextOfPage(PageOf(SampleResponse(), MorningOf(absl::CivilDay(2021, 2, 12))));
  ExpectOrder(text, {"Late by 2 days", "(day 58), 12 February 2021 at 09:15:30 GMT", "Wednesday 10 February 2021"});
  EXPECT_THAT(TextOfPage(PageOf(SampleResponse(), MorningOf(absl::CivilDay(2021, 2, 11)))),
              HasSubstr("Late by 1 day (day 57)"));
}

TEST(Tree, WritesSummerTimeAsSuch) {
  EXPECT_THAT(TextOfPage(PageOf(SampleResponse(), MorningOf(absl::CivilDay(2021, 6, 1)))),
              HasSubstr("1 June 2021 at 09:15:30 BST"));
}

TEST(Tree, SetsNoLastDayWhereTheLawSetsNone) {
  authoring::v1::Response response = SampleResponse();
  response.mutable_report()->set_basis(registry::v1::Inspection::REQUESTED_BY_REPORT);
  EXPECT_THAT(TextOfPage(PageOf(response)),
              AllOf(HasSubstr("Response requested by the report"), HasSubstr("the law sets no last day"),
                    Not(HasSubstr("last lawful day")), Not(HasSubstr("of 56"))));
}

TEST(Tree, SaysThatTheChiefOfficerWasSilent) {
  authoring::v1::Response response = SampleResponse();
  response.mutable_chief_officer()->clear_contributions();
  EXPECT_THAT(TextOfPage(PageOf(response)), HasSubstr("was invited to comment and made no comments"));
}

TEST(Tree, SaysThatThereIsNothingToAnswer) {
  authoring::v1::Response response = SampleResponse();
  response.mutable_report()->clear_findings();
  response.clear_findings_to_answer();
  response.clear_answers();
  const std::string text = TextOfPage(PageOf(response));
  EXPECT_THAT(text, HasSubstr("makes no recommendation to this body or its Chief Constable"));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("Addressed to others")), Not(HasSubstr("at a glance"))));
  // A comment on a finding that is not there is not lost.
  EXPECT_THAT(text, HasSubstr("The view of the force on number five."));
}

TEST(Tree, ShowsAnAnswerThatTheBodyGaveFreely) {
  authoring::v1::Response response = SampleResponse();
  registry::v1::Finding& finding = *response.mutable_report()->mutable_findings(1);
  finding.set_kind(registry::v1::Finding::AREA_FOR_IMPROVEMENT);
  authoring::v1::Answer& answer = *response.add_answers();
  answer.set_finding(FindingName(response, finding));
  answer.set_kind(authoring::v1::Answer::ACTION_TAKEN);
  answer.set_explanation("Done, though not asked.");
  ExpectOrder(TextOfPage(PageOf(response)),
              {"Area for improvement 2", "Answer:", "Action taken", "Done, though not asked."});
}

TEST(Tree, PutsACauseOfConcernBeforeWhatStandsUnderIt) {
  authoring::v1::Response response = SampleResponse();
  registry::v1::Finding& cause = *response.mutable_report()->mutable_findings(1);
  cause.set_kind(registry::v1::Finding::CAUSE_OF_CONCERN);
  response.mutable_report()->mutable_findings(2)->set_parent(cause.id());
  const std::string text = TextOfPage(PageOf(response));
  ExpectOrder(text, {"Findings and answers", "Recommendation 1", "Cause of concern 2", "Text of recommendation two.",
                     "Recommendation 5", "Under: Cause of concern 2", "No action"});
  EXPECT_THAT(text, Not(HasSubstr("Other findings")));
}

TEST(Tree, ShowsHostileTextsAsText) {
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
  EXPECT_GE(shown, 16U);
}

TEST(Tree, KeepsWelshLettersAndCurlyQuotes) {
  authoring::v1::Response response = SampleResponse();
  response.mutable_body()->set_display_name("Comisiynydd Heddlu a Throseddu Dyfed-Powys, Tŷ’r Ŵyl");
  response.set_comments("“Ŷd a dŵr”");
  EXPECT_THAT(TextOfPage(PageOf(response)), AllOf(HasSubstr("Tŷ’r Ŵyl"), HasSubstr("“Ŷd a dŵr”")));
}

TEST(Tree, IsTheSameBytesEveryTime) { EXPECT_EQ(PageOf(SampleResponse()), PageOf(SampleResponse())); }

TEST(Tree, RunsNoScriptAndStylesNothingInline) {
  const std::string page = PageOf(SampleResponse());
  for (const char* forbidden : {"<script", "style=", "<style", " on", "<iframe", "<form"}) {
    if (std::string(forbidden) != " on") {
      EXPECT_THAT(page, Not(HasSubstr(forbidden)));
    }
  }
}

TEST(Tree, HoldsAReportOfAHundredAndElevenRecommendations) {
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
  EXPECT_THAT(text, HasSubstr("Recommendation 113"));
  EXPECT_THAT(text, HasSubstr("No answer recorded"));
}

TEST(Tree, SaysThatItIsBeingPublishedWhileItHasNoInstant) {
  v1::PublicationRecord record = *rules::Describe(SampleResponse(), std::nullopt);
  record.set_content_hash(kHash);
  const std::string text = TextOfPage(PageOf(SampleResponse(), record));
  EXPECT_THAT(text, HasSubstr("This edition is being published"));
  EXPECT_THAT(text, HasSubstr(kHash));
  for (const char* false_statement : {"1970", "Day 0", "Late", "In time"}) {
    EXPECT_THAT(text, Not(HasSubstr(false_statement)));
  }
  EXPECT_THAT(TextOfPage(PageOf(SampleResponse())), Not(HasSubstr("being published")));
}

TEST(Tree, KeepsTheTimelinessOfTheFirstEditionBesideTheInstantOfALaterOne) {
  const v1::PublicationRecord first =
      *rules::Publish(SampleResponse(), std::nullopt, MorningOf(absl::CivilDay(2021, 2, 9)));
  authoring::v1::Response second = SampleResponse();
  second.set_edition(2);
  v1::PublicationRecord record = *rules::Publish(second, first, MorningOf(absl::CivilDay(2021, 3, 15)));
  record.set_content_hash(kHash);
  const std::string text = TextOfPage(PageOf(second, record));
  EXPECT_THAT(text, HasSubstr("9 February 2021 at 09:15:30 GMT"));
  EXPECT_THAT(text, HasSubstr("Day 55 of 56"));
  EXPECT_THAT(text, HasSubstr("2, published 15 March 2021 at 09:15:30 GMT"));
  EXPECT_THAT(text, Not(HasSubstr("Late by")));
}

TEST(Tree, CountsItsTextsAndLeavesOutWhatIsTooMuch) {
  authoring::v1::Response response = SampleResponse();
  response.mutable_chief_officer()->mutable_contributions(1)->set_text(std::string(9000, 'x'));
  response.set_comments(std::string(8000, 'x'));
  const v1::PublicationRecord record = *rules::Describe(response, std::nullopt);
  Budget ample(kAmple), small(100);
  EXPECT_THAT(document::RenderPlainText(BuildDocument(response, record, "", {}, ample)), HasSubstr("xxxx"));
  EXPECT_THAT(ample.ToStatus("the page"), section55::testing::IsOk());
  EXPECT_THAT(document::RenderPlainText(BuildDocument(response, record, "", {}, small)), Not(HasSubstr("xxxx")));
  EXPECT_THAT(small.ToStatus("the page"),
              section55::testing::ViolationOn("response.chief_officer.contributions[1].text"));
}

TEST(Tree, OfWelshTextsIsReadByAWelshVoice) {
  authoring::v1::Response response = SampleResponse();
  response.mutable_report()->mutable_findings(0)->set_language(registry::v1::LANGUAGE_WELSH);
  EXPECT_THAT(PageOf(response), HasSubstr("<div lang=\"cy\">\n<p>Text of recommendation one:"));
}

TEST(Tree, OfADraftIsMarkedAndSaysNothingOfItsPublication) {
  Budget budget(kAmple);
  const v1::PublicationRecord record = *rules::Describe(SampleResponse(), std::nullopt);
  const document::Document whole = BuildDocument(SampleResponse(), record, "https://register.example",
                                                 {.watermark = "Draft", .tells_of_publication = false}, budget);
  EXPECT_EQ(whole.watermark, "Draft");
  const std::string text = document::RenderPlainText(whole);
  EXPECT_THAT(text, AllOf(HasSubstr("We will do one."), HasSubstr("Lorne Green")));
  for (const char* false_statement : {"Published\t", "published", "hash", "register.example"}) {
    EXPECT_THAT(text, Not(HasSubstr(std::string(false_statement) + " it"))) << false_statement;
  }
  EXPECT_THAT(text, AllOf(Not(HasSubstr("SHA-256")), Not(HasSubstr("being published"))));
  const std::string one =
      document::RenderPlainText(BuildDocument(SampleResponse(), record, "https://register.example",
                                              {.watermark = "Draft",
                                               .finding = "inspections/safe-to-share/findings/recommendation-5",
                                               .tells_of_publication = false},
                                              budget));
  EXPECT_THAT(one, AllOf(HasSubstr("Nothing is needed for five"), HasSubstr("The view of the force on number five."),
                         Not(HasSubstr("We will do one.")), Not(HasSubstr("Lorne Green"))));
}

}  // namespace
}  // namespace section55::publication
