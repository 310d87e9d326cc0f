// A service in process: the real rpc::Server without a network, a driven clock and signed tokens.
//
//   TestServer server;                                            // declared after what the services use
//   auto& service = server.Add<AuthoringService>(kServiceName, store, log);   // made with (rpc::Server&, store, log)
//   server.Start();
//   auto stub = ResponseAuthoring::NewStub(server.channel());
//   stub->GetResponse(server.As("ann", {"author@bodies/norfolk-pcc"}).get(), request, &response);
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "libs/access/policy.h"
#include "libs/base/clock.h"
#include "libs/rpc/server.h"
#include "libs/testing/tokens.h"

namespace section55::testing {

class TestServer {
 public:
  // Without a rate limit unless `options` sets one; `listen` and `certificates` are for tests of the network itself.
  explicit TestServer(absl::Time now = absl::FromUnixSeconds(1'767'258'000), rpc::ServerOptions options = InProcess());
  // Stops the server, then destroys the services that Add made.
  ~TestServer();

  static rpc::ServerOptions InProcess();

  // Makes a service with (rpc::Server&, arguments...) and registers it. Before Start.
  template <typename Service, typename... Arguments>
  Service& Add(std::string_view full_name, Arguments&&... arguments) {
    auto service = std::make_unique<Service>(server_, std::forward<Arguments>(arguments)...);
    Service& result = *service;
    server_.Register(full_name, result);
    services_.push_back(std::move(service));
    return result;
  }

  // Starts the server and sets it serving. Ends the test program with a sentence when it cannot.
  void Start();
  // Stops it; for tests with services of their own (server().Register), which must not go before.
  void Stop();

  rpc::Server& server() { return server_; }
  base::DrivenClock& clock() { return clock_; }
  TokenIssuer& issuer() { return issuer_; }
  std::shared_ptr<grpc::Channel> channel() { return channel_; }

  // For one call each: as a person with these roles, as a service of the suite, as nobody.
  std::unique_ptr<grpc::ClientContext> As(std::string_view subject, const std::vector<std::string>& roles);
  static std::unique_ptr<grpc::ClientContext> AsService(std::string_view name);
  static std::unique_ptr<grpc::ClientContext> AsNobody();

 private:
  base::DrivenClock clock_;
  TokenIssuer issuer_;
  std::unique_ptr<access::TokenVerifier> verifier_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  rpc::Server server_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace section55::testing
