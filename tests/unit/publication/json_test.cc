#include "libs/document/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/document/markdown.h"
#include "libs/testing/matchers.h"
#include "services/publication/render_json.h"
#include "services/publication/rules.h"
#include "services/publication/tree.h"
#include "tests/unit/publication/sample_response.h"

namespace section55::publication {
namespace {

using nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

// Bytes that every response of these tests stays within.
constexpr size_t kAmple = 1'000'000;

absl::StatusOr<std::string> RenderWithin(const authoring::v1::Response& response, size_t limit) {
  Budget ample(kAmple);
  const document::Document document = BuildDocument(response, rules::Describe(response, std::nullopt).value(),
                                                    "https://register.example", {.tells_of_publication = false}, ample);
  return RenderJson(response, document, "", limit);
}

std::string JsonOf(const authoring::v1::Response& response) { return *RenderWithin(response, kAmple); }

ordered_json Read(const authoring::v1::Response& response) { return ordered_json::parse(JsonOf(response)); }

TEST(RenderJson, HoldsThePartsInReadingOrder) {
  std::vector<std::string> keys;
  const ordered_json content = Read(SampleResponse());
  for (const auto& [key, value] : content.items()) {
    keys.push_back(key);
  }
  EXPECT_THAT(
      keys, ElementsAre("format", "name", "edition", "body", "force", "report", "key_findings", "findings", "answers",
                        "chief_officer", "comments", "reply_to_chief_officer", "monitoring", "signatory", "document"));
}

TEST(RenderJson, HoldsTheReportsFacts) {
  EXPECT_EQ(Read(SampleResponse())["report"], ordered_json::parse(R"({
    "name": "inspections/safe-to-share", "title": "Safe to share?", "kinds": ["SUPER_COMPLAINT", "JOINT"],
    "publishers": ["HMICFRS", "IOPC", "College of Policing"], "publication_date": "2020-12-17",
    "url": "https://www.gov.uk/safe-to-share", "basis": "STATUTE_S55"})"));
}

TEST(RenderJson, MarksTheFindingsThatThisBodyMustAnswer) {
  const ordered_json findings = Read(SampleResponse())["findings"];
  ASSERT_EQ(findings.size(), 3U);
  EXPECT_EQ(findings[0]["answer_required"], true);
  EXPECT_EQ(findings[1]["answer_required"], false);
  EXPECT_EQ(findings[1]["addressees"], ordered_json::parse(R"([{"kind": "HOME_OFFICE", "name": null}])"));
  EXPECT_EQ(findings[0]["due"],
            ordered_json::parse(R"({"precision": "RELATIVE", "date": null, "words": "within three months"})"));
  EXPECT_EQ(findings[2]["due"], ordered_json::parse(R"({"precision": "MONTH", "date": "2021-06", "words": null})"));
}

// The element with that id, wherever it stands.
ordered_json SectionOf(const ordered_json& json, const ordered_json& id) {
  if (json.is_object() && json.contains("id") && json["id"] == id) {
    return json;
  }
  for (const ordered_json& member : json) {
    if (member.is_structured()) {
      if (ordered_json found = SectionOf(member, id); !found.is_null()) {
        return found;
      }
    }
  }
  return nullptr;
}

TEST(RenderJson, HoldsTextsAsTypedAndWhereTheyStandInTheDocument) {
  const ordered_json content = Read(SampleResponse());
  const std::string typed = "Text of recommendation one:\n\n- first point\n  - nested point";
  EXPECT_EQ(content["findings"][0]["text"], typed);
  const std::string section = SectionOf(content["document"], content["findings"][0]["section"]).dump();
  EXPECT_THAT(section, HasSubstr(document::ToJson(document::ParseMarkdown(typed)).dump()));
  EXPECT_THAT(SectionOf(content["document"], content["answers"][0]["section"]).dump(), HasSubstr("We will do one."));
  EXPECT_THAT(SectionOf(content["document"], content["chief_officer"]["contributions"][1]["section"]).dump(),
              HasSubstr("The view of the force on number five."));
}

TEST(RenderJson, GivesTheAnswersInTheOrderOfTheFindings) {
  const ordered_json answers = Read(SampleResponse())["answers"];
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0]["finding"], "inspections/safe-to-share/findings/recommendation-1");
  EXPECT_EQ(answers[0]["kind"], "ACTION_PROPOSED");
  EXPECT_EQ(answers[0]["owner"], "Head of Policy");
  EXPECT_EQ(answers[0]["target_date"], "2021-06-30");
  EXPECT_EQ(answers[1]["kind"], "NO_ACTION");
  EXPECT_EQ(answers[1]["target_date"], nullptr);
}

TEST(RenderJson, TellsSilenceFromComments) {
  authoring::v1::Response response = SampleResponse();
  EXPECT_EQ(Read(response)["chief_officer"]["status"], "COMMENTED");
  EXPECT_EQ(Read(response)["chief_officer"]["contributions"][1]["rank"], "Assistant Chief Constable");
  response.mutable_chief_officer()->clear_contributions();
  EXPECT_EQ(Read(response)["chief_officer"]["status"], "INVITED_NO_COMMENTS");
  response.clear_chief_officer();
  EXPECT_EQ(Read(response)["chief_officer"]["status"], "NOT_INVITED");
}

TEST(RenderJson, SaysNothingOfThePeopleAndTimesBehindIt) {
  authoring::v1::Response response = SampleResponse();
  const std::string before = JsonOf(response);
  response.add_writers()->set_person("people/ann");
  response.mutable_approval()->set_actor("people/bob");
  response.mutable_approval()->mutable_time()->set_seconds(1612862130);
  response.mutable_update_time()->set_seconds(1612862130);
  response.set_etag("\"7\"");
  EXPECT_EQ(JsonOf(response), before);
}

TEST(RenderJson, IsTheSameBytesEveryTime) {
  EXPECT_EQ(JsonOf(SampleResponse()), JsonOf(SampleResponse()));
  EXPECT_THAT(JsonOf(SampleResponse()), EndsWith("}\n"));
}

TEST(RenderJson, KeepsWelshLettersAsTheyAre) {
  authoring::v1::Response response = SampleResponse();
  response.set_comments("Ŵyr y Comisiynydd am y tŷ: “iawn”.");
  EXPECT_THAT(JsonOf(response), HasSubstr("Ŵyr y Comisiynydd am y tŷ: “iawn”."));
}

TEST(RenderJson, DiffersWithTheEdition) {
  authoring::v1::Response response = SampleResponse();
  response.set_edition(2);
  EXPECT_THAT(JsonOf(response), Not(JsonOf(SampleResponse())));
}

TEST(RenderJson, PutsEachPieceOnALine) {
  const std::string json = JsonOf(SampleResponse());
  EXPECT_THAT(json, HasSubstr("{\n \"format\": \"section55.response/1\",\n \"name\": "));
  EXPECT_THAT(json,
              HasSubstr("\n \"findings\": [\n  {\"name\":\"inspections/safe-to-share/findings/recommendation-1\","));
  authoring::v1::Response silent = SampleResponse();
  silent.mutable_chief_officer()->clear_contributions();
  EXPECT_THAT(JsonOf(silent),
              HasSubstr("\n \"chief_officer\": {\"status\":\"INVITED_NO_COMMENTS\",\"contributions\":[]},\n"));
}

TEST(RenderJson, NamesTheLargestTextWhenThereIsTooMuch) {
  authoring::v1::Response response = SampleResponse();
  response.mutable_answers(1)->set_explanation(std::string(5000, 'x'));
  response.set_monitoring(std::string(4000, 'x'));
  const size_t size = JsonOf(response).size();
  EXPECT_THAT(RenderWithin(response, size), section55::testing::IsOk());
  EXPECT_THAT(RenderWithin(response, size - 1), section55::testing::ViolationOn("response.answers[1].explanation"));
  EXPECT_THAT(RenderWithin(response, 100), section55::testing::ViolationOn("response.answers[1].explanation"));
}

}  // namespace
}  // namespace section55::publication
