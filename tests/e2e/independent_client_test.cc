// The main job by a client that knows nothing of this repository: `buf curl`, which asks the servers by reflection what they offer. It
// is another implementation of gRPC (in Go), another TLS and another protobuf.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "libs/base/ids.h"
#include "libs/testing/suite.h"

namespace section55::e2e {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::Outcome;
using testing::Pki;
using testing::Service;
using testing::Suite;

constexpr char kBuf[] = SECTION55_SOURCE_DIR "/tests/tools/node_modules/.bin/buf";
constexpr char kResponse[] = "bodies/lundy-pcc/responses/harbour";

class IndependentClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(std::filesystem::exists(kBuf)) << "buf is missing: `make test` installs it (npm ci in tests/tools)";
    Pki& pki = Pki::Get();
    pki.AddPerson("lundy-author", {"author@bodies/lundy-pcc"});
    pki.AddPerson("lundy-approver", {"approver@bodies/lundy-pcc"});
    pki.AddPerson("lundy-chief-officer", {"chief-officer@forces/lundy"});
  }

  Outcome Curl(Service service, const std::string& person, const std::vector<std::string>& more,
               const std::string& path) {
    testing::Command command;
    command.words = {
        kBuf, "curl", "--protocol", "grpc", "--reflect-protocol", "grpc-v1alpha", "--cacert", Pki::Get().ca().string()};
    if (!person.empty()) {
      command.words.insert(command.words.end(), {"--header", "authorization: Bearer " + Pki::Get().Token(person)});
    }
    command.words.insert(command.words.end(), more.begin(), more.end());
    command.words.push_back(fmt::format("https://{}{}", suite_.address(service), path));
    command.environment["HOME"] = home_.path();
    return testing::Run(command);
  }

  // Calls a method of the service's own interface; the answer as JSON.
  Outcome TryCall(Service service, const std::string& person, const std::string& method, const json& request) {
    return Curl(service, person, {"-d", request.dump()}, fmt::format("/{}/{}", testing::FullNameOf(service), method));
  }
  json Call(Service service, const std::string& person, const std::string& method, const json& request) {
    const Outcome outcome = TryCall(service, person, method, request);
    EXPECT_EQ(outcome.exit_code, 0) << method << ": " << outcome.errors;
    json answer = json::parse(outcome.output, nullptr, false);
    EXPECT_TRUE(answer.is_object()) << method << ": " << outcome.output;
    return answer.is_object() ? answer : json::object();
  }

  // Reads until a field has a value; what the field's resource is may not exist yet.
  json Await(Service service, const std::string& method, const std::string& name, const std::string& field,
             const std::string& value) {
    json answer;
    suite_.Until(fmt::format("{} has {} {}", name, field, value), [&] {
      const Outcome outcome = TryCall(service, "auditor", method, {{"name", name}});
      answer = json::parse(outcome.output, nullptr, false);
      return outcome.exit_code == 0 && answer.is_object() && answer.value(field, "") == value;
    });
    return answer;
  }

  const testing::TemporaryFolder home_;
  Suite suite_;
};

TEST_F(IndependentClientTest, DoesTheMainJob) {
  EXPECT_THAT(
      Curl(Service::kAuthoring, "", {"--list-methods"}, "").output,
      AllOf(HasSubstr("section55.authoring.v1.ResponseAuthoring/ApproveResponse"), HasSubstr("grpc.health.v1.Health")));

  Call(Service::kRegistry, "registrar", "CreateForce",
       {{"forceId", "lundy"},
        {"force",
         {{"displayName", "Lundy Constabulary"},
          {"chiefOfficerTitle", "Chief Constable"},
          {"region", "South West"},
          {"territorial", true}}}});
  Call(Service::kRegistry, "registrar", "CreateBody",
       {{"bodyId", "lundy-pcc"},
        {"body",
         {{"displayName", "Police and Crime Commissioner for Lundy"},
          {"kind", "POLICE_AND_CRIME_COMMISSIONER"},
          {"force", "forces/lundy"},
          {"scrutinyBody", "Lundy Panel"}}}});
  Call(Service::kRegistry, "registrar", "CreateInspection",
       {{"inspectionId", "harbour"},
        {"inspection",
         {{"title", "The harbour: an inspection"},
          {"kinds", {"THEMATIC"}},
          {"publishers", {"HMICFRS"}},
          {"publicationDate", {{"year", 2020}, {"month", 12}, {"day", 17}}},
          {"basis", "STATUTE_S55"},
          {"scope", {{"allForces", true}}},
          {"findings",
           {{{"number", "1"},
             {"kind", "RECOMMENDATION"},
             {"text", "Watch the harbour:\n\n- by day\n  - and by night"},
             {"addressees", {{{"kind", "ALL_CHIEF_CONSTABLES"}}}}},
            {{"number", "2"},
             {"kind", "RECOMMENDATION"},
             {"text", "Pay for it."},
             {"addressees", {{{"kind", "HOME_OFFICE"}}}}}}}}}});
  EXPECT_EQ(Call(Service::kRegistry, "registrar", "PublishInspection", {{"name", "inspections/harbour"}})["state"],
            "PUBLISHED");

  const json opened = Await(Service::kAuthoring, "GetResponse", kResponse, "state", "OPEN");
  EXPECT_EQ(opened["findingsToAnswer"], json({"inspections/harbour/findings/recommendation-1"}));
  EXPECT_EQ(opened["report"]["findings"].size(), 2);
  const json deadline =
      Await(Service::kDeadlines, "GetDeadline", "bodies/lundy-pcc/deadlines/harbour", "state", "PENDING");
  EXPECT_EQ(deadline["dueDate"], (json{{"year", 2021}, {"month", 2}, {"day", 10}}));
  const json working =
      Call(Service::kDeadlines, "lundy-author", "ExplainDeadline", {{"inspection", "inspections/harbour"}});
  EXPECT_GT(working["steps"].size(), 5);

  Call(Service::kAuthoring, "lundy-author", "InviteChiefOfficer",
       {{"name", kResponse}, {"commentsDueDate", {{"year", 2021}, {"month", 1}, {"day", 14}}}});
  Call(Service::kAuthoring, "lundy-chief-officer", "SubmitChiefOfficerComments",
       {{"name", kResponse},
        {"contributions", {{{"author", "A. Puffin"}, {"rank", "Chief Constable"}, {"text", "We watch it."}}}}});
  const json gaps = Call(Service::kAuthoring, "lundy-author", "CheckResponse", {{"name", kResponse}});
  EXPECT_THAT(gaps.dump(), HasSubstr("section 55(5B)"));
  Call(Service::kAuthoring, "lundy-author", "UpdateResponse",
       {{"response",
         {{"name", kResponse},
          {"comments", "A good report."},
          {"answers",
           {{{"finding", "recommendation-1"}, {"kind", "ACTION_TAKEN"}, {"explanation", "The harbour is watched."}}}}}},
        {"updateMask", "comments,answers"}});
  const auto as_read = [&](const char* person) -> json {
    const json read = Call(Service::kAuthoring, person, "GetResponse", {{"name", kResponse}});
    return {{"name", kResponse}, {"etag", read["etag"]}};
  };
  EXPECT_EQ(Call(Service::kAuthoring, "lundy-author", "SubmitResponse", as_read("lundy-author"))["state"], "IN_REVIEW");
  EXPECT_EQ(Call(Service::kAuthoring, "lundy-approver", "ApproveResponse", as_read("lundy-approver"))["state"],
            "APPROVED");

  Await(Service::kAuthoring, "GetResponse", kResponse, "state", "PUBLISHED");
  const json met = Await(Service::kDeadlines, "GetDeadline", "bodies/lundy-pcc/deadlines/harbour", "state", "MET");
  EXPECT_EQ(met["metDayNumber"], 1);
  const json record = Call(Service::kPublication, "lundy-author", "GetPublication",
                           {{"name", "bodies/lundy-pcc/publications/harbour"}});
  const json copies = Call(Service::kPublication, "lundy-author", "ListCopies", {{"parent", record["name"]}});
  EXPECT_EQ(copies["copies"].size(), 4);

  httplib::Client reader("127.0.0.1", suite_.web_port());
  const auto page = reader.Get(record.value("pagePath", "").c_str());
  ASSERT_TRUE(page && page->status == 200);
  EXPECT_THAT(page->body,
              AllOf(HasSubstr("The harbour is watched."), HasSubstr("A. Puffin"), HasSubstr("Day 1 of 56")));
  const auto data = reader.Get((record.value("pagePath", "") + ".json").c_str());
  ASSERT_TRUE(data && data->status == 200);
  EXPECT_EQ(record["contentHash"], base::Sha256Hex(data->body));
}

// An error reaches such a client as it was meant: code, sentence and details. Its exit code is the gRPC code times 8.
TEST_F(IndependentClientTest, UnderstandsErrors) {
  const Outcome unknown = TryCall(Service::kRegistry, "auditor", "GetForce", {{"name", "forces/nowhere"}});
  EXPECT_EQ(unknown.exit_code, 5 * 8) << unknown.errors;
  EXPECT_THAT(unknown.errors, AllOf(HasSubstr("not_found"), HasSubstr("forces/nowhere")));
  const Outcome bad = TryCall(Service::kRegistry, "registrar", "CreateForce",
                              {{"forceId", "Not An Id"}, {"force", {{"region", "East"}}}});
  EXPECT_EQ(bad.exit_code, 3 * 8) << bad.errors;
  EXPECT_THAT(bad.errors,
              AllOf(HasSubstr("invalid_argument"), HasSubstr("google.rpc.BadRequest"), HasSubstr("force_id"),
                    HasSubstr("force.display_name"), HasSubstr("google.rpc.ErrorInfo")));
  const Outcome nobody = TryCall(Service::kAuthoring, "", "GetResponse", {{"name", kResponse}});
  EXPECT_EQ(nobody.exit_code, 16 * 8) << nobody.errors;
  EXPECT_THAT(nobody.errors, HasSubstr("unauthenticated"));
  const Outcome stranger = TryCall(Service::kAuthoring, "norfolk-author", "GetResponse", {{"name", kResponse}});
  EXPECT_EQ(stranger.exit_code, 7 * 8) << stranger.errors;
  EXPECT_THAT(stranger.errors, HasSubstr("permission_denied"));
}

}  // namespace
}  // namespace section55::e2e
