// A real feed that can be stopped and started again, for followers to follow.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/client_interceptor.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/events/services.h"
#include "libs/testing/server.h"
#include "tests/contract/events/fixture.h"

namespace section55::events {

// Says in every call who calls, as rpc::Server takes it without a network.
class NameCaller : public grpc::experimental::Interceptor {
 public:
  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(grpc::experimental::InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      methods->GetSendInitialMetadata()->insert({"x-test-service", "response-authoring"});
    }
    methods->Proceed();
  }

  class Factory : public grpc::experimental::ClientInterceptorFactoryInterface {
   public:
    grpc::experimental::Interceptor* CreateClientInterceptor(grpc::experimental::ClientRpcInfo*) override {
      return new NameCaller;
    }
  };
};

// Serves a feed at an address that stays the same when it is stopped and started again.
class FeedHost {
 public:
  explicit FeedHost(grpc::Service& service)
      : service_(service), address_("unix-abstract:section55-events-" + std::to_string(getpid()) + "-" + NextNumber()) {
    Start();
  }
  ~FeedHost() { Stop(); }

  void Start() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }

  void Stop() {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }

  std::shared_ptr<grpc::Channel> Channel() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> interceptors;
    interceptors.push_back(std::make_unique<NameCaller::Factory>());
    return grpc::experimental::CreateCustomChannelWithInterceptors(address_, grpc::InsecureChannelCredentials(),
                                                                   arguments, std::move(interceptors));
  }

 private:
  static std::string NextNumber() {
    static std::atomic<int> number = 0;
    return std::to_string(++number);
  }

  grpc::Service& service_;
  const std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

// Another service with a feed: its database, its log, the real EventFeedService behind the real Serve.
class Source {
 public:
  Source() : database_(db::Engine::kSqlite, {MigrationSchema()}), log_(*database_) {
    log_.Start();
    EventFeedService& service = server_.Add<EventFeedService>(kEventFeedName, log_);
    server_.Start();
    host_ = std::make_unique<FeedHost>(service);
  }
  ~Source() {
    log_.Stop();  // ends the streams
    host_->Stop();
  }

  void Append(const std::string& subject, const std::string& text) {
    ASSERT_THAT(AppendOne(log_, *database_, subject, text), testing::IsOk());
  }

  void Stop() {
    log_.Stop();
    host_->Stop();
  }
  void Start() {
    log_.Start();
    host_->Start();
  }

  EventLog& log() { return log_; }
  std::shared_ptr<grpc::Channel> Channel() const { return host_->Channel(); }

 private:
  testing::TestDatabase database_;
  EventLog log_;
  testing::TestServer server_;
  std::unique_ptr<FeedHost> host_;
};

}  // namespace section55::events
