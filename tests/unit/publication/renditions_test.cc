#include "services/publication/renditions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "libs/base/ids.h"
#include "libs/testing/matchers.h"
#include "services/publication/rules.h"
#include "tests/unit/document/pdf_checker.h"
#include "tests/unit/document/rendition_text.h"
#include "tests/unit/document/word_checker.h"
#include "tests/unit/publication/sample_response.h"

namespace section55::publication {
namespace {

using document::Seen;
using nlohmann::ordered_json;
using section55::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using Format = v1::GetRenditionRequest;

constexpr char kUrl[] = "https://register.example";
constexpr char kFive[] = "inspections/safe-to-share/findings/recommendation-5";

// With everything that Markdown has.
authoring::v1::Response RichResponse() {
  authoring::v1::Response response = SampleResponse();
  response.set_comments(
      "We *welcome* the **report** & its \u201cfindings\u201d.\n\n1. One\n2. Two\n   - nested `code`\n\n> Quoted\n>\n> "
      "twice\n\n"
      "| Month | Count |\n|---|---|\n| May | 12 |\n| June | 7 |\n\n```\nas typed\n```\n\nSee [the "
      "plan](https://example.org/plan).");
  response.mutable_report()->mutable_findings(0)->set_language(registry::v1::LANGUAGE_WELSH);
  response.mutable_report()->mutable_findings(0)->set_text("Dylai prif gwnstabliaid ddiogelu d\u0175r a th\u0177.");
  return response;
}

std::string DraftOf(const authoring::v1::Response& response, Format::Format format, const std::string& finding = "") {
  const auto draft = Renderer(kUrl).RenderDraft(response, format, finding);
  EXPECT_THAT(draft, IsOk());
  return draft.value_or("");
}

// The words of a draft, without white space, as a reader of that format finds them.
std::string WordsOf(Format::Format format, const std::string& bytes) {
  switch (format) {
    case Format::JSON: {
      std::string text;
      document::AddTextOfJson(ordered_json::parse(bytes)["document"], text);
      return Seen(text);
    }
    case Format::PDF: {
      const document::PdfReport report = document::CheckPdf(bytes);
      EXPECT_THAT(report.faults, IsEmpty());
      return Seen(report.text);
    }
    case Format::DOCX:
      EXPECT_THAT(document::FaultsOfWord(bytes), IsEmpty());
      return Seen(document::TextOfWord(bytes));
    default:
      return Seen(document::TextBetweenTags(bytes));
  }
}

TEST(Renditions, SayTheSameWordsInTheSameOrder) {
  for (const std::string& finding : {std::string(), std::string(kFive)}) {
    const std::string expected = WordsOf(Format::HTML, DraftOf(RichResponse(), Format::HTML, finding));
    EXPECT_THAT(expected, StartsWith("DraftPoliceandCrimeCommissionerforNorfolkResponsetoSafetoshare?"));
    for (const auto format : {Format::JSON, Format::PDF, Format::DOCX}) {
      EXPECT_EQ(WordsOf(format, DraftOf(RichResponse(), format, finding)), expected) << Format::Format_Name(format);
    }
  }
}

TEST(Renditions, AsPlainTextReadInTheSameOrder) {
  // Plain text has signs of its own between the words, and names the column beside each cell.
  const std::string text = DraftOf(RichResponse(), Format::TEXT);
  EXPECT_THAT(text, StartsWith("*** Draft\n"));
  size_t at = 0;
  for (const char* words : {"Response to Safe to share?",
                            "Recommendation 1",
                            "Dylai prif gwnstabliaid",
                            "We will do one.",
                            "Head of Policy",
                            "Recommendation 5",
                            "Nothing is needed for five",
                            "The view of the force on number five.",
                            "The general view of the force.",
                            "1. One",
                            "2. Two",
                            "- nested code",
                            "> Quoted",
                            "May",
                            "12",
                            "June",
                            "7",
                            "as typed",
                            "<https://example.org/plan>",
                            "replies to the chief constable",
                            "each quarter",
                            "Lorne Green",
                            "Recommendation 2"}) {
    at = text.find(words, at);
    ASSERT_NE(at, std::string::npos) << words << " is missing, or stands too early, in:\n" << text;
  }
}

TEST(Renditions, ThatAreKeptAreOfThatVeryDocument) {
  const authoring::v1::Response response = RichResponse();
  authoring::v1::Response other = response;
  other.set_monitoring(response.monitoring() + " And again.");
  const v1::PublicationRecord earlier = *rules::Publish(response, std::nullopt, MorningOf(absl::CivilDay(2021, 2, 9)));
  Renderer renderer(kUrl);
  for (int round = 0; round < 2; ++round) {
    for (const auto& [what, before] :
         std::vector<std::pair<authoring::v1::Response, std::optional<v1::PublicationRecord>>>{
             {response, std::nullopt}, {other, std::nullopt}, {response, earlier}}) {
      ASSERT_THAT(renderer.Check(what, before), IsOk());
      const absl::StatusOr<Renditions> made = renderer.Render(what, before);
      const absl::StatusOr<Renditions> anew = Renderer(kUrl).Render(what, before);
      ASSERT_THAT(made, IsOk());
      ASSERT_THAT(anew, IsOk());
      EXPECT_EQ(made->content_hash, anew->content_hash);
      EXPECT_TRUE(made->bytes == anew->bytes) << round;
    }
  }
}

TEST(Renditions, OfWhatIsPublishedDifferFromTheDraftByItsMarkAndItsProofAlone) {
  const authoring::v1::Response response = RichResponse();
  Renderer renderer(kUrl);
  const absl::StatusOr<Renditions> staged = renderer.Render(response, std::nullopt);
  ASSERT_THAT(staged, IsOk());
  v1::PublicationRecord record = *rules::Publish(response, std::nullopt, MorningOf(absl::CivilDay(2021, 2, 9)));
  record.set_content_hash(staged->content_hash);
  absl::StatusOr<Renditions> published = renderer.RenderPublished(response, record, *staged);
  ASSERT_THAT(published, IsOk());
  EXPECT_EQ(published->bytes.size(), 5U);
  EXPECT_EQ(published->content_hash, base::Sha256Hex(published->bytes[Format::JSON]));
  const std::string expected = WordsOf(Format::HTML, published->bytes[Format::HTML]);
  for (const auto format : {Format::PDF, Format::DOCX}) {
    EXPECT_EQ(WordsOf(format, published->bytes[format]), expected) << Format::Format_Name(format);
  }
  EXPECT_THAT(expected, HasSubstr("Intime(Day55of56),9February2021"));
  EXPECT_THAT(expected, HasSubstr(staged->content_hash));
  // Taking the proof out gives the data's words; putting the mark before them, the draft's.
  std::string without = std::regex_replace(expected, std::regex("PublishedIntime\\(Day55of56\\),.*?GMT"), "");
  without = without.substr(0, without.find("Howtocheckthisdocument"));
  EXPECT_EQ(without, WordsOf(Format::JSON, published->bytes[Format::JSON]));
  EXPECT_EQ("Draft" + without, WordsOf(Format::HTML, DraftOf(response, Format::HTML)));
}

TEST(Renditions, OfOneFindingHaveNothingOfTheOthers) {
  const ordered_json json = ordered_json::parse(DraftOf(SampleResponse(), Format::JSON, kFive));
  EXPECT_EQ(json["document"]["watermark"], "Draft");
  EXPECT_EQ(json["findings"].size(), 1U);
  EXPECT_EQ(json["answers"].size(), 1U);
  EXPECT_EQ(json["chief_officer"]["contributions"].size(), 1U);
  for (const auto format : {Format::HTML, Format::JSON, Format::TEXT}) {
    const std::string draft = DraftOf(SampleResponse(), format, kFive);
    EXPECT_THAT(draft, HasSubstr("Nothing is needed for five"));
    EXPECT_THAT(draft, HasSubstr("The view of the force on number five."));
    for (const char* other : {"We will do one.", "The general view", "Lorne Green", "as a whole", "each quarter"}) {
      EXPECT_THAT(draft, Not(HasSubstr(other))) << Format::Format_Name(format);
    }
  }
}

TEST(Renditions, PrintWhyNoSecondPersonApproved) {
  authoring::v1::Response response = SampleResponse();
  for (const auto format : {Format::HTML, Format::TEXT, Format::JSON}) {
    EXPECT_THAT(DraftOf(response, format), Not(HasSubstr("second person"))) << Format::Format_Name(format);
  }
  response.mutable_bypass()->set_actor("people/una");
  response.mutable_bypass()->set_reason("The office has one member of staff & no deputy.");
  for (const auto format : {Format::HTML, Format::TEXT, Format::JSON}) {
    const std::string draft = DraftOf(response, format);
    EXPECT_THAT(draft, HasSubstr("Approved without a second person")) << Format::Format_Name(format);
    EXPECT_THAT(draft, HasSubstr("The office has one member of staff")) << Format::Format_Name(format);
    EXPECT_THAT(draft, Not(HasSubstr("people/una"))) << "an account is nobody's name";
  }
  EXPECT_EQ(ordered_json::parse(DraftOf(response, Format::JSON))["bypass"]["reason"], response.bypass().reason());
}

// Fails when the same response becomes other bytes: then kRendererVersion is raised, and the sums here with it. The bytes of the PDF and
// of the Word file depend on Debian's libraries too, so their text stands for them.
TEST(Renditions, AreThoseOfTheirVersion) {
  std::string all;
  for (const auto format : {Format::HTML, Format::JSON, Format::TEXT}) {
    all += DraftOf(RichResponse(), format);
  }
  EXPECT_EQ(kRendererVersion, 1);
  EXPECT_EQ(base::Sha256Hex(all), "5a3caabc6d39502a80d5d75680edf431e6b57d154c82e0123ba098762a30f76c");
}

TEST(SourceHash, DiffersWithAnythingApproved) {
  authoring::v1::Response response = SampleResponse();
  const std::string before = SourceHash(response);
  EXPECT_EQ(SourceHash(SampleResponse()), before);
  response.mutable_report()->mutable_findings(1)->mutable_text()->append(".");
  EXPECT_NE(SourceHash(response), before);
}

}  // namespace
}  // namespace section55::publication
