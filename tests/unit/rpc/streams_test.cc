// Streams of requests: who may send them is decided before anything is read, and their limits.
#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <thread>

#include "absl/synchronization/notification.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/testing/matchers.h"
#include "libs/testing/server.h"
#include "section55/registry/v1/inspection_registry.grpc.pb.h"

namespace section55::rpc {
namespace {

using registry::v1::ImportInspectionsRequest;
using registry::v1::ImportInspectionsResponse;
using registry::v1::InspectionRegistry;
using section55::testing::HasReason;
using section55::testing::IsOk;
using section55::testing::StatusIs;
using section55::testing::TestServer;
using ::testing::AllOf;

using Stream = grpc::ServerReaderWriter<ImportInspectionsResponse, ImportInspectionsRequest>;

class Registry : public InspectionRegistry::Service {
 public:
  explicit Registry(Server& server) : server_(server) {}

  grpc::Status ImportInspections(grpc::ServerContext* context, Stream* stream) override {
    return server_.Serve(context, ImportInspectionsRequest::default_instance(), [&](Call& call) {
      ++runs;
      return body(call, *stream);
    });
  }

  std::function<absl::Status(Call&, Stream&)> body;
  std::atomic<int> runs = 0;

 private:
  Server& server_;
};

// Answers each message by how many bytes it brought.
absl::Status Count(Call&, Stream& stream) {
  ImportInspectionsRequest request;
  while (true) {
    ASSIGN_OR_RETURN(const bool came, Server::ReadNext(stream, request));
    if (!came) {
      return absl::OkStatus();
    }
    ImportInspectionsResponse response;
    response.mutable_progress()->set_bytes(static_cast<int64_t>(request.data().size()));
    stream.Write(response);
  }
}

class StreamsTest : public ::testing::Test {
 protected:
  void Start(ServerOptions options = TestServer::InProcess()) {
    server_ = std::make_unique<TestServer>(absl::FromUnixSeconds(1'000), options);
    registry_ = &server_->Add<Registry>("section55.registry.v1.InspectionRegistry");
    registry_->body = Count;
    server_->Start();
    stub_ = InspectionRegistry::NewStub(server_->channel());
  }
  std::unique_ptr<grpc::ClientContext> Registrar() { return server_->As("reg", {"registrar"}); }
  static ImportInspectionsRequest Piece(size_t bytes) {
    ImportInspectionsRequest request;
    request.set_data(std::string(bytes, 'x'));
    return request;
  }

  std::unique_ptr<TestServer> server_;
  Registry* registry_ = nullptr;
  std::unique_ptr<InspectionRegistry::Stub> stub_;
};

TEST_F(StreamsTest, GoBothWays) {
  Start();
  const auto context = Registrar();
  const auto stream = stub_->ImportInspections(context.get());
  for (const size_t size : {3, 0, 70'000}) {
    ASSERT_TRUE(stream->Write(Piece(size)));
    ImportInspectionsResponse response;
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.progress().bytes(), static_cast<int64_t>(size));
  }
  stream->WritesDone();
  EXPECT_THAT(stream->Finish(), IsOk());
  EXPECT_EQ(context->GetServerInitialMetadata().count("x-request-id"), 1u);
}

TEST_F(StreamsTest, WhoMayNotCallIsToldBeforeAnythingIsRead) {
  Start();
  const auto call = [&](std::unique_ptr<grpc::ClientContext> context) {
    const auto stream = stub_->ImportInspections(context.get());
    ImportInspectionsResponse response;
    EXPECT_FALSE(stream->Read(&response)) << "although nothing was sent";
    return stream->Finish();
  };
  EXPECT_THAT(call(server_->As("ann", {"auditor"})), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(call(TestServer::AsNobody()), StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_EQ(registry_->runs, 0);
}

TEST_F(StreamsTest, AMessageHasItsLimit) {
  Start();
  const auto context = Registrar();
  const auto stream = stub_->ImportInspections(context.get());
  stream->Write(Piece(base::kLargestMessage + 1));
  stream->WritesDone();
  ImportInspectionsResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_THAT(stream->Finish(), AllOf(StatusIs(absl::StatusCode::kResourceExhausted), HasReason("MESSAGE_TOO_LARGE")));
}

TEST_F(StreamsTest, WhoSendsNothingHoldsNoHandler) {
  ServerOptions options = TestServer::InProcess();
  options.longest_receive = absl::Milliseconds(20);
  Start(options);
  const auto context = Registrar();
  const auto stream = stub_->ImportInspections(context.get());
  ImportInspectionsResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_THAT(stream->Finish(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(StreamsTest, TheDeadlineEndsThem) {
  ServerOptions options = TestServer::InProcess();
  options.default_deadline = absl::Milliseconds(30);
  Start(options);
  const auto context = Registrar();
  const auto stream = stub_->ImportInspections(context.get());
  ImportInspectionsResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_THAT(stream->Finish(), ::testing::Not(IsOk()));
}

TEST_F(StreamsTest, CountAsStreams) {
  ServerOptions options = TestServer::InProcess();
  options.max_streams_per_caller = 1;
  Start(options);
  absl::Notification running, finish;
  registry_->body = [&](Call&, Stream&) {
    running.Notify();
    finish.WaitForNotification();
    return absl::OkStatus();
  };
  const auto first = Registrar();
  const auto held = stub_->ImportInspections(first.get());
  running.WaitForNotification();
  const auto refused = [&](std::unique_ptr<grpc::ClientContext> context) {
    const auto stream = stub_->ImportInspections(context.get());
    ImportInspectionsResponse response;
    EXPECT_FALSE(stream->Read(&response));
    return stream->Finish();
  };
  EXPECT_THAT(refused(Registrar()), HasReason("TOO_MANY_STREAMS"));
  finish.Notify();
  EXPECT_THAT(held->Finish(), IsOk());
}

TEST_F(StreamsTest, AFullServerRefusesThem) {
  ServerOptions options = TestServer::InProcess();
  options.max_concurrent_calls = 1;
  Start(options);
  absl::Notification running, finish;
  registry_->body = [&](Call&, Stream&) {
    running.Notify();
    finish.WaitForNotification();
    return absl::OkStatus();
  };
  const auto first = Registrar();
  const auto held = stub_->ImportInspections(first.get());
  running.WaitForNotification();
  const auto second = server_->As("eve", {"registrar"});
  const auto stream = stub_->ImportInspections(second.get());
  ImportInspectionsResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_THAT(stream->Finish(), AllOf(StatusIs(absl::StatusCode::kResourceExhausted), HasReason("OVERLOADED")));
  finish.Notify();
  EXPECT_THAT(held->Finish(), IsOk());
}

}  // namespace
}  // namespace section55::rpc
