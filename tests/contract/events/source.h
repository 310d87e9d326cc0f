// Real feeds for followers to follow: another service's, which can be stopped and started again, and one that a test plays itself.
#pragma once

#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>

#include "libs/events/feed_service.h"
#include "libs/rpc/channel.h"
#include "libs/testing/authorities.h"
#include "libs/testing/server.h"
#include "tests/contract/events/fixture.h"

namespace section55::events {

// Another service with a feed: its database, its log, the real EventFeedService on the real server, reached as services reach each other.
// Its address stays the same when it is stopped and started again.
class Source {
 public:
  Source() : database_(db::Engine::kSqlite, Schemas()), log_(*database_) { Start(); }
  ~Source() { Stop(); }

  void Append(const std::string& subject, const std::string& text) {
    ASSERT_THAT(AppendOne(log_, *database_, subject, text), testing::IsOk());
  }

  void Stop() {
    log_.Stop();  // ends the streams
    server_.reset();
  }
  void Start() {
    log_.Start();
    rpc::ServerOptions options = testing::TestServer::InProcess();
    options.listen = address_;
    options.certificates = Certificates("inspection-registry");
    server_ = std::make_unique<testing::TestServer>(absl::FromUnixSeconds(1'767'258'000), options);
    server_->Add<EventFeedService>(kEventFeedName, log_);
    server_->Start();
    address_ = "127.0.0.1:" + std::to_string(server_->server().port());
  }

  // Puts one event into the place of another, as a restored source may have it.
  void Execute(const std::string& sql) {
    ASSERT_THAT(database_->Write([&](db::Transaction& tx) { return tx.Execute(sql).status(); }), testing::IsOk());
  }

  EventLog& log() { return log_; }
  db::Database& database() { return *database_; }
  std::shared_ptr<grpc::Channel> Channel() const {
    return rpc::ConnectToPeer(address_, Certificates("response-authoring"));
  }

 private:
  // Made once for each test program.
  static std::string Certificates(const std::string& service) {
    static testing::Authorities authorities;
    static const std::string registry = authorities.Folder("inspection-registry", "inspection-registry");
    static const std::string authoring = authorities.Folder("response-authoring", "response-authoring");
    return service == "inspection-registry" ? registry : authoring;
  }

  testing::TestDatabase database_;
  EventLog log_;
  std::string address_ = "127.0.0.1:0";
  std::unique_ptr<testing::TestServer> server_;
};

// Serves a feed that the test plays itself, on a bare server: what it says goes through nothing of ours.
class FeedHost {
 public:
  explicit FeedHost(grpc::Service& service)
      : address_("unix-abstract:section55-events-" + std::to_string(getpid()) + "-" + NextNumber()) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    server_ = builder.BuildAndStart();
    EXPECT_NE(server_, nullptr);
  }
  ~FeedHost() { server_->Shutdown(std::chrono::system_clock::now()); }

  std::shared_ptr<grpc::Channel> Channel() const {
    return grpc::CreateChannel(address_, grpc::InsecureChannelCredentials());
  }

 private:
  static std::string NextNumber() {
    static std::atomic<int> number = 0;
    return std::to_string(++number);
  }

  const std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace section55::events
