#include "libs/rpc/reflection.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "section55/common/v1/event_feed.grpc.pb.h"

namespace section55::rpc {
namespace {

namespace v1 = grpc::reflection::v1;
using ::testing::Contains;
using ::testing::IsSupersetOf;

class ReflectionTest : public ::testing::Test {
 protected:
  ReflectionTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&feed_);
    RegisterReflection(builder);
    server_ = builder.BuildAndStart();
    stub_ = v1::ServerReflection::NewStub(server_->InProcessChannel({}));
    stream_ = stub_->ServerReflectionInfo(&context_);
  }

  void TearDown() override {
    stream_->WritesDone();
    EXPECT_TRUE(stream_->Finish().ok());
  }

  v1::ServerReflectionResponse Ask(const v1::ServerReflectionRequest& request) {
    v1::ServerReflectionResponse response;
    EXPECT_TRUE(stream_->Write(request) && stream_->Read(&response));
    EXPECT_EQ(response.original_request().SerializeAsString(), request.SerializeAsString());
    return response;
  }

  static std::vector<std::string> FilesOf(const v1::ServerReflectionResponse& response) {
    std::vector<std::string> names;
    for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
      google::protobuf::FileDescriptorProto file;
      EXPECT_TRUE(file.ParseFromString(bytes));
      names.push_back(file.name());
    }
    return names;
  }

  common::v1::EventFeed::Service feed_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::ServerReflection::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ServerReflectionRequest, v1::ServerReflectionResponse>> stream_;
};

constexpr char kFeedFile[] = "section55/common/v1/event_feed.proto";
constexpr char kAccessFile[] = "section55/common/v1/access.proto";

TEST_F(ReflectionTest, ListsTheServersServices) {
  v1::ServerReflectionRequest request;
  request.set_list_services("");
  std::vector<std::string> names;
  const v1::ServerReflectionResponse response = Ask(request);
  for (const auto& service : response.list_services_response().service()) {
    names.push_back(service.name());
  }
  EXPECT_THAT(names, IsSupersetOf({"section55.common.v1.EventFeed", "grpc.reflection.v1.ServerReflection",
                                   "grpc.reflection.v1alpha.ServerReflection"}));
}

TEST_F(ReflectionTest, GivesAFileWithAllThatItImportsFirst) {
  v1::ServerReflectionRequest by_name;
  by_name.set_file_by_filename(kFeedFile);
  const std::vector<std::string> files = FilesOf(Ask(by_name));
  ASSERT_THAT(files, IsSupersetOf({kAccessFile, "google/protobuf/any.proto", "google/protobuf/descriptor.proto"}));
  EXPECT_EQ(files.back(), kFeedFile);
  EXPECT_EQ(std::set<std::string>(files.begin(), files.end()).size(), files.size()) << "each once";

  for (const char* symbol : {"section55.common.v1.EventFeed", "section55.common.v1.EventFeed.Follow",
                             "section55.common.v1.Event.event_id"}) {
    v1::ServerReflectionRequest by_symbol;
    by_symbol.set_file_containing_symbol(symbol);
    EXPECT_EQ(FilesOf(Ask(by_symbol)), files) << symbol;
  }
}

TEST_F(ReflectionTest, KnowsExtensions) {
  v1::ServerReflectionRequest request;
  request.mutable_file_containing_extension()->set_containing_type("google.protobuf.MethodOptions");
  request.mutable_file_containing_extension()->set_extension_number(50055);
  EXPECT_THAT(FilesOf(Ask(request)), Contains(kAccessFile));

  request.set_all_extension_numbers_of_type("google.protobuf.MethodOptions");
  EXPECT_THAT(Ask(request).all_extension_numbers_response().extension_number(), Contains(50055));
}

TEST_F(ReflectionTest, WhatIsNotThereIsAnErrorOfThatRequestAlone) {
  std::vector<v1::ServerReflectionRequest> requests(5);
  requests[0].set_file_by_filename("no/such.proto");
  requests[1].set_file_containing_symbol("no.such.Symbol");
  requests[2].mutable_file_containing_extension()->set_containing_type("no.Such");
  requests[3].set_all_extension_numbers_of_type("no.Such");
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(Ask(requests[i]).error_response().error_code(), grpc::StatusCode::NOT_FOUND) << i;
  }
  EXPECT_EQ(Ask(requests[4]).error_response().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  // The stream goes on.
  requests[0].set_file_by_filename(kFeedFile);
  EXPECT_EQ(FilesOf(Ask(requests[0])).back(), kFeedFile);
}

}  // namespace
}  // namespace section55::rpc
