// What lies around a call: the library parses the request before our wrapper is reached, and sends the answer after it has returned.
#include <grpc/byte_buffer.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/server_interceptor.h>

#include <algorithm>

#include "absl/time/clock.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/rpc/server_impl.h"

namespace section55::rpc {
namespace {

// How the handler is told why the request was not read.
constexpr grpc::StatusCode kTooLarge = grpc::StatusCode::OUT_OF_RANGE;
constexpr grpc::StatusCode kOverloaded = grpc::StatusCode::RESOURCE_EXHAUSTED;

absl::Status WhyNotRead(grpc::StatusCode code) {
  switch (code) {
    case kTooLarge:
      return base::Error(absl::StatusCode::kResourceExhausted, "MESSAGE_TOO_LARGE",
                         "the request is larger than a message may be",
                         {{"largest_bytes", std::to_string(base::kLargestMessage)}});
    case kOverloaded:
      return base::Error(absl::StatusCode::kResourceExhausted, "OVERLOADED",
                         "more calls at once than this server handles; try again a little later");
    default:
      return base::Error(absl::StatusCode::kInvalidArgument, "MALFORMED_REQUEST",
                         "the request cannot be read: it is not a message of the method's type, or a text in it is not "
                         "UTF-8");
  }
}

grpc::internal::RpcMethod::RpcType TypeOf(const google::protobuf::MethodDescriptor& method) {
  using grpc::internal::RpcMethod;
  if (method.client_streaming()) {
    return method.server_streaming() ? RpcMethod::BIDI_STREAMING : RpcMethod::CLIENT_STREAMING;
  }
  return method.server_streaming() ? RpcMethod::SERVER_STREAMING : RpcMethod::NORMAL_RPC;
}

}  // namespace

thread_local Server::Impl::OpenCall* Server::Impl::OpenCall::current_ = nullptr;

Server::Impl::OpenCall::OpenCall(Impl& server, grpc::ServerContext& context)
    : server(server),
      context(context),
      started(absl::Now()),
      connection(server.stream_limit == nullptr ? -1 : StreamLimit::ConnectionOf(context)),
      watch(server.watchdog, context) {
  ++server.running;
  current_ = this;
}

Server::Impl::OpenCall::~OpenCall() {
  current_ = nullptr;
  if (connection >= 0) {
    server.stream_limit->Ended(connection);
  }
  if (--server.running == 0 && server.draining) {
    absl::MutexLock lock(&server.mutex);
  }
}

Server::Impl::OpenCall* Server::Impl::OpenCall::Current() { return current_; }

class Server::Impl::CheckedHandler : public grpc::internal::MethodHandler {
 public:
  CheckedHandler(Impl& server, Entry& entry, grpc::internal::MethodHandler& handler)
      : server_(server), entry_(entry), handler_(handler) {}

  void* Deserialize(grpc_call* call, grpc_byte_buffer* request, grpc::Status* status, void** data) override {
    const bool overloaded = server_.running >= server_.options.max_concurrent_calls;
    const bool too_large = request != nullptr && grpc_byte_buffer_length(request) > base::kLargestMessage;
    if (!overloaded && !too_large) {
      return handler_.Deserialize(call, request, status, data);
    }
    if (request != nullptr) {
      grpc_byte_buffer_destroy(request);
    }
    *status = grpc::Status(overloaded ? kOverloaded : kTooLarge, "");
    return nullptr;
  }

  void RunHandler(const HandlerParameter& call) override {
    OpenCall open(server_, static_cast<grpc::ServerContext&>(*call.server_context));
    if (entry_.method->descriptor->client_streaming() && server_.running > server_.options.max_concurrent_calls) {
      // Nothing was read here, so nothing was refused either: Serve does it.
      open.refusal = WhyNotRead(kOverloaded);
    }
    if (call.status.ok()) {
      handler_.RunHandler(call);
      return;
    }
    // The library's handler sends the status; it does not look at the request then.
    const grpc::StatusCode code = call.status.error_code();
    // A server with too much to do does not even ask who calls.
    const grpc::Status refused = server_.Refuse(open, entry_, WhyNotRead(code), /*ask=*/code != kOverloaded);
    handler_.RunHandler(
        HandlerParameter(call.call, call.server_context, nullptr, refused, call.internal_data, call.call_requester));
  }

 private:
  Impl& server_;
  Entry& entry_;
  grpc::internal::MethodHandler& handler_;
};

// Has the methods of a generated service, as the generated code adds them, with our handlers around its own.
class Server::Impl::CheckedService : public grpc::Service {
 public:
  CheckedService(Impl& server, const google::protobuf::ServiceDescriptor& descriptor, grpc::Service& service) {
    const auto handler_of = &CheckedService::GetHandler;
    names_.reserve(descriptor.method_count());  // the library keeps pointers
    for (int i = 0; i < descriptor.method_count(); ++i) {
      const google::protobuf::MethodDescriptor& method = *descriptor.method(i);
      names_.push_back("/" + descriptor.full_name() + "/" + method.name());
      Entry& entry = server.methods.find(method.input_type())->second;
      AddMethod(new grpc::internal::RpcServiceMethod(names_.back().c_str(), TypeOf(method),
                                                     new CheckedHandler(server, entry, *(service.*handler_of)(i))));
    }
  }

 private:
  std::vector<std::string> names_;
};

// Tells the watchdog when a message begins to leave, and when it has left.
class Server::Impl::SendInterceptor : public grpc::experimental::Interceptor {
 public:
  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    using grpc::experimental::InterceptionHookPoints;
    if (OpenCall* open = OpenCall::Current(); open != nullptr) {
      if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_MESSAGE)) {
        open->watch.SendWithin(open->server.options.longest_send);
      } else if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_SEND_MESSAGE)) {
        open->watch.SendWithin(absl::InfiniteDuration());
      }
    }
    methods->Proceed();
  }
};

class Server::Impl::SendInterceptors : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* info) override {
    // An answer that is one message is watched as a whole (Serve), which costs a call nothing.
    using Type = grpc::experimental::ServerRpcInfo::Type;
    const bool streams = info->type() == Type::SERVER_STREAMING || info->type() == Type::BIDI_STREAMING;
    return streams ? new SendInterceptor : nullptr;
  }
};

std::unique_ptr<grpc::Service> Server::Impl::Check(const google::protobuf::ServiceDescriptor& descriptor,
                                                   grpc::Service& service) {
  return std::make_unique<CheckedService>(*this, descriptor, service);
}

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> Server::Impl::WatchMessages() {
  return std::make_unique<SendInterceptors>();
}

}  // namespace section55::rpc
