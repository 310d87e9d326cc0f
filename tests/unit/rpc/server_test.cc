#include "libs/rpc/server.h"

#include <gmock/gmock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "libs/base/log.h"
#include "libs/base/status.h"
#include "libs/testing/matchers.h"
#include "libs/testing/server.h"
#include "section55/authoring/v1/response_authoring.grpc.pb.h"
#include "section55/common/v1/event_feed.grpc.pb.h"

namespace section55::rpc {
namespace {

using authoring::v1::GetResponseRequest;
using authoring::v1::Response;
using authoring::v1::ResponseAuthoring;
using common::v1::EventFeed;
using section55::testing::HasReason;
using section55::testing::IsOk;
using section55::testing::MessageIs;
using section55::testing::StatusIs;
using section55::testing::TestServer;
using section55::testing::ViolationOn;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr char kAuthoring[] = "section55.authoring.v1.ResponseAuthoring";
constexpr char kFeed[] = "section55.common.v1.EventFeed";
constexpr char kResponse[] = "bodies/norfolk-pcc/responses/safe-to-share";

// Runs whatever body the test sets, and counts how often.
class Authoring : public ResponseAuthoring::Service {
 public:
  explicit Authoring(Server& server) : server_(server) {}

  grpc::Status GetResponse(grpc::ServerContext* context, const GetResponseRequest* request, Response*) override {
    return server_.Serve(context, *request, [&](Call& call) {
      ++runs;
      return body(call);
    });
  }

  std::function<absl::Status(Call&)> body = [](Call&) { return absl::OkStatus(); };
  std::atomic<int> runs = 0;

 private:
  Server& server_;
};

class Feed : public EventFeed::Service {
 public:
  explicit Feed(Server& server) : server_(server) {}

  grpc::Status Follow(grpc::ServerContext* context, const common::v1::FollowRequest* request,
                      grpc::ServerWriter<common::v1::FollowResponse>* writer) override {
    return server_.Serve(context, *request, [&](Call& call) {
      writer->Write(common::v1::FollowResponse());
      return body(call);
    });
  }

  std::function<absl::Status(Call&)> body = [](Call&) { return absl::OkStatus(); };

 private:
  Server& server_;
};

class ServerTest : public ::testing::Test {
 protected:
  void Start(ServerOptions options = TestServer::InProcess()) {
    server_ = std::make_unique<TestServer>(absl::FromUnixSeconds(1'000), options);
    authoring_ = &server_->Add<Authoring>(kAuthoring);
    feed_ = &server_->Add<Feed>(kFeed);
    server_->Start();
  }
  std::unique_ptr<grpc::ClientContext> Author() { return server_->As("ann", {"author@bodies/norfolk-pcc"}); }
  grpc::Status Get(std::unique_ptr<grpc::ClientContext> context, const std::string& name = kResponse) {
    GetResponseRequest request;
    request.set_name(name);
    Response response;
    context_ = std::move(context);
    return ResponseAuthoring::NewStub(server_->channel())->GetResponse(context_.get(), request, &response);
  }
  std::string RequestId() {
    const auto& metadata = context_->GetServerInitialMetadata();
    EXPECT_EQ(metadata.count("x-request-id"), 1u);
    const auto found = metadata.find("x-request-id");
    return found == metadata.end() ? "" : std::string(found->second.data(), found->second.size());
  }
  grpc::health::v1::HealthCheckResponse::ServingStatus Health(const std::string& name) {
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(name);
    grpc::health::v1::HealthCheckResponse response;
    EXPECT_THAT(grpc::health::v1::Health::NewStub(server_->channel())->Check(&context, request, &response), IsOk());
    return response.status();
  }

  std::unique_ptr<TestServer> server_;
  Authoring* authoring_ = nullptr;
  Feed* feed_ = nullptr;
  std::unique_ptr<grpc::ClientContext> context_;
};

TEST_F(ServerTest, ABodyKnowsItsCall) {
  Start();
  authoring_->body = [&](Call& call) {
    EXPECT_EQ(call.caller.actor, "people/ann");
    EXPECT_TRUE(call.scope.as_body);
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
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal));
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

TEST_F(ServerTest, AStreamGetsNoDeadline) {
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

TEST_F(ServerTest, AGreedyCallerIsSlowedDown) {
  ServerOptions options = TestServer::InProcess();
  options.calls_per_second_per_caller = 0.001;
  Start(options);
  EXPECT_THAT(Get(Author()), IsOk());
  EXPECT_THAT(Get(Author()), AllOf(StatusIs(absl::StatusCode::kResourceExhausted), HasReason("RATE_LIMITED")));
  EXPECT_THAT(Get(server_->As("bob", {"auditor"})), IsOk());
  EXPECT_EQ(authoring_->runs, 2);
  // Who may not call at all is told that, however often.
  EXPECT_THAT(Get(Author(), "bodies/suffolk-pcc/responses/x"), StatusIs(absl::StatusCode::kPermissionDenied));
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

TEST_F(ServerTest, MoreCallsThanAllowedAreRefusedAtOnceAndHealthAnswers) {
  ServerOptions options = TestServer::InProcess();
  options.max_concurrent_calls = 2;
  Start(options);
  absl::Notification finish;
  absl::BlockingCounter running(2);
  feed_->body = [&](Call&) {
    running.DecrementCount();
    finish.WaitForNotification();
    return absl::OkStatus();
  };
  const auto stub = EventFeed::NewStub(server_->channel());
  const auto first = TestServer::AsService("publication");
  const auto second = TestServer::AsService("publication");
  const auto one = stub->Follow(first.get(), common::v1::FollowRequest());
  const auto two = stub->Follow(second.get(), common::v1::FollowRequest());
  common::v1::FollowResponse response;
  EXPECT_TRUE(one->Read(&response));
  EXPECT_TRUE(two->Read(&response));
  running.Wait();
  EXPECT_THAT(Get(Author()), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(Health(kFeed), grpc::health::v1::HealthCheckResponse::SERVING);
  finish.Notify();
  EXPECT_THAT(one->Finish(), IsOk());
  EXPECT_THAT(two->Finish(), IsOk());
}

TEST_F(ServerTest, ThreadsAreKeptForTheNextCalls) {
  Start();
  constexpr int kCalls = 16;
  // The threads that handle so many calls at once.
  const auto handle_calls = [&] {
    absl::Mutex mutex;
    std::set<pid_t> threads;
    absl::Barrier all(kCalls);
    authoring_->body = [&](Call&) {
      {
        absl::MutexLock lock(&mutex);
        threads.insert(static_cast<pid_t>(syscall(SYS_gettid)));
      }
      all.Block();
      return absl::OkStatus();
    };
    std::vector<std::thread> callers;
    for (int i = 0; i < kCalls; ++i) {
      callers.emplace_back([&] {
        GetResponseRequest request;
        request.set_name(kResponse);
        Response response;
        EXPECT_THAT(ResponseAuthoring::NewStub(server_->channel())->GetResponse(Author().get(), request, &response),
                    IsOk());
      });
    }
    for (std::thread& caller : callers) {
      caller.join();
    }
    return threads;
  };
  const std::set<pid_t> first = handle_calls();
  EXPECT_EQ(first.size(), kCalls);
  std::set<pid_t> fresh = handle_calls();
  for (const pid_t thread : first) {
    fresh.erase(thread);
  }
  // One thread more than there are calls waits for the next, on each queue.
  EXPECT_LE(fresh.size(), 8u);
}

TEST_F(ServerTest, ABrokenServiceDoesNotStart) {
  base::DrivenClock clock(absl::FromUnixSeconds(1));
  Server server(TestServer::InProcess(), clock, nullptr);
  Authoring service(server);
  server.Register("section55.authoring.v1.Mistyped", service);
  EXPECT_THAT(server.Start(), MessageIs(HasSubstr("section55.authoring.v1.Mistyped is in no proto")));
}

TEST_F(ServerTest, EveryCallLeavesOneAuditLineOfJson) {
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
  for (std::string line; std::getline(lines, line);) {
    const auto parsed = nlohmann::json::parse(line, nullptr, false);
    ASSERT_FALSE(parsed.is_discarded()) << line;
    if (parsed["message"] == "call") {
      calls.push_back(parsed);
    } else {
      error = parsed;
    }
  }
  ASSERT_EQ(calls.size(), 4u);
  EXPECT_EQ(calls[0]["request_id"], "one");
  EXPECT_EQ(calls[0]["service"], "response-authoring");
  EXPECT_EQ(calls[0]["severity"], "INFO");
  EXPECT_EQ(calls[0]["method"], "section55.authoring.v1.ResponseAuthoring/GetResponse");
  EXPECT_EQ(calls[0]["actor"], "people/ann");
  EXPECT_EQ(calls[0]["tenant"], "bodies/norfolk-pcc");
  EXPECT_EQ(calls[0]["code"], "OK");
  EXPECT_TRUE(calls[0]["micros"].is_number_integer());
  EXPECT_EQ(calls[1]["actor"], "");
  EXPECT_EQ(calls[1]["code"], "UNAUTHENTICATED");
  EXPECT_EQ(calls[2]["actor"], "people/ann");
  EXPECT_EQ(calls[2]["tenant"], "bodies/suffolk-pcc");
  EXPECT_EQ(calls[2]["code"], "PERMISSION_DENIED");
  EXPECT_EQ(calls[3]["code"], "INTERNAL");
  EXPECT_EQ(error["severity"], "ERROR");
  EXPECT_EQ(error["error_id"], base::ErrorInfoOf(FromGrpc(fault)).metadata().at("error_id"));
  EXPECT_EQ(error["request_id"], calls[3]["request_id"]);
  EXPECT_THAT(error["error"].get<std::string>(), HasSubstr("the \"cause\""));
}

}  // namespace
}  // namespace section55::rpc
