#include <gmock/gmock.h>
#include <grpc/support/log.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"
#include "libs/testing/authorities.h"
#include "libs/testing/matchers.h"
#include "libs/testing/server.h"
#include "section55/common/v1/event_feed.grpc.pb.h"

namespace section55::rpc {
namespace {

using common::v1::EventFeed;
using section55::testing::Authorities;
using section55::testing::HasReason;
using section55::testing::IsOk;
using section55::testing::MessageIs;
using section55::testing::StatusIs;
using section55::testing::TestServer;
using ::testing::AllOf;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

constexpr char kFeed[] = "section55.common.v1.EventFeed";

class Feed : public EventFeed::Service {
 public:
  explicit Feed(Server& server) : server_(server) {}
  grpc::Status ListEvents(grpc::ServerContext* context, const common::v1::ListEventsRequest* request,
                          common::v1::ListEventsResponse*) override {
    return server_.Serve(context, *request, [&](Call& call) {
      actor = call.caller.actor;
      return body(call);
    });
  }
  std::string actor;
  std::function<absl::Status(Call&)> body = [](Call&) { return absl::OkStatus(); };

 private:
  Server& server_;
};

class NetworkTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    gpr_set_log_function([](gpr_log_func_args*) {});  // refused handshakes are what these tests are about
    pki_ = new Authorities;
  }
  static void TearDownTestSuite() { delete pki_; }

  static ServerOptions Options(const std::string& certificates) {
    ServerOptions options = TestServer::InProcess();
    options.listen = "127.0.0.1:0";
    options.certificates = certificates;
    options.service_name.clear();
    return options;
  }
  void Start(const std::string& certificates) { Start(Options(certificates)); }
  void Start(const ServerOptions& options) {
    server_ = std::make_unique<TestServer>(absl::FromUnixSeconds(1'000), options);
    feed_ = &server_->Add<Feed>(kFeed);
    server_->Start();
    address_ = "127.0.0.1:" + std::to_string(server_->server().port());
  }
  static grpc::Status List(const std::shared_ptr<grpc::Channel>& channel, std::unique_ptr<grpc::ClientContext> context,
                           const std::string& parent = "") {
    context->set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
    common::v1::ListEventsRequest request;
    request.set_parent(parent);
    common::v1::ListEventsResponse response;
    return EventFeed::NewStub(channel)->ListEvents(context.get(), request, &response);
  }
  // A channel that trusts `ca` and shows no certificate; a new connection each time.
  std::shared_ptr<grpc::Channel> WithoutCertificate(const std::string& ca) const {
    std::ifstream file(pki_->root() / (ca + ".pem"));
    grpc::SslCredentialsOptions options;
    options.pem_root_certs.assign(std::istreambuf_iterator<char>(file), {});
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(address_, grpc::SslCredentials(options), arguments);
  }

  static Authorities* pki_;
  std::unique_ptr<TestServer> server_;
  Feed* feed_ = nullptr;
  std::string address_;
};
Authorities* NetworkTest::pki_ = nullptr;

// More calls than may come at once, and in the time that they would take.
TEST_F(NetworkTest, ATenantThatCallsTooFastIsReadMoreSlowlyAndNotRefused) {
  ServerOptions options = Options(pki_->Folder("server", "response-authoring"));
  options.calls_per_second_per_tenant = 500;
  Start(options);
  const auto channel = WithoutCertificate("ca");
  const auto call_as = [&](const std::string& person, const std::string& body) {
    return List(channel, server_->As(person, {"author@" + body}), body);
  };
  for (int i = 0; i < 1200; ++i) {
    ASSERT_THAT(call_as(i % 2 == 0 ? "ann" : "amy", "bodies/norfolk-pcc"), IsOk()) << i;
  }
  // A connection that serves several tenants is not held up for one of them, who is refused instead.
  EXPECT_THAT(call_as("bob", "bodies/suffolk-pcc"), IsOk());
  grpc::Status refused;
  for (int i = 0; i < 5000 && refused.ok(); ++i) {
    refused = call_as("ann", "bodies/norfolk-pcc");
  }
  EXPECT_THAT(refused, AllOf(StatusIs(absl::StatusCode::kResourceExhausted), HasReason("RATE_LIMITED_OF_TENANT")));
  EXPECT_THAT(call_as("bob", "bodies/suffolk-pcc"), IsOk());
}

TEST_F(NetworkTest, AServiceIsKnownByItsCertificate) {
  Start(pki_->Folder("server", "response-authoring"));
  EXPECT_THAT(List(ConnectToPeer(address_, pki_->Folder("publication", "publication")), TestServer::AsNobody()),
              IsOk());
  EXPECT_EQ(feed_->actor, "services/publication");
  // A certificate of ours that no rule names, of another kind, or with two names.
  EXPECT_THAT(List(ConnectToPeer(address_, pki_->Folder("stranger", "stranger")), TestServer::AsNobody()),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(
      List(ConnectToPeer(address_, pki_->Folder("elsewhere", "x", "ca", "ca", "URI:spiffe://other/publication")),
           TestServer::AsNobody()),
      StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(List(ConnectToPeer(address_, pki_->Folder("two", "x", "ca", "ca",
                                                        "URI:spiffe://section55/publication,URI:spiffe://section55/x")),
                   TestServer::AsNobody()),
              StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_F(NetworkTest, APersonIsKnownByTheToken) {
  Start(pki_->Folder("server", "response-authoring"));
  EXPECT_THAT(List(WithoutCertificate("ca"), server_->As("ann", {"auditor"})), IsOk());
  EXPECT_EQ(feed_->actor, "people/ann");
  EXPECT_THAT(
      List(ConnectToPeer(address_, pki_->Folder("publication", "publication")), server_->As("bob", {"auditor"})),
      IsOk());
  EXPECT_EQ(feed_->actor, "people/bob");
}

TEST_F(NetworkTest, NeitherCertificateNorTokenIsRefused) {
  Start(pki_->Folder("server", "response-authoring"));
  EXPECT_THAT(List(WithoutCertificate("ca"), TestServer::AsNobody()), StatusIs(absl::StatusCode::kUnauthenticated));
  // What tests say in process counts for nothing on a network.
  EXPECT_THAT(List(WithoutCertificate("ca"), TestServer::AsService("publication")),
              StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(List(server_->server().InProcessChannel(), TestServer::AsService("publication")),
              StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_F(NetworkTest, PlaintextIsRefused) {
  Start(pki_->Folder("server", "response-authoring"));
  EXPECT_THAT(List(grpc::CreateChannel(address_, grpc::InsecureChannelCredentials()), server_->As("ann", {"auditor"})),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(NetworkTest, AnotherAuthoritysCertificatesAreRefused) {
  Start(pki_->Folder("server", "response-authoring"));
  // Theirs by us ...
  EXPECT_THAT(
      List(ConnectToPeer(address_, pki_->Folder("forged", "publication", "other-ca", "ca")), TestServer::AsNobody()),
      StatusIs(absl::StatusCode::kUnavailable));
  // ... and ours by them.
  EXPECT_THAT(List(WithoutCertificate("other-ca"), server_->As("ann", {"auditor"})),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(NetworkTest, SwappedCertificatesAreUsedWithoutARestart) {
  pki_->Folder("old", "response-authoring");
  pki_->Folder("new", "response-authoring", "other-ca", "other-ca");
  const fs::path current = pki_->root() / "current";
  fs::create_directory_symlink("old", current);
  Start(current);
  EXPECT_THAT(List(WithoutCertificate("ca"), server_->As("ann", {"auditor"})), IsOk());
  fs::create_directory_symlink("new", pki_->root() / "next");
  fs::rename(pki_->root() / "next", current);
  // Each try is a new connection; the test's own time limit ends a wait in vain.
  while (!List(WithoutCertificate("other-ca"), server_->As("ann", {"auditor"})).ok()) {
  }
  EXPECT_THAT(List(WithoutCertificate("ca"), server_->As("ann", {"auditor"})),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(NetworkTest, HealthNeedsNoTokenAndFollowsSetServing) {
  Start(pki_->Folder("server", "response-authoring"));
  const auto check = [&](const std::string& name) {
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(name);
    grpc::health::v1::HealthCheckResponse response;
    EXPECT_THAT(grpc::health::v1::Health::NewStub(WithoutCertificate("ca"))->Check(&context, request, &response),
                IsOk());
    return response.status();
  };
  EXPECT_EQ(check(kFeed), grpc::health::v1::HealthCheckResponse::SERVING);
  server_->server().SetServing(absl::UnavailableError("old schema"));
  EXPECT_EQ(check(kFeed), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  server_->server().SetServing(absl::OkStatus());
  EXPECT_EQ(check(kFeed), grpc::health::v1::HealthCheckResponse::SERVING);
}

TEST_F(NetworkTest, DrainLetsARunningCallFinishAndRefusesNewOnes) {
  Start(pki_->Folder("server", "response-authoring"));
  absl::Notification running;
  absl::Notification finish;
  std::atomic<bool> first_call = true;
  feed_->body = [&](Call& call) {
    if (!first_call.exchange(false)) {
      return absl::OkStatus();
    }
    running.Notify();
    // Who waits is told of the drain; this call then still has work to finish.
    while (!call.cancelled()) {
      std::this_thread::yield();
    }
    finish.WaitForNotification();
    return absl::OkStatus();
  };
  grpc::Status first;
  const auto channel = WithoutCertificate("ca");
  std::thread caller([&] { first = List(channel, server_->As("ann", {"auditor"})); });
  running.WaitForNotification();
  std::thread drain([&] { server_->server().Drain(absl::Seconds(60)); });
  // Until the drain has begun, calls are still answered; in the moment of its goodbye gRPC itself may cancel one.
  grpc::Status second;
  while (second.ok() || second.error_code() == grpc::StatusCode::CANCELLED) {
    second = List(channel, server_->As("bob", {"auditor"}));
  }
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kUnavailable));
  finish.Notify();
  caller.join();
  drain.join();
  EXPECT_THAT(first, IsOk());
}

TEST_F(NetworkTest, OperatorsMistakesAreSentences) {
  const std::string good = pki_->Folder("server", "response-authoring");
  base::DrivenClock clock(absl::FromUnixSeconds(1));
  const auto start = [&](ServerOptions options) { return Server(std::move(options), clock, nullptr).Start(); };
  Start(good);
  ServerOptions taken = Options(good);
  taken.listen = address_;
  EXPECT_THAT(start(taken), MessageIs("cannot listen on " + address_ + ": Address already in use"));
  ServerOptions nowhere = Options(good);
  for (const char* listen : {"localhost", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", ":7101"}) {
    nowhere.listen = listen;
    EXPECT_THAT(start(nowhere), MessageIs(HasSubstr("HOST:PORT"))) << listen;
  }
  EXPECT_THAT(start(Options("/nowhere")), MessageIs("/nowhere/certificate.pem is missing or not in PEM form"));
  const fs::path mixed = pki_->Folder("mixed", "x");
  fs::copy_file(fs::path(good) / "key.pem", mixed / "key.pem", fs::copy_options::overwrite_existing);
  EXPECT_THAT(start(Options(mixed)), MessageIs(HasSubstr("is not the key of")));
  ServerOptions open = Options("");
  EXPECT_THAT(start(open), MessageIs(HasSubstr("a folder of certificates")));
}

}  // namespace
}  // namespace section55::rpc
