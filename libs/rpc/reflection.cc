#include "libs/rpc/reflection.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/impl/server_builder_plugin.h>
#include <grpcpp/impl/server_initializer.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/server_callback.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "grpc/reflection/v1/reflection.grpc.pb.h"

namespace section55::rpc {
namespace {

namespace v1 = grpc::reflection::v1;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

const DescriptorPool& Pool() { return *DescriptorPool::generated_pool(); }

// The file and what it imports, each once, and after what it imports itself.
void AddFile(const FileDescriptor& file, std::set<std::string>& added, v1::FileDescriptorResponse& response) {
  if (!added.insert(file.name()).second) {
    return;
  }
  for (int i = 0; i < file.dependency_count(); ++i) {
    AddFile(*file.dependency(i), added, response);
  }
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  proto.SerializeToString(response.add_file_descriptor_proto());
}

void SetError(grpc::StatusCode code, std::string message, v1::ServerReflectionResponse& response) {
  response.mutable_error_response()->set_error_code(code);
  response.mutable_error_response()->set_error_message(std::move(message));
}

void AnswerWithFile(const FileDescriptor* file, const std::string& wanted, v1::ServerReflectionResponse& response) {
  if (file == nullptr) {
    SetError(grpc::StatusCode::NOT_FOUND, fmt::format("there is no {}", wanted), response);
    return;
  }
  std::set<std::string> added;
  AddFile(*file, added, *response.mutable_file_descriptor_response());
}

void AnswerWithExtensions(const std::string& type, v1::ServerReflectionResponse& response) {
  const google::protobuf::Descriptor* message = Pool().FindMessageTypeByName(type);
  if (message == nullptr) {
    SetError(grpc::StatusCode::NOT_FOUND, fmt::format("there is no message {}", type), response);
    return;
  }
  std::vector<const FieldDescriptor*> extensions;
  Pool().FindAllExtensions(message, &extensions);
  response.mutable_all_extension_numbers_response()->set_base_type_name(type);
  for (const FieldDescriptor* extension : extensions) {
    response.mutable_all_extension_numbers_response()->add_extension_number(extension->number());
  }
}

void Answer(const v1::ServerReflectionRequest& request, const std::vector<std::string>& services,
            v1::ServerReflectionResponse& response) {
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case v1::ServerReflectionRequest::kListServices:
      response.mutable_list_services_response();
      for (const std::string& service : services) {
        response.mutable_list_services_response()->add_service()->set_name(service);
      }
      break;
    case v1::ServerReflectionRequest::kFileByFilename:
      AnswerWithFile(Pool().FindFileByName(request.file_by_filename()),
                     fmt::format("file {}", request.file_by_filename()), response);
      break;
    case v1::ServerReflectionRequest::kFileContainingSymbol:
      AnswerWithFile(Pool().FindFileContainingSymbol(request.file_containing_symbol()),
                     fmt::format("symbol {}", request.file_containing_symbol()), response);
      break;
    case v1::ServerReflectionRequest::kFileContainingExtension: {
      const auto& wanted = request.file_containing_extension();
      const auto* message = Pool().FindMessageTypeByName(wanted.containing_type());
      const FieldDescriptor* extension =
          message == nullptr ? nullptr : Pool().FindExtensionByNumber(message, wanted.extension_number());
      AnswerWithFile(extension == nullptr ? nullptr : extension->file(),
                     fmt::format("extension {} of {}", wanted.extension_number(), wanted.containing_type()), response);
      break;
    }
    case v1::ServerReflectionRequest::kAllExtensionNumbersOfType:
      AnswerWithExtensions(request.all_extension_numbers_of_type(), response);
      break;
    default:
      SetError(grpc::StatusCode::INVALID_ARGUMENT, "the request asks for nothing", response);
  }
}

using Services = std::shared_ptr<const std::vector<std::string>>;

// One stream: an answer for each request, in order. Deletes itself when gRPC is done with it.
class Stream : public grpc::ServerBidiReactor<v1::ServerReflectionRequest, v1::ServerReflectionResponse> {
 public:
  explicit Stream(Services services) : services_(std::move(services)) { StartRead(&request_); }

  void OnReadDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status::OK);
      return;
    }
    response_.Clear();
    Answer(request_, *services_, response_);
    StartWrite(&response_);
  }

  void OnWriteDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status(grpc::StatusCode::UNKNOWN, "the answer could not be sent"));
      return;
    }
    StartRead(&request_);
  }

  void OnDone() override { delete this; }

 private:
  const Services services_;
  v1::ServerReflectionRequest request_;
  v1::ServerReflectionResponse response_;
};

// One version of the service: v1 and v1alpha differ in nothing but their names. Made by hand, because generated code knows one name.
class ReflectionService : public grpc::Service {
 public:
  // `method`: "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"; lives as long as the program.
  explicit ReflectionService(const char* method) {
    AddMethod(new grpc::internal::RpcServiceMethod(method, grpc::internal::RpcMethod::BIDI_STREAMING, nullptr));
    MarkMethodCallback(
        0, new grpc::internal::CallbackBidiHandler<v1::ServerReflectionRequest, v1::ServerReflectionResponse>(
               [this](grpc::CallbackServerContext*) { return new Stream(services_); }));
  }

  // Before the server starts.
  void SetServices(std::vector<std::string> services) {
    services_ = std::make_shared<const std::vector<std::string>>(std::move(services));
  }

 private:
  Services services_ = std::make_shared<const std::vector<std::string>>();
};

// A plug-in, because only plug-ins learn which services a server has in the end, gRPC's own among them.
class Plugin : public grpc::ServerBuilderPlugin {
 public:
  std::string name() override { return "reflection"; }
  void InitServer(grpc::ServerInitializer* server) override {
    server->RegisterService(v1_);
    server->RegisterService(v1alpha_);
  }
  void Finish(grpc::ServerInitializer* server) override {
    v1_->SetServices(*server->GetServiceList());
    v1alpha_->SetServices(*server->GetServiceList());
  }
  void ChangeArguments(const std::string&, void*) override {}

 private:
  const std::shared_ptr<ReflectionService> v1_ =
      std::make_shared<ReflectionService>("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
  const std::shared_ptr<ReflectionService> v1alpha_ =
      std::make_shared<ReflectionService>("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
};

class Option : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    plugins->push_back(std::make_unique<Plugin>());
  }
};

}  // namespace

void RegisterReflection(grpc::ServerBuilder& builder) { builder.SetOption(std::make_unique<Option>()); }

}  // namespace section55::rpc
