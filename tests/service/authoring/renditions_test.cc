// What publication's answers mean for an approval; asked over a channel as the service does.
#include "services/response-authoring/renditions.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>

#include "absl/time/clock.h"
#include "libs/base/status.h"
#include "libs/rpc/server.h"
#include "libs/testing/matchers.h"

namespace section55::authoring {
namespace {

using ::section55::testing::HasReason;
using ::section55::testing::IsOk;
using ::section55::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

class FakePublication : public publication::v1::Publication::Service {
 public:
  grpc::Status CheckRenditions(grpc::ServerContext*, const publication::v1::CheckRenditionsRequest* request,
                               publication::v1::CheckRenditionsResponse*) override {
    asked = request->response().name();
    return rpc::ToGrpc(answer);
  }

  std::string asked;
  absl::Status answer;
};

class RenditionsTest : public ::testing::Test {
 protected:
  RenditionsTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&publication_);
    server_ = builder.BuildAndStart();
    renditions_ = std::make_unique<PublicationRenditions>(
        publication::v1::Publication::NewStub(server_->InProcessChannel(grpc::ChannelArguments())));
  }
  ~RenditionsTest() override { server_->Shutdown(); }

  absl::Status Check(absl::Time deadline = absl::InfiniteFuture()) {
    v1::Response response;
    response.set_name("bodies/norfolk-pcc/responses/safe-to-share");
    return renditions_->Check(response, deadline);
  }

  FakePublication publication_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<PublicationRenditions> renditions_;
};

TEST_F(RenditionsTest, WhatRendersCanBeApproved) {
  EXPECT_THAT(Check(), IsOk());
  EXPECT_EQ(publication_.asked, "bodies/norfolk-pcc/responses/safe-to-share");
}

TEST_F(RenditionsTest, WhatCannotBePublishedIsNamed) {
  base::Violations violations;
  violations.Add("response.answers[3].explanation", "expands to more than can be published");
  publication_.answer = violations.ToStatus();
  const absl::Status refused = Check();
  EXPECT_THAT(refused, AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("NOT_PUBLISHABLE")));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("response.answers[3].explanation: expands"));
}

TEST_F(RenditionsTest, WhatCannotBeFoundOutIsUnavailable) {
  for (const auto code : {absl::StatusCode::kUnavailable, absl::StatusCode::kInternal, absl::StatusCode::kUnimplemented,
                          absl::StatusCode::kResourceExhausted, absl::StatusCode::kPermissionDenied}) {
    publication_.answer = absl::Status(code, "no");
    EXPECT_THAT(Check(), AllOf(StatusIs(absl::StatusCode::kUnavailable), HasReason("PUBLICATION_UNAVAILABLE")));
  }
  publication_.answer = absl::OkStatus();
  EXPECT_THAT(Check(absl::Now() - absl::Seconds(1)), HasReason("PUBLICATION_UNAVAILABLE"));
}

}  // namespace
}  // namespace section55::authoring
