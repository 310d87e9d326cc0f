// The alerts of deploy/monitoring: Prometheus's own tool says that they are right, and the services offer all that they ask for.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <filesystem>
#include <regex>
#include <set>
#include <string>

#include "libs/testing/matchers.h"
#include "libs/testing/suite.h"

namespace section55::e2e {
namespace {

using testing::IsOk;
using testing::kServices;
using testing::Suite;

const std::filesystem::path kFolder = std::filesystem::path(SECTION55_SOURCE_DIR) / "deploy" / "monitoring";
// `make test` puts it there.
constexpr char kTool[] = SECTION55_SOURCE_DIR "/build/tools/promtool";

TEST(AlertRulesTest, FireWhenTheyShouldAndOnlyThen) {
  ASSERT_TRUE(std::filesystem::exists(kTool)) << "run `make build/tools/promtool`";
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {kTool, "check", "rules", "section55.rules.yml"}, {kTool, "test", "rules", "section55.rules.test.yml"}}) {
    const testing::Outcome outcome = testing::Run({.words = words, .folder = kFolder});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.output << outcome.errors;
  }
}

TEST(AlertRulesTest, AskForNothingThatNoServiceOffers) {
  Suite suite;
  std::string offered;
  for (const testing::Service service : kServices) {
    // Counters appear with the first thing that they count.
    ASSERT_THAT(suite.CallOn(service, "operator", &admin::v1::Admin::Stub::GetStatus, {}), IsOk());
    grpc::ClientContext nobody;
    nobody.AddMetadata("authorization", "Bearer nonsense");
    admin::v1::Status status;
    EXPECT_FALSE(admin::v1::Admin::NewStub(suite.channel(service))->GetStatus(&nobody, {}, &status).ok());
    httplib::Client client("127.0.0.1", suite.metrics_port(service));
    const auto page = client.Get("/metrics");
    ASSERT_TRUE(page);
    offered += page->body;
  }
  const std::string rules = testing::ReadFile(kFolder / "section55.rules.yml");
  const std::regex metric("section55_[a-z_]+");
  std::set<std::string> asked_for;
  for (auto name = std::sregex_iterator(rules.begin(), rules.end(), metric); name != std::sregex_iterator(); ++name) {
    asked_for.insert(name->str());
  }
  EXPECT_GT(asked_for.size(), 10u);
  for (const std::string& name : asked_for) {
    EXPECT_TRUE(offered.find(fmt::format("\n{}{{", name)) != std::string::npos ||
                offered.find(fmt::format("\n{} ", name)) != std::string::npos)
        << name;
  }
}

}  // namespace
}  // namespace section55::e2e
