// What server.cc (its life) and serve.cc (its calls) share.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "libs/rpc/metrics.h"
#include "libs/rpc/rate_limit.h"
#include "libs/rpc/server.h"

namespace section55::rpc {

struct Server::Impl {
  struct Entry {
    const access::Policy::Method* method;
    MethodMetrics metrics;
  };

  Impl(ServerOptions options, base::Clock& clock, access::TokenVerifier* tokens)
      : options(std::move(options)),
        clock(clock),
        tokens(tokens),
        rate_limit(this->options.calls_per_second_per_caller) {}

  // serve.cc
  absl::Status Handle(grpc::ServerContext& context, const google::protobuf::Message& request, const Entry& entry,
                      const std::string& request_id, absl::Time started,
                      std::shared_ptr<const access::Identity>& caller, absl::FunctionRef<absl::Status(Call&)> body);
  absl::StatusOr<std::shared_ptr<const access::Identity>> WhoCalls(const grpc::ServerContext& context) const;
  absl::Status CheckServing();

  const ServerOptions options;
  base::Clock& clock;
  access::TokenVerifier* const tokens;
  access::TenantDirectory* directory = nullptr;
  std::vector<std::pair<std::string, grpc::Service*>> services;

  // Unchanged from Start on.
  access::Policy policy;
  absl::flat_hash_map<const google::protobuf::Descriptor*, Entry> methods;
  std::unique_ptr<grpc::Server> server;
  int port = 0;

  RateLimit rate_limit;
  std::atomic<bool> serving = false;
  std::atomic<bool> draining = false;
  // Calls within Serve. The last one to leave during a drain takes `mutex` once, so that Drain sees it.
  std::atomic<int> running = 0;
  absl::Mutex mutex;
  absl::Status not_serving ABSL_GUARDED_BY(mutex);
};

}  // namespace section55::rpc
