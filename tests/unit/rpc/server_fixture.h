// A server in process, with two services whose bodies the test sets.
#pragma once

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/synchronization/notification.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "libs/rpc/server.h"
#include "libs/testing/matchers.h"
#include "libs/testing/server.h"
#include "section55/authoring/v1/response_authoring.grpc.pb.h"
#include "section55/common/v1/event_feed.grpc.pb.h"

namespace section55::rpc {
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

inline constexpr char kAuthoring[] = "section55.authoring.v1.ResponseAuthoring";
inline constexpr char kFeed[] = "section55.common.v1.EventFeed";
inline constexpr char kResponse[] = "bodies/norfolk-pcc/responses/safe-to-share";

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

  grpc::Status SubmitResponse(grpc::ServerContext* context, const authoring::v1::SubmitResponseRequest* request,
                              Response*) override {
    return server_.Serve(context, *request, [&](Call& call) { return body(call); });
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
    const auto write_and_run = [&](Call& call) {
      before_write();
      if (!writer->Write(common::v1::FollowResponse())) {
        return absl::CancelledError("the answer did not leave");
      }
      return body(call);
    };
    return waits ? server_.ServeWaiting(context, *request, write_and_run)
                 : server_.Serve(context, *request, write_and_run);
  }

  std::function<void()> before_write = [] {};
  std::function<absl::Status(Call&)> body = [](Call&) { return absl::OkStatus(); };
  bool waits = true;

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
  static grpc::ByteBuffer BytesOf(const std::string& bytes) {
    const grpc::Slice slice(bytes);
    return {&slice, 1};
  }
  static void AwaitNext(grpc::CompletionQueue& queue) {
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
  }
  // GetResponse with any bytes as its request.
  grpc::Status GetWithBytes(std::unique_ptr<grpc::ClientContext> context, const std::string& bytes) {
    context_ = std::move(context);
    const grpc::ByteBuffer request = BytesOf(bytes);
    grpc::ByteBuffer response;
    grpc::Status status;
    absl::Notification done;
    grpc::GenericStub(server_->channel())
        .UnaryCall(context_.get(), "/section55.authoring.v1.ResponseAuthoring/GetResponse", {}, &request, &response,
                   [&](const grpc::Status& result) {
                     status = result;
                     done.Notify();
                   });
    done.WaitForNotification();
    return status;
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

}  // namespace section55::rpc
