// What an operator meets: mistakes at start, migration, drain, metrics, logs.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "libs/testing/mariadb.h"
#include "libs/testing/matchers.h"
#include "libs/testing/suite.h"
#include "tests/e2e/main_job.h"

namespace section55::e2e {
namespace {

using common::v1::EventFeed;
using grpc::health::v1::HealthCheckResponse;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::kServices;
using testing::MessageIs;
using testing::NameOf;
using ::testing::Not;
using testing::Pki;
using testing::Service;
using ::testing::StartsWith;
using testing::StatusIs;
using testing::Suite;

// The command with a flag set anew; it stands once.
testing::Command With(testing::Command command, const std::string& flag) {
  const std::string name = flag.substr(0, flag.find('=') + 1);
  std::erase_if(command.words, [&](const std::string& word) { return !name.empty() && word.starts_with(name); });
  command.words.push_back(flag);
  return command;
}

testing::Command Without(testing::Command command, const std::string& flag) {
  std::erase_if(command.words, [&](const std::string& word) { return word.starts_with(flag + "="); });
  return command;
}

// A suite whose services are stopped again, for its command lines.
class StartTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    suite_ = new Suite();
    for (const Service service : kServices) {
      EXPECT_EQ(suite_->Stop(service), 0);
    }
  }
  static void TearDownTestSuite() {
    delete suite_;
    suite_ = nullptr;
  }

  // The program says one sentence about its name, and nothing else that is not a line of the log; exit code 1.
  static std::string MistakeOf(Service service, const testing::Command& command) {
    const testing::Outcome outcome = testing::Run(command);
    EXPECT_EQ(outcome.exit_code, 1) << outcome.errors;
    std::vector<std::string> sentences;
    const std::vector<std::string> lines = absl::StrSplit(outcome.errors, '\n', absl::SkipEmpty());
    for (const std::string& line : lines) {
      if (line.front() != '{') {
        sentences.push_back(line);
      }
    }
    EXPECT_EQ(sentences.size(), 1) << outcome.errors;
    return sentences.empty() ? "" : sentences.front();
  }

  static Suite* suite_;
};
Suite* StartTest::suite_ = nullptr;

TEST_F(StartTest, EveryMistakeIsOneSentence) {
  // What the four share is tried on one of them, and on the others that they do share it.
  for (const Service service : kServices) {
    SCOPED_TRACE(NameOf(service));
    const testing::Command good = suite_->CommandOf(service);
    const auto mistake = [&](const testing::Command& command) { return MistakeOf(service, command); };
    const auto about_us = [&](const std::string& text) {
      return AllOf(StartsWith(NameOf(service) + ": "), HasSubstr(text));
    };

    EXPECT_THAT(mistake(Without(good, "--listen")), about_us("--listen is missing"));
    EXPECT_THAT(mistake(With(good, "--certificates=/nowhere")), about_us("/nowhere/certificate.pem"));
    EXPECT_THAT(mistake(With(good, "--database=mysql://root@127.0.0.1:1/nowhere")),
                AllOf(about_us("--database: "), HasSubstr("127.0.0.1")));
    if (service != Service::kAuthoring) {
      continue;
    }
    EXPECT_THAT(mistake(Without(good, "--certificates")), about_us("--certificates is missing"));
    EXPECT_THAT(mistake(With(good, "serve")), about_us("\"serve\" makes no sense here"));
    EXPECT_THAT(mistake(With(good, "--listen=127.0.0.1")), about_us("HOST:PORT"));
    EXPECT_THAT(mistake(With(good, "--jwks=/nowhere/jwks.json")), about_us("--jwks: "));
    EXPECT_THAT(mistake(With(good, "--database=sqlite:/nowhere/x.sqlite")), about_us("--database: "));
    EXPECT_THAT(mistake(With(good, "--database=oracle:x")), about_us("--database: "));
    EXPECT_THAT(mistake(With(good, "--metrics_listen=0.0.0.0:0")), about_us("loopback"));
    EXPECT_THAT(mistake(With(good, "--listen=0.0.0.0:0")), about_us("--driven_clock"));
    EXPECT_THAT(mistake(With(good, "--driven_clock=tomorrow")), about_us("\"tomorrow\" is not a time"));
  }
}

TEST_F(StartTest, UnknownFlagIsNamed) {
  const testing::Outcome outcome = testing::Run(With(suite_->CommandOf(Service::kAuthoring), "--no_such_flag=1"));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.errors, HasSubstr("no_such_flag"));
}

TEST_F(StartTest, PortInUseIsNamed) {
  const int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(listen(other, 1), 0);  // on a free port of its own
  sockaddr_in bound = {};
  socklen_t size = sizeof(bound);
  ASSERT_EQ(getsockname(other, reinterpret_cast<sockaddr*>(&bound), &size), 0);
  const std::string address = fmt::format("127.0.0.1:{}", ntohs(bound.sin_port));
  for (const Service service : kServices) {
    EXPECT_THAT(MistakeOf(service, With(suite_->CommandOf(service), "--listen=" + address)),
                HasSubstr("cannot listen on " + address));
    EXPECT_THAT(MistakeOf(service, With(suite_->CommandOf(service), "--metrics_listen=" + address)),
                HasSubstr("cannot listen on " + address));
  }
  EXPECT_THAT(
      MistakeOf(Service::kPublication, With(suite_->CommandOf(Service::kPublication), "--web_listen=" + address)),
      HasSubstr("cannot listen on " + address));
  close(other);
}

TEST_F(StartTest, KeyOfAnotherCertificateIsNoticed) {
  const testing::TemporaryFolder folder;
  const auto own = Pki::Get().certificates("publication");
  std::filesystem::copy_file(own / "certificate.pem", folder.path() / "certificate.pem");
  std::filesystem::copy_file(own / "ca.pem", folder.path() / "ca.pem");
  std::filesystem::copy_file(Pki::Get().certificates("response-authoring") / "key.pem", folder.path() / "key.pem");
  EXPECT_THAT(MistakeOf(Service::kPublication,
                        With(suite_->CommandOf(Service::kPublication), "--certificates=" + folder.path().string())),
              HasSubstr("key"));
}

// Follows what health says of a service, change by change.
class HealthWatch {
 public:
  HealthWatch(const Suite& suite, Service service) : stub_(suite.channel(service)) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
    context_.set_wait_for_ready(true);
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(testing::FullNameOf(service));
    stream_ = stub_.Watch(&context_, request);
  }
  ~HealthWatch() { context_.TryCancel(); }
  // The next state; UNKNOWN when the stream has ended.
  HealthCheckResponse::ServingStatus Next() {
    HealthCheckResponse response;
    do {
      if (!stream_->Read(&response)) {
        return HealthCheckResponse::UNKNOWN;
      }
    } while (response.status() == HealthCheckResponse::SERVICE_UNKNOWN);  // for a moment, while it starts
    return response.status();
  }

 private:
  grpc::health::v1::Health::Stub stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<HealthCheckResponse>> stream_;
};

TEST(MigrationTest, OldSchemaIsNamedAndMigratedWhileTheServiceWaits) {
  Suite suite;  // for its addresses: the service is started anew on an empty database
  const Service service = Service::kAuthoring;
  ASSERT_EQ(suite.Stop(service), 0);
  testing::MariaDb& mariadb = testing::MariaDb::Get();
  const std::string database = "--database=" + mariadb.UrlOf(mariadb.NewDatabase());
  const testing::TemporaryFolder folder;
  testing::Process process(With(suite.CommandOf(service), database), folder.path() / "log", folder.path() / "log");
  HealthWatch health(suite, service);
  EXPECT_EQ(health.Next(), HealthCheckResponse::NOT_SERVING);
  admin::v1::Status status;
  const auto call = [&] {
    return admin::v1::Admin::NewStub(suite.channel(service))->GetStatus(Suite::As("operator").get(), {}, &status);
  };
  EXPECT_THAT(call(), AllOf(StatusIs(absl::StatusCode::kUnavailable),
                            MessageIs(HasSubstr(fmt::format("run \"{} migrate\"", NameOf(service))))));

  const testing::Command migrate = With(suite.MigrateCommandOf(service), database);
  testing::Command dry_run = migrate;
  dry_run.words.push_back("--dry_run");
  const testing::Outcome tried = testing::Run(dry_run);
  EXPECT_EQ(tried.exit_code, 0) << tried.errors;
  EXPECT_THAT(tried.output, AllOf(StartsWith("would apply 0001_"), Not(HasSubstr("\napplied "))));
  EXPECT_THAT(call(), StatusIs(absl::StatusCode::kUnavailable));
  const testing::Outcome migrated = testing::Run(migrate);
  EXPECT_EQ(migrated.exit_code, 0) << migrated.errors;
  EXPECT_THAT(migrated.output, StartsWith("applied 0001_"));
  EXPECT_EQ(testing::Run(migrate).output, "nothing to do\n");

  HealthCheckResponse::ServingStatus next = health.Next();
  while (next == HealthCheckResponse::NOT_SERVING) {
    next = health.Next();
  }
  EXPECT_EQ(next, HealthCheckResponse::SERVING);
  const auto served = suite.CallOn(service, "operator", &admin::v1::Admin::Stub::GetStatus, {});
  ASSERT_THAT(served, IsOk());
  EXPECT_EQ(served->database_engine(), "mysql");
  EXPECT_THAT(testing::ReadFile(folder.path() / "log"), HasSubstr("\"not serving\""));
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Await(absl::Seconds(30)), 0);
}

TEST(DrainTest, TermEndsStreamsAndProcessInGoodOrder) {
  Suite suite;
  for (const Service service : kServices) {
    SCOPED_TRACE(NameOf(service));
    HealthWatch health(suite, service);
    EXPECT_EQ(health.Next(), HealthCheckResponse::SERVING);
    const auto context = Suite::As("auditor");
    const auto follower = EventFeed::NewStub(suite.channel(service))->Follow(context.get(), {});
    follower->WaitForInitialMetadata();
    EXPECT_EQ(suite.Stop(service), 0);
    EXPECT_EQ(health.Next(), HealthCheckResponse::NOT_SERVING) << "said before the connection is closed";
    common::v1::FollowResponse response;
    while (follower->Read(&response)) {
    }
    EXPECT_THAT(follower->Finish(), StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_THAT(suite.Log(service), AllOf(HasSubstr("\"stopping\""), HasSubstr("\"stopped\"")));
    suite.Start(service);
    suite.AwaitServing(service);
  }
}

TEST(RequestIdTest, AnAnswerIsKeptForAWeekAndThenLetGo) {
  Suite suite;
  const auto create = [&] {
    registry::v1::CreateForceRequest request;
    request.set_force_id("kent");
    request.mutable_force()->set_display_name("Kent Police");
    request.mutable_force()->set_chief_officer_title("Chief Constable");
    request.mutable_force()->set_territorial(true);
    request.set_request_id("the-first-request");
    return suite.Call("registrar", &registry::v1::InspectionRegistry::Stub::CreateForce, request);
  };
  const auto start_again = [&] {
    EXPECT_EQ(suite.Stop(Service::kRegistry), 0);
    suite.Start(Service::kRegistry);
    suite.AwaitServing(Service::kRegistry);
  };
  ASSERT_THAT(create(), IsOk());
  suite.SetTime(suite.now() + absl::Hours(24 * 7 - 1));
  start_again();
  EXPECT_THAT(create(), IsOk()) << "the first answer once more";
  suite.SetTime(suite.now() + absl::Hours(2));
  start_again();
  EXPECT_THAT(create(), StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST(MetricsTest, AreOfferedOnLoopback) {
  Suite suite;
  for (const Service service : kServices) {
    ASSERT_THAT(suite.CallOn(service, "operator", &admin::v1::Admin::Stub::GetStatus, {}), IsOk());
    httplib::Client client("127.0.0.1", suite.metrics_port(service));
    const auto result = client.Get("/metrics");
    ASSERT_TRUE(result) << NameOf(service);
    EXPECT_EQ(result->status, 200);
    EXPECT_THAT(result->body, HasSubstr("section55_rpc_calls_total{"));
    EXPECT_THAT(result->body, HasSubstr("method=\"section55.admin.v1.Admin/GetStatus\""));
    EXPECT_THAT(result->body, HasSubstr("section55_rpc_seconds_bucket{"));
  }
}

TEST(LogTest, LinesAreJsonWithoutDraftsAndTokens) {
  constexpr char kMark[] = "mark-that-no-log-holds";
  Suite suite;
  MainJob job(suite);
  const Area norfolk = ReadAreas({"norfolk"}).front();
  const std::string name = ResponseName(norfolk, "custody");
  job.Register({norfolk});
  job.Publish("custody", CustodyReport({"norfolk"}));
  job.AwaitResponse(name);
  job.AnswerInFull(norfolk, name, kMark);
  job.AwaitPublished(name);
  job.AwaitDeadline(DeadlineName(norfolk, "custody"));
  // Refused calls as well: with a text that is too long, and a token that is worth nothing.
  authoring::v1::UpdateResponseRequest update;
  update.mutable_response()->set_name(name);
  update.mutable_response()->set_comments(std::string(60'000, 'x') + kMark);
  update.mutable_update_mask()->add_paths("comments");
  EXPECT_THAT(suite.Call("norfolk-author", &authoring::v1::ResponseAuthoring::Stub::UpdateResponse, update),
              StatusIs(absl::StatusCode::kInvalidArgument));
  for (const Service service : kServices) {
    EXPECT_EQ(suite.Stop(service), 0);  // what waits to be logged is written
    const std::string log = suite.Log(service);
    int calls = 0;
    const std::vector<std::string> lines = absl::StrSplit(log, '\n', absl::SkipEmpty());
    for (const std::string& line : lines) {
      const auto entry = nlohmann::json::parse(line, nullptr, false);
      ASSERT_TRUE(entry.is_object()) << line;
      EXPECT_TRUE(entry.contains("time") && entry.contains("severity") && entry.contains("message")) << line;
      EXPECT_EQ(entry["service"], NameOf(service));
      if (entry["message"] == "call") {
        ++calls;
        EXPECT_TRUE(entry.contains("request_id") && entry.contains("method") && entry.contains("code")) << line;
      }
    }
    EXPECT_GT(calls, 0) << NameOf(service);
    EXPECT_THAT(log, Not(HasSubstr(kMark)));
    EXPECT_THAT(log, Not(HasSubstr("Rowan Aldous"))) << "nor what the force wrote";
    for (const char* person : {"norfolk-author", "norfolk-approver", "norfolk-chief-officer", "registrar", "auditor"}) {
      const std::string token = Pki::Get().Token(person);
      EXPECT_THAT(log, Not(HasSubstr(token.substr(token.rfind('.') + 1)))) << person;
      EXPECT_THAT(log, Not(HasSubstr(token.substr(0, token.rfind('.'))))) << person;
    }
  }
  EXPECT_THAT(suite.Log(Service::kAuthoring),
              AllOf(HasSubstr("\"actor\":\"people/norfolk-author\""), HasSubstr("\"tenant\":\"bodies/norfolk-pcc\""),
                    HasSubstr("ResponseAuthoring/ApproveResponse"), HasSubstr("\"code\":\"INVALID_ARGUMENT\"")));
}

}  // namespace
}  // namespace section55::e2e
