// Whoever reads a service's log stalls: calls are answered all the same, what was not written is counted, and SIGTERM ends the service.

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "libs/rpc/server.h"
#include "libs/testing/matchers.h"
#include "libs/testing/suite.h"
#include "tests/fault/choices.h"
#include "tests/fault/invariants.h"

namespace section55::e2e {
namespace {

using registry::v1::InspectionRegistry;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::Service;
using testing::Suite;

// With lines of some 340 bytes, several times what a pipe and the memory for it hold.
constexpr int kFewestCalls = 90'000;

TEST(StalledLogTest, HoldsUpNeitherCallsNorTheEnd) {
  fault::Choices choices;
  const int callers_at_once = choices.Between(4, 10);
  const int calls_of_each = choices.Between(kFewestCalls, kFewestCalls * 6 / 5) / callers_at_once;
  Suite suite;
  Resources resources(suite);
  ASSERT_EQ(suite.Stop(Service::kRegistry), 0);
  const testing::TemporaryFolder folder;
  const std::string pipe = folder.path() / "log";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  // Open for reading, and never read.
  const int reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  testing::Command command = suite.CommandOf(Service::kRegistry);
  command.words.push_back("--max_calls_per_caller=0");
  testing::Process process(command, pipe, pipe);

  // Over a connection to this process, and when it has started.
  ASSERT_THAT(suite.Call("auditor", &InspectionRegistry::Stub::ListForces, registry::v1::ListForcesRequest()), IsOk());

  std::atomic<int> answered = 0;
  std::mutex mutex;
  std::set<std::string> refusals;
  std::vector<std::thread> callers;
  for (int i = 0; i < callers_at_once; ++i) {
    callers.emplace_back([&] {
      const auto stub = InspectionRegistry::NewStub(suite.channel(Service::kRegistry));
      for (int call = 0; call < calls_of_each; ++call) {
        const auto context = Suite::As("auditor");
        context->AddMetadata("x-request-id", std::string(128, 'x'));
        registry::v1::ListForcesRequest request;
        request.set_page_size(1);
        registry::v1::ListForcesResponse response;
        const grpc::Status status = stub->ListForces(context.get(), request, &response);
        if (status.ok()) {
          ++answered;
        } else {
          const std::lock_guard lock(mutex);
          refusals.insert(rpc::FromGrpc(status).ToString());
        }
      }
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(answered, calls_of_each * callers_at_once) << absl::StrJoin(refusals, "\n");

  httplib::Client metrics("127.0.0.1", suite.metrics_port(Service::kRegistry));
  const auto page = metrics.Get("/metrics");
  ASSERT_TRUE(page);
  const std::string name = "\nsection55_log_lines_lost_total ";
  const size_t found = page->body.find(name);
  ASSERT_NE(found, std::string::npos) << page->body;
  EXPECT_GT(std::stod(page->body.substr(found + name.size())), 0);

  // What changes something stands in the audit, whatever becomes of the log.
  registry::v1::CreateForceRequest create;
  create.set_force_id("kent");
  create.mutable_force()->set_display_name("Kent Police");
  create.mutable_force()->set_chief_officer_title("Chief Constable");
  create.mutable_force()->set_territorial(true);
  ASSERT_THAT(suite.Call("registrar", &InspectionRegistry::Stub::CreateForce, create), IsOk());

  process.Signal(SIGTERM);
  EXPECT_EQ(process.Await(absl::Seconds(15)), 0) << "the grace of 10 s, and a little";
  EXPECT_THAT(testing::ReadFile(suite.AuditFile(Service::kRegistry)), HasSubstr("InspectionRegistry/CreateForce"));
  close(reader);
  suite.Start(Service::kRegistry);
  suite.AwaitServing(Service::kRegistry);
  resources.ExpectBack();
  EXPECT_GT(ExpectNothingDamaged(suite), 0);
}

}  // namespace
}  // namespace section55::e2e
