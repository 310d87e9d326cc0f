#include "libs/rpc/server.h"

#include <gmock/gmock.h>
#include <grpc/grpc.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "libs/base/audit.h"
#include "libs/base/log.h"
#include "libs/base/status.h"
#include "tests/unit/rpc/server_fixture.h"

namespace section55::rpc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

TEST_F(ServerTest, ABodyKnowsItsCall) {
  Start();
  authoring_->body = [&](Call& call) {
    EXPECT_EQ(call.caller.actor, "people/ann");
    EXPECT_EQ(call.scope.Of("bodies/norfolk-pcc", "forces/norfolk"), access::Scope::View::kBody);
    EXPECT_EQ(call.method, "section55.authoring.v1.ResponseAuthoring/GetResponse");
    EXPECT_EQ(call.now, absl::FromUnixSeconds(1'000));
    EXPECT_EQ(call.request_id, "my-request.1");
    EXPECT_FALSE(call.cancelled());
    return absl::OkStatus();
  };
  auto context = Author();
  context->AddMetadata("x-request-id", "my-request.1");
  EXPECT_THAT(Get(std::move(context)), IsOk());
  EXPECT_EQ(RequestId(), "my-request.1");
  EXPECT_EQ(authoring_->runs, 1);
}

// It waits up to 10 seconds for connections on their way out when it goes, and a process must have ended by then.
TEST_F(ServerTest, TheLibraryOutlivesServers) {
  Start();
  EXPECT_THAT(Get(Author()), IsOk());
  server_.reset();
  EXPECT_NE(grpc_is_initialized(), 0);
}

TEST_F(ServerTest, RequestIdsAreMadeOrReplaced) {
  Start();
  const std::regex uuid("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
  EXPECT_THAT(Get(Author()), IsOk());
  EXPECT_TRUE(std::regex_match(RequestId(), uuid));
  for (const std::string& id : {std::string("a b"), std::string("a\"b"), std::string(129, 'a'), std::string()}) {
    auto context = Author();
    context->AddMetadata("x-request-id", id);
    EXPECT_THAT(Get(std::move(context)), IsOk());
    EXPECT_TRUE(std::regex_match(RequestId(), uuid)) << id;
  }
  auto context = Author();
  context->AddMetadata("x-request-id", std::string(128, 'a'));
  EXPECT_THAT(Get(std::move(context)), IsOk());
  EXPECT_EQ(RequestId(), std::string(128, 'a'));
}

TEST_F(ServerTest, WhoSaysNotWhoTheyAreIsRefused) {
  Start();
  EXPECT_THAT(Get(TestServer::AsNobody()),
              AllOf(StatusIs(absl::StatusCode::kUnauthenticated), MessageIs(HasSubstr("authorization: Bearer"))));
  EXPECT_FALSE(RequestId().empty());
  for (const char* header : {"", "Bearer", "Bearer ", "Basic YTpi", "Bearer nonsense", "Token x"}) {
    auto context = TestServer::AsNobody();
    context->AddMetadata("authorization", header);
    EXPECT_THAT(Get(std::move(context)), StatusIs(absl::StatusCode::kUnauthenticated)) << header;
  }
  auto twice = Author();
  twice->AddMetadata("authorization", "Bearer " + server_->issuer().Token("bob", {"auditor"}));
  EXPECT_THAT(Get(std::move(twice)), StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_EQ(authoring_->runs, 0);
}

TEST_F(ServerTest, TheSchemeIsReadInAnyCase) {
  Start();
  auto context = TestServer::AsNobody();
  context->AddMetadata("authorization", "bEARER " + server_->issuer().Token("ann", {"auditor"}));
  EXPECT_THAT(Get(std::move(context)), IsOk());
}

TEST_F(ServerTest, AuthorisationComesBeforeTheBody) {
  Start();
  EXPECT_THAT(Get(Author(), "bodies/suffolk-pcc/responses/x"),
              AllOf(StatusIs(absl::StatusCode::kPermissionDenied), HasReason("PERMISSION_DENIED")));
  EXPECT_THAT(Get(server_->As("bob", {})), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Get(TestServer::AsService("publication")), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Get(Author(), "nonsense"), ViolationOn("name"));
  EXPECT_EQ(authoring_->runs, 0);
}

TEST_F(ServerTest, ATokenMakesAServicesCallAPersons) {
  Start();
  auto context = Author();
  context->AddMetadata("x-test-service", "publication");
  authoring_->body = [](Call& call) {
    EXPECT_EQ(call.caller.actor, "people/ann");
    return absl::OkStatus();
  };
  EXPECT_THAT(Get(std::move(context)), IsOk());
}

TEST_F(ServerTest, FaultsGoOutAsOneSentenceWithAnErrorId) {
  Start();
  const std::vector<std::function<absl::Status(Call&)>> faults = {
      [](Call&) { return absl::InternalError("secret"); },
      [](Call&) { return absl::UnknownError("secret"); },
      [](Call&) { return absl::DataLossError("secret"); },
      [](Call&) -> absl::Status { throw std::runtime_error("secret"); },
      [](Call&) -> absl::Status { throw 7; },
  };
  for (const auto& fault : faults) {
    authoring_->body = fault;
    const grpc::Status status = Get(Author());
    // Only that stored bytes are damaged is said, because no repetition will mend it.
    EXPECT_THAT(status, StatusIs(&fault == &faults[2] ? absl::StatusCode::kDataLoss : absl::StatusCode::kInternal));
    EXPECT_THAT(status.error_message(),
                MatchesRegex("something went wrong on our side; tell your operator the error id [0-9a-f-]{36}"));
    const auto info = base::ErrorInfoOf(FromGrpc(status));
    EXPECT_THAT(status.error_message(), HasSubstr(info.metadata().at("error_id")));
    EXPECT_EQ(status.error_details().find("secret"), std::string::npos);
  }
}

TEST_F(ServerTest, OtherErrorsGoOutAsTheyAre) {
  Start();
  authoring_->body = [](Call&) { return base::NotFound(kResponse); };
  EXPECT_THAT(Get(Author()), AllOf(StatusIs(absl::StatusCode::kNotFound), HasReason("NOT_FOUND")));
}

TEST_F(ServerTest, ACallWithoutADeadlineGetsOne) {
  ServerOptions options = TestServer::InProcess();
  options.default_deadline = absl::Milliseconds(20);
  Start(options);
  authoring_->body = [](Call& call) {
    EXPECT_FALSE(call.cancelled());
    while (!call.cancelled()) {
      std::this_thread::yield();
    }
    return absl::OkStatus();
  };
  EXPECT_THAT(Get(Author()), IsOk());
}

TEST_F(ServerTest, AStreamThatWaitsGetsNoDeadline) {
  ServerOptions options = TestServer::InProcess();
  options.default_deadline = absl::ZeroDuration();
  Start(options);
  feed_->body = [](Call& call) {
    EXPECT_FALSE(call.cancelled());
    return absl::OkStatus();
  };
  const auto context = TestServer::AsService("publication");
  const auto stub = EventFeed::NewStub(server_->channel());
  const auto reader = stub->Follow(context.get(), common::v1::FollowRequest());
  common::v1::FollowResponse response;
  EXPECT_TRUE(reader->Read(&response));
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_THAT(reader->Finish(), IsOk());
  // The same server refuses a call that cannot finish, before it does anything.
  EXPECT_THAT(Get(Author()), AllOf(StatusIs(absl::StatusCode::kDeadlineExceeded), HasReason("DEADLINE_EXCEEDED")));
  EXPECT_EQ(authoring_->runs, 0);
}

TEST_F(ServerTest, AStreamThatEndsGetsADeadline) {
  ServerOptions options = TestServer::InProcess();
  options.default_deadline = absl::Milliseconds(20);
  Start(options);
  feed_->waits = false;
  feed_->body = [](Call& call) {
    EXPECT_NE(call.deadline, absl::InfiniteFuture());
    while (!call.cancelled()) {
      std::this_thread::yield();
    }
    return absl::DeadlineExceededError("in vain");
  };
  const auto context = TestServer::AsService("publication");
  const auto stub = EventFeed::NewStub(server_->channel());
  const auto reader = stub->Follow(context.get(), common::v1::FollowRequest());
  common::v1::FollowResponse response;
  EXPECT_TRUE(reader->Read(&response));
  EXPECT_FALSE(reader->Read(&response));
  // Ended by its handler, or cancelled in the same moment because it took too long.
  EXPECT_FALSE(reader->Finish().ok());
}

TEST_F(ServerTest, InsidesAreLoggedAndNeverSent) {
  Start();
  ::testing::internal::CaptureStderr();
  base::StartLog("response-authoring");
  authoring_->body = [](Call&) {
    absl::Status status = base::Error(absl::StatusCode::kUnavailable, "DATABASE_UNAVAILABLE", "try again");
    status.SetPayload("section55.local/insides", absl::Cord("root@10.0.0.7: column secret_name"));
    return status;
  };
  const grpc::Status status = Get(Author());
  base::StopLog();
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("column secret_name"));
  EXPECT_THAT(status, AllOf(StatusIs(absl::StatusCode::kUnavailable), HasReason("DATABASE_UNAVAILABLE")));
  EXPECT_EQ((status.error_message() + status.error_details()).find("secret"), std::string::npos);
}

TEST_F(ServerTest, ACallerGoneIsCancelled) {
  Start();
  absl::Notification running;
  feed_->body = [&](Call& call) {
    running.Notify();
    while (!call.cancelled()) {
      std::this_thread::yield();
    }
    return absl::CancelledError("gone");
  };
  const auto context = TestServer::AsService("publication");
  const auto stub = EventFeed::NewStub(server_->channel());
  const auto reader = stub->Follow(context.get(), common::v1::FollowRequest());
  common::v1::FollowResponse response;
  EXPECT_TRUE(reader->Read(&response));  // in process, a message is written when it is read
  running.WaitForNotification();
  context->TryCancel();
  EXPECT_THAT(reader->Finish(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(ServerTest, NotServingSaysWhy) {
  Start();
  EXPECT_EQ(Health(kAuthoring), grpc::health::v1::HealthCheckResponse::SERVING);
  EXPECT_EQ(Health(""), grpc::health::v1::HealthCheckResponse::SERVING);
  server_->server().SetServing(absl::FailedPreconditionError("run: response-authoring migrate"));
  EXPECT_EQ(Health(kAuthoring), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Health(""), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  EXPECT_THAT(Get(Author()),
              AllOf(StatusIs(absl::StatusCode::kUnavailable), MessageIs(HasSubstr("run: response-authoring migrate"))));
  EXPECT_EQ(authoring_->runs, 0);
  server_->server().SetServing(absl::OkStatus());
  EXPECT_THAT(Get(Author()), IsOk());
}

TEST_F(ServerTest, NobodyIsServedBeforeSetServing) {
  base::DrivenClock clock(absl::FromUnixSeconds(1));
  Server server(TestServer::InProcess(), clock, nullptr);
  Authoring service(server);
  server.Register(kAuthoring, service);
  ASSERT_THAT(server.Start(), IsOk());
  auto context = TestServer::AsService("publication");
  Response response;
  EXPECT_THAT(ResponseAuthoring::NewStub(server.InProcessChannel())
                  ->GetResponse(context.get(), GetResponseRequest(), &response),
              AllOf(StatusIs(absl::StatusCode::kUnavailable), MessageIs(HasSubstr("starting"))));
  server.Drain(absl::ZeroDuration());
}

TEST_F(ServerTest, ABrokenServiceDoesNotStart) {
  base::DrivenClock clock(absl::FromUnixSeconds(1));
  Server server(TestServer::InProcess(), clock, nullptr);
  Authoring service(server);
  server.Register("section55.authoring.v1.Mistyped", service);
  EXPECT_THAT(server.Start(), MessageIs(HasSubstr("section55.authoring.v1.Mistyped is in no proto")));
}

TEST_F(ServerTest, EveryCallLeavesOneLineOfJson) {
  Start();
  ::testing::internal::CaptureStderr();
  base::StartLog("response-authoring");
  auto context = Author();
  context->AddMetadata("x-request-id", "one");
  EXPECT_THAT(Get(std::move(context)), IsOk());
  EXPECT_FALSE(Get(TestServer::AsNobody()).ok());
  EXPECT_FALSE(Get(Author(), "bodies/suffolk-pcc/responses/x").ok());
  authoring_->body = [](Call&) { return absl::InternalError("the \"cause\"\n\xff"); };
  const grpc::Status fault = Get(Author());
  base::StopLog();
  std::istringstream lines(::testing::internal::GetCapturedStderr());
  std::vector<nlohmann::json> calls;
  nlohmann::json error;
  nlohmann::json refused;
  for (std::string line; std::getline(lines, line);) {
    const auto parsed = nlohmann::json::parse(line, nullptr, false);
    ASSERT_FALSE(parsed.is_discarded()) << line;
    if (parsed["message"] == "call") {
      calls.push_back(parsed);
    } else if (parsed["message"] == "caller refused") {
      refused = parsed;
    } else {
      error = parsed;
    }
  }
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[0]["request_id"], "one");
  EXPECT_EQ(calls[0]["service"], "response-authoring");
  EXPECT_EQ(calls[0]["severity"], "INFO");
  EXPECT_EQ(calls[0]["method"], "section55.authoring.v1.ResponseAuthoring/GetResponse");
  EXPECT_EQ(calls[0]["actor"], "people/ann");
  EXPECT_EQ(calls[0]["tenant"], "bodies/norfolk-pcc");
  EXPECT_EQ(calls[0]["code"], "OK");
  EXPECT_TRUE(calls[0]["micros"].is_number_integer());
  EXPECT_EQ(calls[1]["actor"], "people/ann");
  EXPECT_EQ(calls[1]["tenant"], "bodies/suffolk-pcc");
  EXPECT_EQ(calls[1]["code"], "PERMISSION_DENIED");
  EXPECT_EQ(calls[2]["code"], "INTERNAL");
  EXPECT_EQ(refused["severity"], "WARNING");
  EXPECT_EQ(refused["code"], "UNAUTHENTICATED");
  EXPECT_EQ(refused["method"], "section55.authoring.v1.ResponseAuthoring/GetResponse");
  EXPECT_EQ(error["severity"], "ERROR");
  EXPECT_EQ(error["error_id"], base::ErrorInfoOf(FromGrpc(fault)).metadata().at("error_id"));
  EXPECT_EQ(error["request_id"], calls[2]["request_id"]);
  EXPECT_THAT(error["error"].get<std::string>(), HasSubstr("the \"cause\""));
}

// The lines of a text that bear this message.
std::vector<nlohmann::json> LinesOf(const std::string& text, std::string_view message) {
  std::istringstream lines(text);
  std::vector<nlohmann::json> found;
  for (std::string line; std::getline(lines, line);) {
    if (const auto parsed = nlohmann::json::parse(line, nullptr, false); parsed["message"] == message) {
      found.push_back(parsed);
    }
  }
  return found;
}

TEST_F(ServerTest, ARefusedTokenLeavesItsReasonAndWhereItCameFrom) {
  Start();
  ::testing::internal::CaptureStderr();
  base::StartLog("response-authoring");
  const auto with_token = [](const std::string& token) {
    auto context = TestServer::AsNobody();
    context->AddMetadata("authorization", "Bearer " + token);
    return context;
  };
  EXPECT_FALSE(Get(with_token("a-secret.that-no.log-holds")).ok());
  constexpr int kMany = 200;
  for (int i = 0; i < kMany; ++i) {
    EXPECT_FALSE(Get(with_token("x")).ok());
  }
  base::StopLog();
  const std::string text = ::testing::internal::GetCapturedStderr();
  const std::vector<nlohmann::json> refused = LinesOf(text, "caller refused");
  ASSERT_FALSE(refused.empty());
  EXPECT_EQ(refused[0]["error"], "the bearer token is malformed");
  EXPECT_NE(refused[0]["peer"], "");
  EXPECT_LT(refused.size(), kMany) << "nobody fills a disk with them";
  EXPECT_TRUE(LinesOf(text, "call").empty());
  EXPECT_THAT(text, Not(HasSubstr("a-secret")));
}

TEST_F(ServerTest, TheAuditHoldsWhatChangesAndWhatIsForbidden) {
  Start();
  std::string folder = std::filesystem::temp_directory_path() / "section55-audit-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string file = folder + "/audit.jsonl";
  ASSERT_THAT(base::StartAudit("response-authoring", file), IsOk());
  EXPECT_THAT(Get(Author()), IsOk());
  EXPECT_FALSE(Get(TestServer::AsNobody()).ok());
  EXPECT_FALSE(Get(Author(), "bodies/suffolk-pcc/responses/x").ok());
  auto context = Author();
  context->AddMetadata("x-request-id", "two");
  authoring::v1::SubmitResponseRequest submit;
  submit.set_name(kResponse);
  Response response;
  EXPECT_THAT(ResponseAuthoring::NewStub(server_->channel())->SubmitResponse(context.get(), submit, &response), IsOk());
  base::StopAudit();
  struct stat facts = {};
  ASSERT_EQ(stat(file.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  std::ifstream lines(file);
  std::vector<nlohmann::json> entries;
  for (std::string line; std::getline(lines, line);) {
    entries.push_back(nlohmann::json::parse(line, nullptr, false));
  }
  std::filesystem::remove_all(folder);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0]["code"], "PERMISSION_DENIED");
  EXPECT_EQ(entries[0]["resource"], "bodies/suffolk-pcc/responses/x");
  EXPECT_EQ(entries[1]["request_id"], "two");
  EXPECT_EQ(entries[1]["actor"], "people/ann");
  EXPECT_EQ(entries[1]["method"], "section55.authoring.v1.ResponseAuthoring/SubmitResponse");
  EXPECT_EQ(entries[1]["resource"], kResponse);
  EXPECT_EQ(entries[1]["tenant"], "bodies/norfolk-pcc");
  EXPECT_EQ(entries[1]["code"], "OK");
  EXPECT_NE(entries[1]["peer"], "");
}

}  // namespace
}  // namespace section55::rpc
