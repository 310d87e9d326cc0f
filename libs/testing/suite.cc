#include "libs/testing/suite.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "libs/base/base64.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/rpc/server.h"
#include "libs/rpc/tls.h"
#include "libs/testing/mariadb.h"

namespace section55::testing {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);
// The ends of a log that are worth printing.
constexpr size_t kLogTail = 4000;

// A client's pause between two attempts, so that a service that answers UNAVAILABLE is not flooded.
void Pause() {
  static absl::Mutex mutex;
  absl::MutexLock lock(&mutex);
  constexpr auto kNever = +[](int*) { return false; };  // NOLINT: another process tells nobody when it is ready
  mutex.AwaitWithTimeout(absl::Condition(kNever, static_cast<int*>(nullptr)), absl::Milliseconds(10));
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address,
                                       const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  // A service that was just started is found quickly; a handshake on a busy machine is given its time all the same.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20'000);
  // Each suite has its own connections.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

void RunScript(const std::string& script, const std::filesystem::path& folder) {
  const Outcome outcome = Run({.words = {fmt::format("{}/deploy/pki/{}", SECTION55_SOURCE_DIR, script), folder}});
  if (outcome.exit_code != 0) {
    fmt::print(stderr, "{} failed with {}: {}\n", script, outcome.exit_code, outcome.errors);
    std::abort();
  }
}

}  // namespace

std::string NameOf(Service service) {
  static const std::array names = {"inspection-registry", "response-authoring", "deadline-scheduler", "publication"};
  return names[static_cast<size_t>(service)];
}

std::string FullNameOf(Service service) {
  static const std::array names = {"section55.registry.v1.InspectionRegistry",
                                   "section55.authoring.v1.ResponseAuthoring",
                                   "section55.deadlines.v1.DeadlineScheduler", "section55.publication.v1.Publication"};
  return names[static_cast<size_t>(service)];
}

std::vector<std::string> ServicesOn(Service service) {
  return {FullNameOf(service), "section55.common.v1.EventFeed", "section55.admin.v1.Admin",
          "section55.admin.v1.Recovery", "section55.admin.v1.DrivenClock"};
}

Pki& Pki::Get() {
  static Pki pki;
  return pki;
}

Pki::Pki() {
  RunScript("make-pki.sh", folder() / "pki");
  RunScript("make-tokens.sh", folder());
  key_id_ = nlohmann::json::parse(ReadFile(folder() / "pki" / "jwks.json"))["keys"][0]["kid"];
}

std::string Pki::Token(const std::string& person) const {
  std::string token = ReadFile(folder() / "tokens" / person);
  absl::StripAsciiWhitespace(&token);
  if (token.empty()) {
    ADD_FAILURE() << "nobody is called " << person;
  }
  return token;
}

void Pki::AddPerson(const std::string& person, const std::vector<std::string>& roles) {
  std::ofstream(folder() / "tokens" / person) << Sign(Claims(person, roles, absl::Now()));
}

std::string Pki::Claims(const std::string& person, const std::vector<std::string>& roles, absl::Time now) {
  return nlohmann::json{{"iss", "https://section55.local"},
                        {"aud", "section55"},
                        {"sub", person},
                        {"name", person},
                        {"section55_roles", roles},
                        {"iat", absl::ToUnixSeconds(now)},
                        {"exp", absl::ToUnixSeconds(now + absl::Hours(1))}}
      .dump();
}

std::string Pki::Sign(const std::string& claims) const {
  const std::string header = nlohmann::json{{"alg", "RS256"}, {"typ", "JWT"}, {"kid", key_id_}}.dump();
  const std::string signed_part = base::Base64UrlEncode(header) + "." + base::Base64UrlEncode(claims);
  const std::unique_ptr<FILE, int (*)(FILE*)> file(fopen((folder() / "pki" / "token-signing.key").c_str(), "r"),
                                                   fclose);
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(PEM_read_PrivateKey(file.get(), nullptr, nullptr, nullptr),
                                                           EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> digest(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  const auto* bytes = reinterpret_cast<const unsigned char*>(signed_part.data());
  size_t size = 0;
  EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key.get());
  EVP_DigestSign(digest.get(), nullptr, &size, bytes, signed_part.size());
  std::string signature(size, '\0');
  if (EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes,
                     signed_part.size()) != 1) {
    ADD_FAILURE() << "a token cannot be signed";
  }
  signature.resize(size);
  return signed_part + "." + base::Base64UrlEncode(signature);
}

Suite::Suite(SuiteOptions options) : options_(std::move(options)), now_(options_.now) {
  Pki& pki = Pki::Get();
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = ReadFile(pki.ca());
  for (const Service service : kServices) {
    ServiceState& state = State(service);
    state.channel = Connect(address(service), grpc::SslCredentials(tls));
    if (options_.engine == db::Engine::kSqlite) {
      state.database_url = fmt::format("sqlite:{}/{}.sqlite", folder_.path().string(), NameOf(service));
    } else {
      MariaDb& mariadb = MariaDb::Get();
      state.database_url = mariadb.UrlOf(mariadb.NewDatabase());
    }
    Command begin = MigrateCommandOf(service);
    begin.words.emplace_back("--new");
    if (const Outcome begun = Run(begin); begun.exit_code != 0) {
      GiveUp(service, "cannot begin its database: " + begun.errors);
    }
  }
  for (const Service service : kServices) {
    Start(service);
  }
  for (const Service service : kServices) {
    AwaitServing(service);
  }
}

Suite::~Suite() {
  for (const Service service : kServices) {
    if (State(service).process != nullptr) {
      State(service).process->Signal(SIGTERM);
    }
  }
  for (const Service service : kServices) {
    if (State(service).process != nullptr) {
      EXPECT_EQ(State(service).process->Await(kPatience), 0) << NameOf(service) << " has not drained";
    }
  }
  if (::testing::UnitTest::GetInstance()->Failed()) {
    folder_.Keep();
    fmt::print("The logs of the services are kept in {}\n", folder_.path().string());
  }
}

std::filesystem::path Suite::LogFile(Service service) const { return folder_.path() / (NameOf(service) + ".log"); }

std::filesystem::path Suite::AuditFile(Service service) const {
  return folder_.path() / (NameOf(service) + ".audit.jsonl");
}

std::string Suite::Log(Service service) const { return ReadFile(LogFile(service)); }

std::unique_ptr<db::Database> Suite::OpenDatabase(Service service) const {
  db::Options options;
  options.url = State(service).database_url;
  auto database = db::Open(options);
  if (!database.ok()) {
    fmt::print(stderr, "the database of {} cannot be opened: {}\n", NameOf(service), database.status().ToString());
    std::abort();
  }
  return *std::move(database);
}

Command Suite::CommandOf(Service service, const std::vector<std::string>& command) const {
  Command made = {
      .words = {fmt::format("{}/{}", SECTION55_BIN_DIR, NameOf(service)), "--database=" + State(service).database_url}};
  made.words.insert(made.words.end(), command.begin(), command.end());
  return made;
}

Command Suite::MigrateCommandOf(Service service) const { return CommandOf(service, {"migrate"}); }

void Suite::UseNewDatabase(Service service) {
  MariaDb& mariadb = MariaDb::Get();
  State(service).database_url = mariadb.UrlOf(mariadb.NewDatabase());
}

Command Suite::CommandOf(Service service) const {
  const Pki& pki = Pki::Get();
  const ServiceState& state = State(service);
  Command command;
  command.words = {fmt::format("{}/{}", SECTION55_BIN_DIR, NameOf(service)),
                   "--listen=" + state.port.address(),
                   "--metrics_listen=" + state.metrics_port.address(),
                   "--certificates=" + pki.certificates(NameOf(service)).string(),
                   "--jwks=" + (pki.folder() / "pki" / "jwks.json").string(),
                   "--token_issuer=https://section55.local",
                   "--token_audience=section55",
                   "--database=" + state.database_url,
                   "--audit_file=" + AuditFile(service).string(),
                   "--calls_per_second_per_caller=0",
                   "--calls_per_second_per_tenant=0",
                   "--driven_clock=" + absl::FormatTime(absl::RFC3339_full, now(), absl::UTCTimeZone())};
  if (service == Service::kAuthoring || service == Service::kDeadlines) {
    command.words.push_back("--inspection_registry=" + address(Service::kRegistry));
    command.words.push_back("--publication=" + address(Service::kPublication));
  }
  if (service == Service::kPublication) {
    command.words.push_back("--inspection_registry=" + address(Service::kRegistry));
    command.words.push_back("--response_authoring=" + address(Service::kAuthoring));
    command.words.push_back("--web_listen=" + web_port_.address());
  }
  command.words.insert(command.words.end(), options_.flags.begin(), options_.flags.end());
  return command;
}

void Suite::Start(Service service, const std::vector<std::string>& flags) {
  Command command = CommandOf(service);
  command.words.insert(command.words.end(), flags.begin(), flags.end());
  State(service).process = std::make_unique<Process>(command, LogFile(service), LogFile(service));
}

void Suite::Kill(Service service) {
  State(service).process->Kill();
  State(service).process.reset();
}

int Suite::Stop(Service service) {
  State(service).process->Signal(SIGTERM);
  const std::optional<int> exit_code = State(service).process->Await(kPatience);
  State(service).process.reset();
  return exit_code.value_or(-1);
}

bool Suite::BecomesServing(Service service) {
  const absl::Time until = absl::Now() + kPatience;
  while (absl::Now() < until) {
    if (WatchUntilServing(service, until)) {
      return true;
    }
    pollfd ended[] = {{State(service).process->pidfd(), POLLIN, 0}};
    if (poll(ended, 1, 0) > 0) {
      return false;
    }
    Pause();  // the watch broke with the connection to the process before this one
  }
  return false;
}

bool Suite::WatchUntilServing(Service service, absl::Time until) {
  using grpc::health::v1::HealthCheckResponse;
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(until));
  context.set_wait_for_ready(true);
  // A process that ends instead is noticed at once.
  const int done = eventfd(0, EFD_CLOEXEC);
  std::thread watcher([&] {
    pollfd wait[] = {{done, POLLIN, 0}, {State(service).process->pidfd(), POLLIN, 0}};
    while (poll(wait, 2, -1) < 0) {
    }
    if (wait[1].revents != 0) {
      context.TryCancel();
    }
  });
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(FullNameOf(service));
  HealthCheckResponse response;
  const auto health = grpc::health::v1::Health::NewStub(channel(service));
  const auto watch = health->Watch(&context, request);
  bool serving = false;
  while (!serving && watch->Read(&response)) {
    serving = response.status() == HealthCheckResponse::SERVING;
  }
  eventfd_write(done, 1);
  watcher.join();
  close(done);
  context.TryCancel();
  return serving;
}

void Suite::AwaitServing(Service service) {
  if (!BecomesServing(service)) {
    GiveUp(service, "does not serve");
  }
}

void Suite::GiveUp(Service service, std::string_view sentence) {
  const std::string log = Log(service);
  fmt::print(stderr, "{}: {}. It says: {}\n", NameOf(service), sentence,
             log.size() > kLogTail ? log.substr(log.size() - kLogTail) : log);
  folder_.Keep();
  std::exit(EXIT_FAILURE);
}

void Suite::SetTime(absl::Time now) {
  {
    // First here: a service that is started meanwhile starts with it.
    absl::MutexLock lock(&mutex_);
    now_ = now;
  }
  admin::v1::SetTimeRequest request;
  *request.mutable_time() = base::ToTimestamp(now);
  for (const Service service : kServices) {
    const auto set = CallOn(service, "operator", &admin::v1::DrivenClock::Stub::SetTime, request);
    EXPECT_TRUE(set.ok()) << NameOf(service) << ": " << set.status().ToString();
  }
}

absl::Time Suite::now() const {
  absl::MutexLock lock(&mutex_);
  return now_;
}

std::shared_ptr<grpc::Channel> Suite::ChannelWith(Service service, const std::filesystem::path& certificates) const {
  return Connect(address(service), rpc::PeerTls(certificates));
}

std::unique_ptr<grpc::ClientContext> Suite::As(const std::string& person) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
  context->set_wait_for_ready(true);
  context->AddMetadata("authorization", "Bearer " + Pki::Get().Token(person));
  return context;
}

std::string Suite::NewRequestId() { return base::NewUuid(); }

absl::Status Suite::Retry(Service service, const std::function<grpc::Status()>& attempt) {
  const absl::Time until = absl::Now() + kPatience;
  while (true) {
    if (options_.on_attempt) {
      options_.on_attempt();
    }
    const grpc::Status status = attempt();
    // gRPC 1.51 says "Stream removed" without a better code when a connection breaks at an unlucky moment.
    const bool cut = status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                     (status.error_code() == grpc::StatusCode::UNKNOWN && status.error_message() == "Stream removed");
    if (!cut || absl::Now() > until) {
      return rpc::FromGrpc(status);
    }
    Pause();
  }
}

Service Suite::FeedOf(std::string_view type) {
  for (const Service service : kServices) {
    const std::string full_name = FullNameOf(service);
    const std::string package = full_name.substr(0, full_name.rfind('.') + 1);
    if (type.substr(0, package.size()) == package) {
      return service;
    }
  }
  ADD_FAILURE() << type << " is in no feed";
  return Service::kRegistry;
}

std::optional<common::v1::Event> Suite::AwaitEvent(Service service, std::string_view description,
                                                   const std::function<bool(const common::v1::Event&)>& wanted,
                                                   absl::Duration timeout) {
  const absl::Time until = absl::Now() + timeout;
  common::v1::FollowRequest request;
  common::v1::EventFeed::Stub stub(channel(service));
  grpc::Status status;
  do {
    const auto context = As("auditor");
    context->set_deadline(absl::ToChronoTime(until));
    const auto stream = stub.Follow(context.get(), request);
    common::v1::FollowResponse response;
    while (stream->Read(&response)) {
      for (const common::v1::Event& event : response.events()) {
        if (wanted(event)) {
          context->TryCancel();
          return event;
        }
        request.set_after(event.position());
      }
    }
    status = stream->Finish();
    if (status.error_code() == grpc::StatusCode::UNAUTHENTICATED ||
        status.error_code() == grpc::StatusCode::PERMISSION_DENIED) {
      break;
    }
    Pause();
  } while (absl::Now() < until);
  ADD_FAILURE() << "There is no " << description << " after position " << request.after() << " of " << NameOf(service)
                << ": " << status.error_message();
  return std::nullopt;
}

bool Suite::Until(std::string_view description, const std::function<bool()>& holds) {
  const absl::Time until = absl::Now() + kPatience;
  while (!holds()) {
    if (absl::Now() > until) {
      ADD_FAILURE() << "It has not come to pass: " << description;
      return false;
    }
    Pause();
  }
  return true;
}

std::vector<common::v1::Event> Suite::ListFeed(Service service) {
  std::vector<common::v1::Event> events;
  common::v1::ListEventsRequest request;
  request.set_page_size(200);
  while (true) {
    const auto page = CallOn(service, "auditor", &common::v1::EventFeed::Stub::ListEvents, request);
    if (!page.ok() || page->events().empty()) {
      EXPECT_TRUE(page.ok()) << page.status().ToString();
      return events;
    }
    events.insert(events.end(), page->events().begin(), page->events().end());
    request.set_after(events.back().position());
  }
}

}  // namespace section55::testing
