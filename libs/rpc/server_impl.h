// What server.cc (its life), serve.cc (its calls) and handlers.cc (what lies around a call) share.
#pragma once

#include <grpcpp/impl/service_type.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "libs/base/log_limit.h"
#include "libs/rpc/listener.h"
#include "libs/rpc/metrics.h"
#include "libs/rpc/open_calls.h"
#include "libs/rpc/rate_limit.h"
#include "libs/rpc/self_probe.h"
#include "libs/rpc/server.h"
#include "libs/rpc/stream_limit.h"
#include "libs/rpc/watchdog.h"

namespace section55::rpc {

// Callers who are nobody in particular, refused: lines a second.
inline constexpr int kRefusalsLogged = 20;

struct Server::Impl {
  struct Entry {
    const access::Policy::Method* method;
    MethodMetrics metrics;
  };

  // A call from the arrival of its request until its answer has left, of which Serve sees only the part in between. On the stack of the
  // thread that handles it.
  class OpenCall {
   public:
    OpenCall(Impl& server, grpc::ServerContext& context);
    ~OpenCall();
    OpenCall(const OpenCall&) = delete;

    // The call that this thread handles; null outside of one.
    static OpenCall* Current();

    Impl& server;
    grpc::ServerContext& context;
    const absl::Time started;
    const int connection;  // see StreamLimit
    OpenCalls::Place place;
    OpenCalls::Place among_streams;
    OpenCalls::Place of_tenant;
    Watchdog::Watch watch;
    // Why a stream of requests is refused before the first of them is read; OK as a rule.
    absl::Status refusal;

   private:
    static thread_local OpenCall* current_;
    const InFlight in_flight_;
  };

  // handlers.cc: a handler of the library with our checks around it, a service of such handlers, and what notices messages leave.
  class CheckedHandler;
  class CheckedService;
  class SendInterceptor;
  class SendInterceptors;

  // What is known of a call once it was let in.
  struct Admitted {
    std::string request_id;
    std::shared_ptr<const access::Identity> caller;
    absl::Time deadline;
  };

  Impl(ServerOptions options, base::Clock& clock, access::TokenVerifier* tokens);
  ~Impl();

  // server.cc
  void TellHealth(bool ready);
  // What a server on a network has beside one in process.
  absl::Status Listen(const std::vector<const google::protobuf::ServiceDescriptor*>& descriptors,
                      grpc::ServerBuilder& builder);
  void Hear();

  // handlers.cc
  std::unique_ptr<grpc::Service> Check(const google::protobuf::ServiceDescriptor& descriptor, grpc::Service& service);
  static std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> WatchMessages();

  // Which of the functions of Server a call came by.
  enum class Kind { kPlain, kAlways, kWaiting };

  // serve.cc
  grpc::Status Serve(grpc::ServerContext& context, const google::protobuf::Message& request, Kind kind,
                     absl::FunctionRef<absl::Status(Call&)> body);
  // The answer to a request that was not read; with `ask`, to callers who may not even call another one.
  grpc::Status Refuse(OpenCall& open, Entry& entry, const absl::Status& why, bool ask);
  absl::Status Admit(OpenCall& open, const Entry& entry, Kind kind, Admitted& admitted);
  // With what the caller's grants bring with them.
  absl::StatusOr<access::Scope> Authorise(const access::Policy::Method& method,
                                          const google::protobuf::Message& request,
                                          std::shared_ptr<const access::Identity>& caller);
  absl::Status Handle(OpenCall& open, const google::protobuf::Message& request, const Entry& entry, Kind kind,
                      Admitted& admitted, absl::FunctionRef<absl::Status(Call&)> body);
  // `request` is null when it was not read.
  grpc::Status Finish(OpenCall& open, Entry& entry, const Admitted& admitted, const google::protobuf::Message* request,
                      const absl::Status& status);
  // What stands of a call in the log and in the audit.
  void Record(OpenCall& open, const Entry& entry, const Admitted& admitted, const google::protobuf::Message* request,
              const absl::Status& status, absl::Duration took);
  absl::StatusOr<std::shared_ptr<const access::Identity>> WhoCalls(const grpc::ServerContext& context) const;
  absl::Status CheckServing(const Entry& entry, Kind kind);
  // Whether its requests or its answers are a stream.
  static bool Streams(const Entry& entry);
  absl::Status Enter(OpenCall& open, const Entry& entry, const access::Identity& caller);
  // `tenant` is whose person calls; empty for who is nobody's. Pace lets a tenant's people call no faster than they may: first by reading
  // their connections more slowly, then by refusing.
  absl::Status Pace(OpenCall& open, std::string_view tenant);
  absl::Status EnterTenant(OpenCall& open, const Entry& entry, std::string_view tenant);
  absl::Status Keep(const access::Identity& caller, std::string_view tenant, size_t bytes);

  const ServerOptions options;
  base::Clock& clock;
  access::TokenVerifier* const tokens;
  access::TenantDirectory* directory = nullptr;
  std::vector<std::pair<std::string, grpc::Service*>> services;
  std::vector<std::pair<std::string, std::vector<std::string>>> allowed;

  // Unchanged from Start on.
  access::Policy policy;
  absl::flat_hash_map<const google::protobuf::Descriptor*, Entry> methods;

  RateLimit rate_limit;
  RateLimit rate_of_tenant;
  RateLimit strangers;  // by address
  RateLimit kept;       // bytes
  RateLimit kept_of_tenant;
  base::LogLimit refusals{kRefusalsLogged};
  base::LogLimit slowed{1};
  OpenCalls open_calls;
  Watchdog watchdog;
  std::atomic<bool> serving = false;
  std::atomic<bool> draining = false;
  // Calls from their arrival until their answers have left. The last one to leave during a drain takes `mutex` once, so that Drain sees it.
  std::atomic<int> running = 0;
  absl::Mutex mutex;
  absl::Status not_serving ABSL_GUARDED_BY(mutex);

  // Null in process. The library gets each connection from the listener, and asks about each stream.
  std::unique_ptr<Listener> listener;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor;
  std::shared_ptr<StreamLimit> stream_limit;
  std::unique_ptr<SelfProbe> probe;

  // The services as the library knows them; they go after the library's server.
  std::vector<std::unique_ptr<grpc::Service>> checked;
  std::unique_ptr<grpc::Server> server;
};

}  // namespace section55::rpc
