#include "libs/testing/server.h"

#include <cstdio>
#include <cstdlib>

#include "absl/time/clock.h"

namespace section55::testing {

namespace {

// On a network it bears the certificate of whichever service a test gave it, unless the test says which.
rpc::ServerOptions OfAnyName(rpc::ServerOptions options) {
  if (!options.certificates.empty() && options.service_name == TestServer::InProcess().service_name) {
    options.service_name.clear();
  }
  return options;
}

}  // namespace

TestServer::TestServer(absl::Time now, rpc::ServerOptions options)
    : clock_(now), verifier_(issuer_.Verifier()), server_(OfAnyName(std::move(options)), clock_, verifier_.get()) {}

TestServer::~TestServer() { Stop(); }

rpc::ServerOptions TestServer::InProcess() {
  rpc::ServerOptions options;
  options.service_name = "test";
  options.calls_per_second_per_caller = 0;
  options.calls_per_second_per_tenant = 0;
  options.unauthenticated_calls_per_second = 0;
  return options;
}

void TestServer::Start() {
  if (const absl::Status started = server_.Start(); !started.ok()) {
    std::fprintf(stderr, "the test server does not start: %s\n", started.ToString().c_str());
    std::abort();
  }
  server_.SetServing(absl::OkStatus());
  channel_ = server_.InProcessChannel();
}

void TestServer::Stop() {
  server_.Drain(absl::ZeroDuration());
  channel_.reset();
}

std::unique_ptr<grpc::ClientContext> TestServer::As(std::string_view subject, const std::vector<std::string>& roles) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->AddMetadata("authorization", "Bearer " + issuer_.Token(subject, roles));
  return context;
}

std::unique_ptr<grpc::ClientContext> TestServer::AsService(std::string_view name) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->AddMetadata("x-test-service", std::string(name));
  return context;
}

std::unique_ptr<grpc::ClientContext> TestServer::AsNobody() { return std::make_unique<grpc::ClientContext>(); }

}  // namespace section55::testing
