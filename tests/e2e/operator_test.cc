// What an operator meets: mistakes at start, migration, drain, metrics, logs.

#include "tests/e2e/operator.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/testing/mariadb.h"
#include "libs/testing/matchers.h"
#include "libs/testing/suite.h"
#include "tests/e2e/main_job.h"

namespace section55::e2e {
namespace {

using common::v1::EventFeed;
using grpc::health::v1::HealthCheckResponse;
using ::testing::AllOf;
using ::testing::ElementsAre;
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
    EXPECT_THAT(mistake(With(good, "--database=mysql://root@127.0.0.1:1/")), about_us("--database: "));
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
    EXPECT_THAT(mistake(With(good, "--audit_file=/nowhere/audit")), about_us("--audit_file: /nowhere/audit cannot be"));
    EXPECT_THAT(mistake(With(good, "--keep_events=0")), about_us("--keep_events"));
    EXPECT_THAT(mistake(With(good, "--driven_clock=tomorrow")), about_us("\"tomorrow\" is not a time"));
  }
}

// Somebody has lost or mixed up a database: nothing is begun in its place.
TEST_F(StartTest, OnlyAServicesOwnDatabaseWillDo) {
  const testing::TemporaryFolder folder;
  const auto path = folder.path() / "none.sqlite";
  const std::string none = "--database=sqlite:" + path.string();
  const auto own = [&](Service service) { return "--database=" + suite_->database_url(service); };
  for (const Service service : kServices) {
    SCOPED_TRACE(NameOf(service));
    const std::string what_to_do = fmt::format("\"{} migrate --new\"", NameOf(service));
    const testing::Command serve = suite_->CommandOf(service);
    const testing::Command migrate = suite_->MigrateCommandOf(service);
    EXPECT_THAT(MistakeOf(service, With(serve, none)),
                AllOf(HasSubstr("there is no database at"), HasSubstr(what_to_do)));
    EXPECT_THAT(MistakeOf(service, With(migrate, none)), HasSubstr("there is no database at"));
    EXPECT_FALSE(std::filesystem::exists(path));

    const Service another = service == Service::kPublication ? Service::kAuthoring : Service::kPublication;
    EXPECT_THAT(MistakeOf(service, With(serve, own(another))), HasSubstr("is that of " + NameOf(another)));
    EXPECT_THAT(MistakeOf(service, With(migrate, own(another))), HasSubstr("is that of " + NameOf(another)));
    EXPECT_THAT(MistakeOf(service, With(serve, "--deployment=live")), HasSubstr("in the deployment local"));
    EXPECT_THAT(MistakeOf(service, With(migrate, "--new")), HasSubstr("leave out --new"));
  }
  const testing::Command migrate = With(suite_->MigrateCommandOf(Service::kAuthoring), none);
  EXPECT_THAT(MistakeOf(Service::kAuthoring, With(suite_->CommandOf(Service::kAuthoring), "--new")),
              HasSubstr("--new belongs to the command migrate"));
  EXPECT_THAT(MistakeOf(Service::kAuthoring, With(With(migrate, "--new"), "--dry_run")), HasSubstr("--dry_run"));
  EXPECT_THAT(MistakeOf(Service::kAuthoring, With(migrate, "--deployment=Live!")), HasSubstr("--deployment"));
  EXPECT_FALSE(std::filesystem::exists(path));
  std::ofstream(path).close();
  EXPECT_THAT(MistakeOf(Service::kAuthoring, With(suite_->CommandOf(Service::kAuthoring), none)),
              HasSubstr("the database is empty"));
  const testing::Outcome begun = testing::Run(With(migrate, "--new"));
  EXPECT_EQ(begun.exit_code, 0) << begun.errors;
  EXPECT_THAT(begun.output, StartsWith("begun for response-authoring in the deployment local\napplied "));
  EXPECT_EQ(testing::Run(migrate).output, "nothing to do\n");
}

#ifdef SECTION55_HARDENED
TEST_F(StartTest, ProgramsAreHardened) {
  for (const Service service : kServices) {
    SCOPED_TRACE(NameOf(service));
    const testing::Outcome outcome = testing::Run({.words = {"/usr/bin/readelf", "-W", "-h", "-l", "-d", "--dyn-syms",
                                                             suite_->CommandOf(service).words.front()}});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
    EXPECT_THAT(outcome.output, AllOf(HasSubstr("Position-Independent Executable"), HasSubstr("GNU_RELRO"),
                                      HasSubstr("Flags: NOW PIE"), HasSubstr("__stack_chk_fail"), HasSubstr("_chk@")));
  }
}
#endif

TEST_F(StartTest, TheLimitOfDescriptorsIsRaisedAsFarAsTheSystemLets) {
  const testing::TemporaryFolder folder;
  testing::Command command = suite_->CommandOf(Service::kRegistry);
  command.words.insert(command.words.begin(), {"/usr/bin/prlimit", "--nofile=256:4096"});
  const auto log = folder.path() / "log";
  const testing::Process process(command, log, log);
  ASSERT_TRUE(suite_->Until(
      "it listens", [&] { return testing::ReadFile(log).find("\"message\":\"listening\"") != std::string::npos; }));
  EXPECT_THAT(testing::ReadFile(fmt::format("/proc/{}/limits", process.pid())),
              ::testing::ContainsRegex("Max open files +4096 +4096 "));
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

TEST_F(StartTest, CertificatesThatNobodyWouldTrustAreSentences) {
  const auto mistake = [&](const std::filesystem::path& certificates) {
    return MistakeOf(Service::kPublication,
                     With(suite_->CommandOf(Service::kPublication), "--certificates=" + certificates.string()));
  };
  EXPECT_THAT(mistake(Pki::Get().certificates("response-authoring")),
              HasSubstr("is not the certificate of publication"));
  const testing::TemporaryFolder folder;
  for (const char* file : {"certificate.pem", "key.pem"}) {
    std::filesystem::copy_file(Pki::Get().certificates("publication") / file, folder.path() / file);
  }
  std::ofstream(folder.path() / "ca.pem") << "garbage";
  EXPECT_THAT(mistake(folder.path()), HasSubstr("ca.pem is missing or not in PEM form"));
  // An authority that has nothing to do with it: any certificate that signs itself.
  ASSERT_EQ(testing::Run({.words = {"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                    "ec_paramgen_curve:P-256", "-noenc", "-subj", "/CN=another", "-keyout",
                                    folder.path() / "other.key", "-out", folder.path() / "ca.pem"}})
                .exit_code,
            0);
  EXPECT_THAT(mistake(folder.path()), HasSubstr("certificate.pem is not signed by an authority in"));
}

// A service on a database of the test's own, beside the suite whose addresses it uses.
class DatabaseTest : public ::testing::Test {
 protected:
  DatabaseTest() { EXPECT_EQ(suite_.Stop(kService), 0); }

  void Start() {
    process_.emplace(With(suite_.CommandOf(kService), database_), folder_.path() / "log", folder_.path() / "log");
    health_.emplace(suite_, kService);
  }
  testing::Outcome Migrate(const std::vector<std::string>& flags = {}) {
    testing::Command command = With(suite_.MigrateCommandOf(kService), database_);
    command.words.insert(command.words.end(), flags.begin(), flags.end());
    return testing::Run(command);
  }
  void Run(db::SchemaBody body) {
    db::Options options;
    options.url = url_;
    const auto opened = db::Open(options);
    ASSERT_THAT(opened, IsOk());
    ASSERT_THAT((*opened)->WriteSchema(body), IsOk());
  }
  void AwaitHealth(HealthCheckResponse::ServingStatus wanted) {
    HealthCheckResponse::ServingStatus next = health_->Next();
    while (next != wanted && next != HealthCheckResponse::UNKNOWN) {
      next = health_->Next();
    }
    EXPECT_EQ(next, wanted);
  }
  absl::StatusOr<admin::v1::Status> Status() {
    return suite_.CallOn(kService, "operator", &admin::v1::Admin::Stub::GetStatus, {});
  }
  // Without trying again.
  grpc::Status CallOnce() {
    admin::v1::ListJobsResponse jobs;
    return admin::v1::Admin::NewStub(suite_.channel(kService))->ListJobs(Suite::As("operator").get(), {}, &jobs);
  }
  std::string Log() const { return testing::ReadFile(folder_.path() / "log"); }
  void Stop() {
    process_->Signal(SIGTERM);
    EXPECT_EQ(process_->Await(absl::Seconds(30)), 0);
  }

  static constexpr Service kService = Service::kAuthoring;
  Suite suite_;
  testing::MariaDb& mariadb_ = testing::MariaDb::Get();
  const std::string url_ = mariadb_.UrlOf(mariadb_.NewDatabase());
  const std::string database_ = "--database=" + url_;
  const testing::TemporaryFolder folder_;
  std::optional<testing::Process> process_;
  std::optional<HealthWatch> health_;
};

// As it is when a newer program is installed and nobody has migrated: everything is there but for the last step.
TEST_F(DatabaseTest, OldSchemaIsNamedAndMigratedWhileTheServiceWaits) {
  ASSERT_EQ(Migrate({"--new"}).exit_code, 0);
  Run([](db::SchemaTransaction& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.ExecuteScript("DROP TABLE leases"));
    return tx.Execute("DELETE FROM schema_history WHERE component = 'service' AND name = 'leases'").status();
  });
  Start();
  EXPECT_EQ(health_->Next(), HealthCheckResponse::NOT_SERVING);
  EXPECT_TRUE(suite_.Until("it has looked at its database",
                           [&] { return CallOnce().error_message() != "the server is starting"; }));
  EXPECT_THAT(CallOnce(), AllOf(StatusIs(absl::StatusCode::kUnavailable), MessageIs(HasSubstr("service 0001_leases")),
                                MessageIs(HasSubstr(fmt::format("run \"{} migrate\"", NameOf(kService))))));

  const testing::Outcome tried = Migrate({"--dry_run"});
  EXPECT_EQ(tried.exit_code, 0) << tried.errors;
  EXPECT_EQ(tried.output, "would apply 0001_leases\n");
  EXPECT_THAT(CallOnce(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Log(), Not(HasSubstr("\"loop started\""))) << "nothing runs on a schema that is not right";
  const testing::Outcome migrated = Migrate();
  EXPECT_EQ(migrated.exit_code, 0) << migrated.errors;
  EXPECT_EQ(migrated.output, "applied 0001_leases\n");
  EXPECT_EQ(Migrate().output, "nothing to do\n");

  AwaitHealth(HealthCheckResponse::SERVING);
  const auto served = Status();
  ASSERT_THAT(served, IsOk());
  EXPECT_EQ(served->database_engine(), "mysql");
  EXPECT_EQ(served->schema_problem(), "");
  EXPECT_THAT(Log(), HasSubstr("\"not serving\""));
  Stop();
}

TEST_F(DatabaseTest, AServiceMayStartBeforeItsDatabase) {
  mariadb_.Kill();
  Start();
  EXPECT_EQ(health_->Next(), HealthCheckResponse::NOT_SERVING);
  EXPECT_THAT(CallOnce(), AllOf(StatusIs(absl::StatusCode::kUnavailable), testing::HasReason("NOT_SERVING")));
  mariadb_.Start();
  EXPECT_TRUE(suite_.Until("the service says that nobody has begun it", [&] {
    return std::string_view(CallOnce().error_message()).find("migrate --new") != std::string_view::npos;
  }));
  const testing::Outcome missed = Migrate();
  EXPECT_EQ(missed.exit_code, 1) << "somebody may have lost it";
  EXPECT_THAT(missed.errors, HasSubstr("the database is empty"));
  EXPECT_THAT(Migrate({"--new", "--deployment=elsewhere"}).output, HasSubstr("in the deployment elsewhere"));
  EXPECT_TRUE(suite_.Until("the service says whose it is", [&] {
    return std::string_view(CallOnce().error_message()).find("in the deployment elsewhere") != std::string_view::npos;
  }));
  Run([](db::SchemaTransaction& tx) { return tx.Execute("UPDATE owner SET deployment = 'local'").status(); });
  AwaitHealth(HealthCheckResponse::SERVING);
  EXPECT_THAT(Status(), IsOk());

  // And when it goes away without a call to notice: health says so, and says when it is back.
  mariadb_.Kill();
  AwaitHealth(HealthCheckResponse::NOT_SERVING);
  mariadb_.Start();
  AwaitHealth(HealthCheckResponse::SERVING);
  Stop();
}

TEST(LoopsTest, AdminShowsWhatRunsAndWhoRunsIt) {
  Suite suite;
  const auto loops_of = [&](Service service) {
    std::map<std::string, admin::v1::LoopStatus> loops;
    const auto status = suite.CallOn(service, "operator", &admin::v1::Admin::Stub::GetStatus, {});
    EXPECT_THAT(status, IsOk());
    for (const admin::v1::LoopStatus& loop : status->loops()) {
      EXPECT_TRUE(loop.running_here()) << loop.name();
      loops[loop.name()] = loop;
    }
    return loops;
  };
  const auto names_of = [&](Service service) {
    std::vector<std::string> names;
    for (const auto& [name, loop] : loops_of(service)) {
      names.push_back(name);
    }
    return names;
  };
  EXPECT_THAT(names_of(Service::kRegistry), ElementsAre("catalogue", "jobs", "prune"));
  EXPECT_THAT(names_of(Service::kAuthoring),
              ElementsAre("follow inspection-registry", "follow publication", "jobs", "prune"));
  EXPECT_THAT(names_of(Service::kDeadlines),
              ElementsAre("follow inspection-registry", "follow publication", "jobs", "prune"));
  EXPECT_THAT(names_of(Service::kPublication),
              ElementsAre("follow inspection-registry", "follow response-authoring", "jobs", "prune", "web"));
  auto loops = loops_of(Service::kPublication);
  EXPECT_EQ(loops["prune"].holder(), suite.address(Service::kPublication));
  EXPECT_TRUE(loops["prune"].has_expire_time());
  EXPECT_EQ(loops["web"].holder(), "") << "every replica runs it";
  EXPECT_FALSE(loops["web"].has_expire_time());
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
  EXPECT_TRUE(suite.Until("the answer is let go", [&] { return absl::IsAlreadyExists(create().status()); }));
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
    EXPECT_THAT(result->body, HasSubstr("section55_jobs_parked 0"));
    EXPECT_THAT(result->body, HasSubstr("section55_certificate_days_left 8"));  // of 825
    EXPECT_EQ(result->body.find("section55_parked_events{") != std::string::npos, service != Service::kRegistry);
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
  // The audit stands apart, and holds who approved, but not who read.
  const std::string audit = testing::ReadFile(suite.AuditFile(Service::kAuthoring));
  EXPECT_THAT(audit,
              AllOf(HasSubstr("ResponseAuthoring/ApproveResponse"), HasSubstr("\"actor\":\"people/norfolk-approver\""),
                    HasSubstr(name), Not(HasSubstr("GetResponse")), Not(HasSubstr(kMark))));
}

}  // namespace
}  // namespace section55::e2e
