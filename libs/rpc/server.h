// The server that every service is built on, and the one wrapper that every call goes through.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/access/identity.h"
#include "libs/access/policy.h"
#include "libs/access/tokens.h"
#include "libs/base/clock.h"

namespace section55::rpc {

// What a body of Serve knows about the call it is in. Lives as long as the call.
struct Call {
  const access::Identity& caller;
  const access::Scope& scope;
  // From the caller's x-request-id, or made here; returned in the initial metadata.
  const std::string& request_id;
  // "section55.authoring.v1.ResponseAuthoring/GetResponse".
  const std::string& method;
  // The service's time when the call began.
  absl::Time now;
  // When the caller stops waiting, in real time; InfiniteFuture for a stream without one. To be passed on to the database.
  absl::Time deadline;
  // True when the caller has gone, its deadline has passed or the server is draining: for streams that wait.
  std::function<bool()> cancelled;
  // Asked before an answer of so many bytes is kept for a repeat of the request: RESOURCE_EXHAUSTED (TOO_MUCH_KEPT, TOO_MUCH_KEPT_OF_TENANT)
  // when the caller or its tenant has too many kept already. Empty: nobody asks.
  std::function<absl::Status(size_t bytes)> keep = {};
};

// The reason of a status for SetServing: the service is being put right after its database was restored from a backup.
inline constexpr std::string_view kRecovering = "RECOVERING";

struct ServerOptions {
  std::string service_name;  // "response-authoring"
  std::string listen;        // "127.0.0.1:7102"; port 0 picks a free one
  // Folder with certificate.pem, key.pem and ca.pem. Read again when they change (swap the folder by renaming a
  // symlink). Empty only together with `listen`: in process, for tests.
  std::string certificates;
  // Most calls handled at once, open streams included; more get RESOURCE_EXHAUSTED (OVERLOADED) at once, while health still answers.
  int max_concurrent_calls = 256;
  // Per caller, on average and in a burst of twice that; 0: no limit. Refused calls count; those of nobody in particular by address.
  double calls_per_second_per_caller = 2000;
  // What one person may have open at once, and services of the suite four times as much of; 0: no limit.
  int max_calls_per_caller = 64;
  int max_streams_per_caller = 8;
  // Streams of all callers together, and what all people of one tenant have open together; 0: no limit. So neither those who wait for
  // events nor the people of one office take all the room.
  int max_streams = 128;
  int max_calls_per_tenant = 96;
  // On average, of all people of one body or force, twice that in a burst. Who calls faster over connections of their own is read more
  // slowly; what comes over connections that are several tenants' is refused. 0: no limit.
  double calls_per_second_per_tenant = 500;
  int max_streams_per_tenant = 48;
  // Calls of nobody in particular, by address (peer.h), answered with UNAUTHENTICATED; 0: no limit.
  double unauthenticated_calls_per_second = 200;
  // Answers kept for repeats (libs/db/idempotency.h), in bytes, within the time that they are kept; of one person, and of a service four
  // times as much. Counted since the server started, so it may be twice as much. 0: no limit.
  double max_kept_bytes_per_caller = 256.0 * 1024 * 1024;
  // Likewise of all people of one tenant together.
  double max_kept_bytes_per_tenant = 1024.0 * 1024 * 1024;
  // Connections held at once, in all and from one address (of IPv6, from one /64); 0 for the second: no limit, for where everybody comes
  // through a proxy. Fewer where the system gives the process fewer descriptors.
  int max_connections = 4096;
  int max_connections_per_address = 512;
  // How long a new connection may take until TLS and HTTP/2 are agreed, and how long one may lie idle.
  absl::Duration longest_handshake = absl::Seconds(10);
  absl::Duration longest_idle = absl::Minutes(5);
  // Calls that one connection has open, counted from their headers on.
  int max_calls_per_connection = 100;
  // What the library may hold for connections and calls before it closes streams to keep within it.
  size_t max_memory_bytes = size_t{256} * 1024 * 1024;
  // The server connects to itself so often, anew each time; when it did not answer three times in a row, `deaf` is called once, with the
  // reason, from a thread of its own: the process is of no use to anybody and best ends. 0: never.
  absl::Duration probe_every = absl::ZeroDuration();
  std::function<void(const absl::Status&)> deaf = {};
  // Given to a call that comes without a deadline, unless it is a stream that waits.
  absl::Duration default_deadline = absl::Seconds(30);
  // How long one message may take to leave before the call is cancelled: a caller who does not read holds no handler.
  absl::Duration longest_send = absl::Seconds(30);
  // How long the next message of a stream of requests may take to come before the call is cancelled.
  absl::Duration longest_receive = absl::Seconds(30);
};

// Names in the health service. Liveness is SERVING from Start until the process ends: starting it again would not help what is wrong
// while readiness is not, as when its database is away. Readiness is what SetServing says; so are "" and the name of each service.
inline constexpr std::string_view kLiveness = "liveness";
inline constexpr std::string_view kReadiness = "readiness";

// Thread-safe once started. The services hold a reference to it, so it lives longer than they do; Drain it before they
// go.
class Server {
 public:
  // `clock` is the service's (perhaps driven) clock; tokens are always checked by the real time. `tokens` may be null:
  // then people cannot call.
  Server(ServerOptions options, base::Clock& clock, access::TokenVerifier* tokens);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Before Start. `service` must live until Drain has returned. Its generated ServiceDescriptor is found by `full_name`
  // ("section55.authoring.v1.ResponseAuthoring"), which is also its name in the health service.
  void Register(std::string_view full_name, grpc::Service& service);
  // Before Start: of the services of the suite only these may call the methods of `full_name`, as far as its access rules let them.
  void AllowServices(std::string_view full_name, std::vector<std::string> services);
  // Before Start: how a force finds its body. May be null.
  void SetTenantDirectory(access::TenantDirectory* directory);

  // Compiles the access rules, listens. Every health name but kLiveness is NOT_SERVING until SetServing. One sentence for the
  // operator when the address is in use, a certificate is missing or a rule is broken.
  absl::Status Start();

  // The port listened on, after Start.
  int port() const;

  // A channel to this server without a network, for service tests; Start has been called with an empty `listen`. Only
  // there a call may say in its metadata x-test-service which service it comes from.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // OK: health says SERVING. Otherwise NOT_SERVING, and every call but those of ServeAlways gets UNAVAILABLE with this message (an old
  // schema names the command to run). With the reason kRecovering the calls of Admin, Recovery and EventFeed go on. Means nothing any more
  // once it drains.
  void SetServing(const absl::Status& status);

  // Stops: health NOT_SERVING first, then no new calls, waiting streams are told, running calls get until `grace` to
  // finish and are cancelled then. Returns when the last handler has returned; a second Drain does nothing.
  void Drain(absl::Duration grace);

  // The one wrapper. In this order: request id and log scope; deadline (a default if absent, refuse at once what cannot finish); who is
  // calling; rate limit; what the caller has open already; the method's access rule, found by the type of `request`; authorise on the
  // tenant; `body`; map the status (an INTERNAL, UNKNOWN or DATA_LOSS goes out as one fixed sentence with an error id that is in the
  // log, as INTERNAL or DATA_LOSS, an exception likewise; payloads that are not google.rpc details stand in the log and are never sent); metrics; one line of the
  // log, and of the audit for what changes something and for what somebody may not do. `body` validates first, then works. A request that
  // cannot be read does not come here: it is refused, logged and counted before. Of a stream of requests `request` is the default instance
  // of their type: such a method's rule has no tenant, so that it is decided who may call before anything is read.
  grpc::Status Serve(grpc::ServerContext* context, const google::protobuf::Message& request,
                     absl::FunctionRef<absl::Status(Call&)> body);
  // The same for what an operator asks even while nothing is served.
  grpc::Status ServeAlways(grpc::ServerContext* context, const google::protobuf::Message& request,
                           absl::FunctionRef<absl::Status(Call&)> body);
  // The same for a stream that waits for what is new until its caller goes: it gets no deadline.
  grpc::Status ServeWaiting(grpc::ServerContext* context, const google::protobuf::Message& request,
                            absl::FunctionRef<absl::Status(Call&)> body);

  // Inside of Serve: the next of a stream of requests. False at the end, but also when the call was cancelled, when nothing came for
  // `longest_receive`, and for a message that cannot be read, none of which gRPC tells apart: a stream that must be complete says itself
  // where it ends. RESOURCE_EXHAUSTED (MESSAGE_TOO_LARGE).
  template <typename Stream, typename Request>
  static absl::StatusOr<bool> ReadNext(Stream& stream, Request& request) {
    return ReadNext(request, [&] { return stream.Read(&request); });
  }

 private:
  struct Impl;

  static absl::StatusOr<bool> ReadNext(const google::protobuf::Message& request, absl::FunctionRef<bool()> read);

  std::unique_ptr<Impl> impl_;
};

// absl -> gRPC with google.rpc.Status details (ErrorInfo, BadRequest); messages are cut so that trailers stay within
// their limit.
grpc::Status ToGrpc(const absl::Status& status);
// gRPC -> absl, details kept as payloads.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace section55::rpc
