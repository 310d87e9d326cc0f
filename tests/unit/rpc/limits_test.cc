// What a server refuses, and what it does not let callers hold.
#include "libs/base/limits.h"

#include <gmock/gmock.h>
#include <prometheus/text_serializer.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <map>
#include <set>
#include <thread>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "libs/base/status.h"
#include "libs/rpc/metrics.h"
#include "tests/unit/rpc/server_fixture.h"

namespace section55::rpc {
namespace {

using ::testing::AllOf;

TEST_F(ServerTest, AStreamThatNobodyReadsEnds) {
  ServerOptions options = TestServer::InProcess();
  options.longest_send = absl::Milliseconds(20);
  options.max_streams_per_caller = 1;
  Start(options);
  const auto stub = EventFeed::NewStub(server_->channel());
  const auto deaf = server_->As("deaf", {"auditor"});
  std::atomic<int> streams = 0;
  absl::Notification let_in;
  feed_->before_write = [&] {
    if (++streams == 1) {
      let_in.Notify();
    }
  };
  const auto unread =
      stub->Follow(deaf.get(), common::v1::FollowRequest());  // in process, a message leaves when it is read
  let_in.WaitForNotification();
  // Its room is free again when its handler has given up; the test's own time limit ends a wait in vain. Whether the next one is read in
  // time is the machine's affair: it is enough that it was let in.
  while (streams == 1) {
    const auto context = server_->As("deaf", {"auditor"});
    const auto reader = stub->Follow(context.get(), common::v1::FollowRequest());
    common::v1::FollowResponse response;
    reader->Read(&response);
    reader->Finish();
  }
  EXPECT_THAT(unread->Finish(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(ServerTest, AnAnswerThatNobodyTakesHoldsNoHandler) {
  ServerOptions options = TestServer::InProcess();
  options.longest_send = absl::Milliseconds(20);
  options.max_calls_per_caller = 1;
  Start(options);
  absl::Notification answered;
  authoring_->body = [&](Call&) {
    if (!answered.HasBeenNotified()) {
      answered.Notify();
    }
    return absl::OkStatus();
  };
  grpc::CompletionQueue queue;
  const auto context = Author();
  const auto unread = grpc::GenericStub(server_->channel())
                          .PrepareCall(context.get(), "/section55.authoring.v1.ResponseAuthoring/GetResponse", &queue);
  GetResponseRequest request;
  request.set_name(kResponse);
  unread->StartCall(this);
  AwaitNext(queue);
  unread->WriteLast(BytesOf(request.SerializeAsString()), grpc::WriteOptions(), this);
  AwaitNext(queue);
  answered.WaitForNotification();
  while (!Get(Author()).ok()) {
  }
  grpc::Status status;
  unread->Finish(&status, this);
  AwaitNext(queue);
}

TEST_F(ServerTest, NobodyHasMoreThanTheirShareOpen) {
  ServerOptions options = TestServer::InProcess();
  options.max_calls_per_caller = 1;
  options.max_streams_per_caller = 1;
  Start(options);
  absl::Notification running;
  absl::Notification finish;
  std::atomic<bool> first = true;
  authoring_->body = [&](Call&) {
    if (first.exchange(false)) {
      running.Notify();
      finish.WaitForNotification();
    }
    return absl::OkStatus();
  };
  const auto held_context = Author();
  std::thread held([&] {
    GetResponseRequest request;
    request.set_name(kResponse);
    Response response;
    EXPECT_THAT(ResponseAuthoring::NewStub(server_->channel())->GetResponse(held_context.get(), request, &response),
                IsOk());
  });
  running.WaitForNotification();
  EXPECT_THAT(Get(Author()), AllOf(StatusIs(absl::StatusCode::kResourceExhausted), HasReason("TOO_MANY_CALLS")));
  EXPECT_THAT(Get(server_->As("bob", {"auditor"})), IsOk()) << "somebody else has room";

  // Streams count by themselves, and a service may have four times as many.
  const auto stub = EventFeed::NewStub(server_->channel());
  feed_->body = [&](Call&) {
    finish.WaitForNotification();
    return absl::OkStatus();
  };
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<common::v1::FollowResponse>>> open;
  const auto follow = [&](std::unique_ptr<grpc::ClientContext> context) {
    contexts.push_back(std::move(context));
    open.push_back(stub->Follow(contexts.back().get(), common::v1::FollowRequest()));
    common::v1::FollowResponse response;
    return open.back()->Read(&response);
  };
  EXPECT_TRUE(follow(server_->As("ann", {"auditor"})));
  EXPECT_FALSE(follow(server_->As("ann", {"auditor"})));
  EXPECT_THAT(open.back()->Finish(),
              AllOf(StatusIs(absl::StatusCode::kResourceExhausted), HasReason("TOO_MANY_STREAMS")));
  open.pop_back();
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(follow(TestServer::AsService("publication")));
  }
  EXPECT_FALSE(follow(TestServer::AsService("publication")));
  EXPECT_THAT(open.back()->Finish(), HasReason("TOO_MANY_STREAMS"));
  open.pop_back();

  finish.Notify();
  held.join();
  for (const auto& stream : open) {
    EXPECT_THAT(stream->Finish(), IsOk());
  }
  // What has ended counts no more: its room is given back when the last byte has left, a moment after its caller has it.
  while (!Get(Author()).ok()) {
  }
}

TEST_F(ServerTest, OneTenantsPeopleLeaveRoomForTheOthers) {
  ServerOptions options = TestServer::InProcess();
  options.max_concurrent_calls = 8;
  options.max_calls_per_tenant = 3;
  Start(options);
  std::atomic<int> running = 0;
  absl::Notification crowded;
  absl::Notification finish;
  authoring_->body = [&](Call& call) {
    if (call.caller.actor != "people/bob") {
      if (++running == 3) {
        crowded.Notify();
      }
      finish.WaitForNotification();
    }
    return absl::OkStatus();
  };
  std::vector<std::thread> flood;
  for (const char* person : {"ann", "amy", "art"}) {
    flood.emplace_back([&, person] {
      const auto context = server_->As(person, {"author@bodies/norfolk-pcc"});
      GetResponseRequest request;
      request.set_name(kResponse);
      Response response;
      EXPECT_THAT(ResponseAuthoring::NewStub(server_->channel())->GetResponse(context.get(), request, &response),
                  IsOk());
    });
  }
  crowded.WaitForNotification();
  EXPECT_THAT(Get(server_->As("abe", {"author@bodies/norfolk-pcc"})),
              AllOf(StatusIs(absl::StatusCode::kResourceExhausted), HasReason("TOO_MANY_CALLS_OF_TENANT")));
  EXPECT_THAT(Get(server_->As("bob", {"author@bodies/suffolk-pcc"}), "bodies/suffolk-pcc/responses/safe-to-share"),
              IsOk());
  finish.Notify();
  for (std::thread& each : flood) {
    each.join();
  }
  while (!Get(Author()).ok()) {
  }
}

TEST_F(ServerTest, StreamsOfAllTogetherHaveALimit) {
  ServerOptions options = TestServer::InProcess();
  options.max_streams = 2;
  Start(options);
  absl::Notification finish;
  feed_->body = [&](Call&) {
    finish.WaitForNotification();
    return absl::OkStatus();
  };
  const auto stub = EventFeed::NewStub(server_->channel());
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<common::v1::FollowResponse>>> open;
  common::v1::FollowResponse response;
  for (const char* person : {"ann", "bob", "eve"}) {
    contexts.push_back(server_->As(person, {"auditor"}));
    open.push_back(stub->Follow(contexts.back().get(), common::v1::FollowRequest()));
    EXPECT_EQ(open.back()->Read(&response), open.size() <= 2) << person;
  }
  EXPECT_THAT(open.back()->Finish(), HasReason("OVERLOADED"));
  open.pop_back();
  finish.Notify();
  for (const auto& stream : open) {
    EXPECT_THAT(stream->Finish(), IsOk());
  }
}

TEST_F(ServerTest, NobodyHasMoreAnswersKeptThanTheirShare) {
  ServerOptions options = TestServer::InProcess();
  options.max_kept_bytes_per_caller = 1000;
  Start(options);
  size_t bytes = 600;
  authoring_->body = [&](Call& call) { return call.keep(bytes); };
  EXPECT_THAT(Get(Author()), IsOk());
  EXPECT_THAT(Get(Author()), AllOf(StatusIs(absl::StatusCode::kResourceExhausted), HasReason("TOO_MUCH_KEPT")));
  EXPECT_THAT(Get(server_->As("bob", {"author@bodies/norfolk-pcc"})), IsOk());
  bytes = 300;
  EXPECT_THAT(Get(Author()), IsOk());
}

TEST_F(ServerTest, WhatCannotBeReadIsTheCallersMistake) {
  Start();
  const std::map<std::string, std::string> malformed = {
      {"no message at all", "\xff\xff\xff"},
      {"a text that ends too early",
       "\x0a\x7f"
       "ab"},
      {"a text that is not UTF-8",
       "\x0a\x03\xe9"
       "ab"},
  };
  for (const auto& [what, bytes] : malformed) {
    auto context = Author();
    context->AddMetadata("x-request-id", "a-malformed-one");
    EXPECT_THAT(GetWithBytes(std::move(context), bytes),
                AllOf(StatusIs(absl::StatusCode::kInvalidArgument), HasReason("MALFORMED_REQUEST")))
        << what;
    EXPECT_EQ(RequestId(), "a-malformed-one");
    // Who calls is asked before.
    EXPECT_THAT(GetWithBytes(TestServer::AsNobody(), bytes), StatusIs(absl::StatusCode::kUnauthenticated)) << what;
  }
  EXPECT_EQ(authoring_->runs, 0);
  EXPECT_THAT(Get(Author()), IsOk()) << "the connection is still good";
}

TEST_F(ServerTest, WhatIsTooLargeIsRefusedWithAReason) {
  Start();
  GetResponseRequest request;
  request.set_name(std::string(base::kLargestMessage - 5, 'a'));  // with its tag and length exactly the largest
  ASSERT_EQ(request.ByteSizeLong(), base::kLargestMessage);
  EXPECT_THAT(GetWithBytes(Author(), request.SerializeAsString()), StatusIs(absl::StatusCode::kInvalidArgument));
  request.mutable_name()->push_back('a');
  const grpc::Status refused = GetWithBytes(Author(), request.SerializeAsString());
  EXPECT_THAT(refused, AllOf(StatusIs(absl::StatusCode::kResourceExhausted), HasReason("MESSAGE_TOO_LARGE")));
  EXPECT_EQ(base::ErrorInfoOf(FromGrpc(refused)).metadata().at("largest_bytes"), "4194304");
  EXPECT_EQ(authoring_->runs, 0);
}

TEST_F(ServerTest, RefusalsAreCountedByReason) {
  Start();
  const auto counted = [](const std::string& reason) {
    const std::string text = prometheus::TextSerializer().Serialize(Metrics()->Collect());
    const std::string line = "section55_rpc_refused_total{reason=\"" + reason + "\"} ";
    const size_t found = text.find(line);
    return found == std::string::npos ? 0.0 : std::stod(text.substr(found + line.size()));
  };
  const std::map<std::string, std::function<void()>> refused = {
      {"UNAUTHENTICATED", [&] { Get(TestServer::AsNobody()); }},
      {"PERMISSION_DENIED", [&] { Get(Author(), "bodies/suffolk-pcc/responses/x"); }},
      {"MALFORMED_REQUEST", [&] { GetWithBytes(Author(), "\xff"); }},
  };
  for (const auto& [reason, call] : refused) {
    const double before = counted(reason);
    call();
    EXPECT_EQ(counted(reason), before + 1) << reason;
  }
}

TEST_F(ServerTest, AGreedyCallerIsSlowedDown) {
  ServerOptions options = TestServer::InProcess();
  options.calls_per_second_per_caller = 0.001;
  options.unauthenticated_calls_per_second = 0.001;
  Start(options);
  EXPECT_THAT(Get(Author()), IsOk());
  EXPECT_THAT(Get(Author()), AllOf(StatusIs(absl::StatusCode::kResourceExhausted), HasReason("RATE_LIMITED")));
  EXPECT_THAT(Get(server_->As("bob", {"auditor"})), IsOk());
  EXPECT_EQ(authoring_->runs, 2);
  // Calls that are refused count, too: of a person, and of nobody in particular by address.
  EXPECT_THAT(Get(server_->As("eve", {}), kResponse), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Get(server_->As("eve", {}), kResponse), HasReason("RATE_LIMITED"));
  EXPECT_THAT(Get(TestServer::AsNobody()), StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(Get(TestServer::AsNobody()), HasReason("RATE_LIMITED"));
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
  EXPECT_THAT(Get(Author()), AllOf(StatusIs(absl::StatusCode::kResourceExhausted), HasReason("OVERLOADED")));
  EXPECT_EQ(Health(kFeed), grpc::health::v1::HealthCheckResponse::SERVING);
  finish.Notify();
  EXPECT_THAT(one->Finish(), IsOk());
  EXPECT_THAT(two->Finish(), IsOk());
}

TEST_F(ServerTest, ReflectionHoldsNoHandlers) {
  ServerOptions options = TestServer::InProcess();
  options.max_concurrent_calls = 2;
  Start(options);
  // Reflection asks nobody who they are: more streams of it than there are threads, each answered once and left open.
  constexpr int kStreams = 64;
  constexpr char kListServices[] = "\x3a\x01*";
  for (const std::string version : {"v1", "v1alpha"}) {
    grpc::CompletionQueue queue;
    grpc::GenericStub stub(server_->channel());
    std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
    std::vector<std::unique_ptr<grpc::GenericClientAsyncReaderWriter>> streams;
    for (int i = 0; i < kStreams; ++i) {
      contexts.push_back(TestServer::AsNobody());
      streams.push_back(stub.PrepareCall(
          contexts.back().get(), "/grpc.reflection." + version + ".ServerReflection/ServerReflectionInfo", &queue));
      grpc::ByteBuffer answer;
      streams.back()->StartCall(this);
      AwaitNext(queue);
      streams.back()->Write(BytesOf(kListServices), this);
      AwaitNext(queue);
      streams.back()->Read(&answer, this);
      AwaitNext(queue);
      ASSERT_GT(answer.Length(), 0u) << version << ", stream " << i;
    }
    EXPECT_THAT(Get(Author()), IsOk());
    for (const auto& stream : streams) {
      grpc::Status status;
      stream->WritesDone(this);
      AwaitNext(queue);
      stream->Finish(&status, this);
      AwaitNext(queue);
      EXPECT_THAT(status, IsOk());
    }
  }
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

}  // namespace
}  // namespace section55::rpc
