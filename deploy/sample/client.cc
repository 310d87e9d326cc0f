#include "deploy/sample/client.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/generic/generic_stub.h>

#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/synchronization/notification.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "libs/base/status.h"
#include "libs/rpc/server.h"

namespace section55::sample {
namespace {

using google::protobuf::Message;
using nlohmann::json;

constexpr absl::Duration kCallTimeout = absl::Seconds(30);

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return absl::FailedPreconditionError(fmt::format("{} cannot be read", path));
  }
  std::stringstream text;
  text << file.rdbuf();
  std::string result = text.str();
  absl::StripAsciiWhitespace(&result);
  return result;
}

std::unique_ptr<Message> NewMessage(const google::protobuf::Descriptor* type) {
  return std::unique_ptr<Message>(google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
}

using Stub = grpc::TemplatedGenericStub<Message, Message>;

grpc::Status CallOnce(Stub& stub, grpc::ClientContext& context, const std::string& method, const Message& question,
                      Message& answer) {
  grpc::Status status;
  absl::Notification answered;
  stub.UnaryCall(&context, method, {}, &question, &answer, [&](const grpc::Status& result) {
    status = result;
    answered.Notify();
  });
  answered.WaitForNotification();
  return status;
}

// A stream of requests of which this is the only one; what counts is the last of the answers.
class Stream : public grpc::ClientBidiReactor<Message, Message> {
 public:
  Stream(const Message& question, Message& answer) : question_(question), next_(answer.New()), answer_(answer) {}

  grpc::Status Run() {
    StartWriteLast(&question_, {});
    StartRead(next_.get());
    StartCall();
    done_.WaitForNotification();
    return status_;
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      answer_.CopyFrom(*next_);
      StartRead(next_.get());
    }
  }
  void OnDone(const grpc::Status& status) override {
    status_ = status;
    done_.Notify();
  }

 private:
  const Message& question_;
  std::unique_ptr<Message> next_;
  Message& answer_;
  grpc::Status status_;
  absl::Notification done_;
};

}  // namespace

absl::StatusOr<Client> Client::Create(std::vector<Peer> peers, const std::string& ca, std::string tokens) {
  grpc::SslCredentialsOptions tls;
  ASSIGN_OR_RETURN(tls.pem_root_certs, ReadFile(ca));
  grpc::ChannelArguments arguments;
  // A service that is just starting is found quickly.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
  Client client;
  for (Peer& peer : peers) {
    peer.channel = grpc::CreateCustomChannel(peer.address, grpc::SslCredentials(tls), arguments);
  }
  client.peers_ = std::move(peers);
  client.tokens_ = std::move(tokens);
  return client;
}

absl::StatusOr<json> Client::Call(std::string_view service, std::string_view method, const std::string& person,
                                  const json& request) {
  for (const Peer& peer : peers_) {
    if (peer.full_name.ends_with(fmt::format(".{}", service))) {
      return CallOn(peer, peer.full_name, method, person, request);
    }
  }
  return absl::InvalidArgumentError(fmt::format("there is no service {}", service));
}

absl::StatusOr<json> Client::CallOn(const Peer& peer, const std::string& service, std::string_view method,
                                    const std::string& person, const json& request) {
  const std::string full_name = fmt::format("{}.{}", service, method);
  const auto* descriptor = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(full_name);
  if (descriptor == nullptr) {
    return absl::InvalidArgumentError(fmt::format("there is no method {}", full_name));
  }
  const std::unique_ptr<Message> question = NewMessage(descriptor->input_type());
  const std::unique_ptr<Message> answer = NewMessage(descriptor->output_type());
  if (const auto status = google::protobuf::util::JsonStringToMessage(request.dump(), question.get()); !status.ok()) {
    return absl::InvalidArgumentError(status.ToString());
  }
  ASSIGN_OR_RETURN(const std::string token, ReadFile(fmt::format("{}/{}", tokens_, person)));

  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  context.set_wait_for_ready(true);
  context.AddMetadata("authorization", "Bearer " + token);
  Stub stub(peer.channel);
  const std::string path = fmt::format("/{}/{}", service, method);
  grpc::Status status;
  if (descriptor->client_streaming() || descriptor->server_streaming()) {
    Stream stream(*question, *answer);
    stub.PrepareBidiStreamingCall(&context, path, {}, &stream);
    status = stream.Run();
  } else {
    status = CallOnce(stub, context, path, *question, *answer);
  }
  if (!status.ok()) {
    return rpc::FromGrpc(status);
  }

  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  if (const auto printed = google::protobuf::util::MessageToJsonString(*answer, &text, options); !printed.ok()) {
    return absl::InternalError(printed.ToString());
  }
  return json::parse(text, nullptr, /*allow_exceptions=*/false);
}

absl::Status Client::SetTime(absl::Time time) {
  const json request = {{"time", absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone())}};
  for (const Peer& peer : peers_) {
    const absl::Status status = CallOn(peer, "section55.admin.v1.DrivenClock", "SetTime", "operator", request).status();
    if (!status.ok()) {
      return absl::Status(status.code(),
                          fmt::format("the clock of {} at {} cannot be set: {}", peer.name, peer.address,
                                      absl::IsUnimplemented(status) ? "it was started without --driven_clock"
                                                                    : std::string(status.message())));
    }
  }
  return absl::OkStatus();
}

bool Client::WaitServing(absl::Time deadline, const std::function<void(const Peer&, bool serving)>& report) {
  using grpc::health::v1::HealthCheckResponse;
  bool all = true;
  for (const Peer& peer : peers_) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(deadline));
    context.set_wait_for_ready(true);
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(peer.full_name);
    HealthCheckResponse response;
    // The server says how the service is, and then every change.
    const auto watch = grpc::health::v1::Health::NewStub(peer.channel)->Watch(&context, request);
    bool serving = false;
    while (!serving && watch->Read(&response)) {
      serving = response.status() == HealthCheckResponse::SERVING;
    }
    context.TryCancel();
    report(peer, serving);
    all = all && serving;
  }
  return all;
}

}  // namespace section55::sample
