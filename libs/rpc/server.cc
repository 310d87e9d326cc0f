#include "libs/rpc/server.h"

#include <fmt/format.h>
#include <grpc/grpc.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include <algorithm>
#include <thread>

#include "absl/time/clock.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/db/idempotency.h"
#include "libs/rpc/certificates.h"
#include "libs/rpc/reflection.h"
#include "libs/rpc/server_impl.h"
#include "libs/rpc/tls.h"

namespace section55::rpc {
namespace {

// The library refuses larger requests in words of its own, so its limit lies above ours.
constexpr int kLibraryMaxRequestBytes = 4 * base::kLargestMessage;
// Threads beside those that handle calls: they tell callers that there are too many of them, while the library itself would only hang up.
constexpr int kThreadsToRefuse = 32;
constexpr int kSecond = 1000;  // milliseconds
constexpr int kMostHeaderBytes = 16 * 1024;
constexpr int kReadBytes = 8 * 1024;
constexpr absl::Duration kProbePatience = absl::Seconds(5);
constexpr absl::Duration kFarewell = absl::Milliseconds(250);

// Settings of this process that gRPC takes before the first server is built.
void SetUpGrpcOnce() {
  static const bool done = [] {
    grpc::EnableDefaultHealthCheckService(true);
    // Never undone: taking the library down waits up to 10 seconds for connections that are still on their way out, longer than a process
    // may take to end, and a process that ends gives back everything anyway.
    grpc_init();
    return true;
  }();
  (void)done;
}

absl::Status NotServing(std::string_view why, std::string_view reason = "NOT_SERVING") {
  return base::Error(absl::StatusCode::kUnavailable, std::string(reason), std::string(why));
}

// Often enough for the shortest time that is watched.
absl::Duration TickOf(const ServerOptions& options) {
  constexpr int kLooksInTime = 8;
  return std::clamp(std::min(options.longest_send, options.default_deadline) / kLooksInTime, absl::Milliseconds(5),
                    absl::Seconds(1));
}

}  // namespace

Server::Impl::Impl(ServerOptions options, base::Clock& clock, access::TokenVerifier* tokens)
    : options(std::move(options)),
      clock(clock),
      tokens(tokens),
      rate_limit(this->options.calls_per_second_per_caller),
      rate_of_tenant(this->options.calls_per_second_per_tenant),
      strangers(this->options.unauthenticated_calls_per_second),
      kept(this->options.max_kept_bytes_per_caller / absl::ToDoubleSeconds(db::kRequestIdLifetime),
           this->options.max_kept_bytes_per_caller),
      kept_of_tenant(this->options.max_kept_bytes_per_tenant / absl::ToDoubleSeconds(db::kRequestIdLifetime),
                     this->options.max_kept_bytes_per_tenant),
      watchdog(TickOf(this->options)) {
  Pauses();
}

Server::Impl::~Impl() = default;

Server::Server(ServerOptions options, base::Clock& clock, access::TokenVerifier* tokens)
    : impl_(std::make_unique<Impl>(std::move(options), clock, tokens)) {
  impl_->not_serving = NotServing("the server is starting");
}

Server::~Server() { Drain(absl::ZeroDuration()); }

void Server::Register(std::string_view full_name, grpc::Service& service) {
  impl_->services.emplace_back(full_name, &service);
}

void Server::AllowServices(std::string_view full_name, std::vector<std::string> services) {
  impl_->allowed.emplace_back(full_name, std::move(services));
}

void Server::SetTenantDirectory(access::TenantDirectory* directory) { impl_->directory = directory; }

absl::Status Server::Impl::Listen(const std::vector<const google::protobuf::ServiceDescriptor*>& descriptors,
                                  grpc::ServerBuilder& builder) {
  RETURN_IF_ERROR(ReadCertificates(options.certificates, options.service_name, absl::Now()).status());
  ASSIGN_OR_RETURN(listener, Listener::Listen({.address = options.listen,
                                               .most_connections = options.max_connections,
                                               .most_per_peer = options.max_connections_per_address,
                                               .longest_silence = options.longest_handshake}));
  absl::flat_hash_set<std::string> paths;
  for (const auto* service : descriptors) {
    for (int i = 0; i < service->method_count(); ++i) {
      paths.insert(fmt::format("/{}/{}", service->full_name(), service->method(i)->name()));
    }
  }
  // A stream counts until its handler has returned, which is a moment after its caller could begin the next.
  stream_limit = std::make_shared<StreamLimit>(2 * options.max_calls_per_connection, std::move(paths));
  const auto credentials = ServerTls(options.certificates, options.service_name);
  credentials->SetAuthMetadataProcessor(stream_limit);
  acceptor = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials);
  return absl::OkStatus();
}

void Server::Impl::Hear() {
  listener->Start([this](int socket) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.fd = socket;
    acceptor->HandleNewConnection(&connection);
  });
  if (options.probe_every > absl::ZeroDuration() && options.deaf) {
    probe = std::make_unique<SelfProbe>(SelfProbe::Options{
        .look =
            [this] {
              return ProbeOnce(listener->reachable_at(), kProbePatience, [this](int port) { listener->Expect(port); });
            },
        .every = options.probe_every,
        .deaf = options.deaf});
  }
}

absl::Status Server::Start() {
  const ServerOptions& options = impl_->options;
  std::vector<const google::protobuf::ServiceDescriptor*> descriptors;
  for (const auto& [name, service] : impl_->services) {
    descriptors.push_back(google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name));
    if (descriptors.back() == nullptr) {
      return absl::InternalError(fmt::format("the service {} is in no proto of this program", name));
    }
  }
  ASSIGN_OR_RETURN(impl_->policy, access::Policy::Compile(descriptors));
  for (const auto& [name, allowed] : impl_->allowed) {
    impl_->policy.Narrow(name, allowed);
  }
  for (const auto* service : descriptors) {
    for (int i = 0; i < service->method_count(); ++i) {
      const access::Policy::Method* method = impl_->policy.Find(service->method(i)->input_type());
      impl_->methods.emplace(service->method(i)->input_type(), Impl::Entry{method, MethodMetrics(method->full_name)});
    }
  }
  if (options.max_concurrent_calls < 1) {
    return absl::InvalidArgumentError("the number of calls handled at once must be at least 1");
  }
  if (options.listen.empty() != options.certificates.empty()) {
    return absl::InvalidArgumentError("a server needs both an address to listen on and a folder of certificates");
  }

  SetUpGrpcOnce();
  grpc::ServerBuilder builder;
  if (!options.listen.empty()) {
    RETURN_IF_ERROR(impl_->Listen(descriptors, builder));
  }
  for (size_t i = 0; i < descriptors.size(); ++i) {
    impl_->checked.push_back(impl_->Check(*descriptors[i], *impl_->services[i].second));
    builder.RegisterService(impl_->checked.back().get());
  }
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(Impl::WatchMessages());
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  RegisterReflection(builder);
  // A queue keeps one thread that waits for calls, beside those that handle them; two cores are kept busy by one queue.
  constexpr int kMaxQueues = 8;
  const int queues = std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / 2, 1, kMaxQueues);
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, queues);
  // By default a queue ends all threads but two when they have handled a call, only to start them again for the next.
  const int threads = options.max_concurrent_calls + kThreadsToRefuse;
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, threads);
  grpc::ResourceQuota quota;
  quota.SetMaxThreads(threads + queues);
  quota.Resize(options.max_memory_bytes);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(kLibraryMaxRequestBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_calls_per_connection);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMostHeaderBytes);
  // The library makes a call of all the headers that one read has brought before it looks whether they are let in.
  builder.AddChannelArgument(GRPC_ARG_TCP_READ_CHUNK_SIZE, kReadBytes);
  builder.AddChannelArgument(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, kReadBytes);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             static_cast<int>(absl::ToInt64Milliseconds(options.longest_handshake)));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                             static_cast<int>(absl::ToInt64Milliseconds(options.longest_idle)));
  // A connection keeps the certificate of its handshake: old certificates leave with old connections.
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, 30 * 60 * kSecond);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 60 * kSecond);
  // Callers that vanished without a goodbye, and the pings of our own channels (channel.cc).
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60 * kSecond);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10 * kSecond);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10 * kSecond);
  impl_->server = builder.BuildAndStart();
  if (impl_->server == nullptr) {
    return absl::UnavailableError("the server could not be started; the log says why");
  }
  if (impl_->listener != nullptr) {
    impl_->Hear();
  }
  SetServing(NotServing("the server is starting"));
  impl_->server->GetHealthCheckService()->SetServingStatus(std::string(kLiveness), true);
  return absl::OkStatus();
}

int Server::port() const { return impl_->listener == nullptr ? 0 : impl_->listener->port(); }

std::shared_ptr<grpc::Channel> Server::InProcessChannel() { return impl_->server->InProcessChannel({}); }

void Server::SetServing(const absl::Status& status) {
  absl::MutexLock lock(&impl_->mutex);
  if (impl_->draining) {
    return;
  }
  impl_->serving = status.ok();
  if (!status.ok()) {
    const bool recovering = base::ErrorInfoOf(status).reason() == kRecovering;
    impl_->not_serving = NotServing(std::string_view(status.message().data(), status.message().size()),
                                    recovering ? kRecovering : "NOT_SERVING");
  }
  impl_->TellHealth(status.ok());
}

void Server::Impl::TellHealth(bool ready) {
  auto* health = server == nullptr ? nullptr : server->GetHealthCheckService();
  if (health == nullptr) {
    return;
  }
  health->SetServingStatus("", ready);
  health->SetServingStatus(std::string(kReadiness), ready);
  for (const auto& [name, service] : services) {
    health->SetServingStatus(name, ready);
  }
}

void Server::Drain(absl::Duration grace) {
  if (impl_->server == nullptr) {
    return;
  }
  const absl::Time until = absl::Now() + grace;
  {
    absl::MutexLock lock(&impl_->mutex);
    if (impl_->draining.exchange(true)) {
      return;
    }
    // Not health's own Shutdown: a process that drains is alive.
    impl_->TellHealth(false);
  }
  {
    // gRPC itself would also wait for connections that are merely open, up to the deadline: an idle caller does not answer its
    // goodbye for seconds. So the running calls are waited for here, while new ones are refused, ...
    absl::MutexLock lock(&impl_->mutex);
    const auto idle = [](std::atomic<int>* running) { return *running == 0; };
    impl_->mutex.AwaitWithDeadline(absl::Condition(+idle, &impl_->running), until);
  }
  // The library closes no connection that it is given from now on.
  impl_->probe.reset();
  if (impl_->listener != nullptr) {
    impl_->listener->Stop();
  }
  // ... and connections get only as long as the last answers need to leave.
  impl_->server->Shutdown(absl::ToChronoTime(std::min(until, absl::Now() + kFarewell)));
}

}  // namespace section55::rpc
