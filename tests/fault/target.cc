#include "tests/fault/target.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "libs/testing/suite.h"
#include "section55/registry/v1/inspection_registry.grpc.pb.h"

namespace section55::fault {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(1);
// An attack and its victim share the processors of a test machine with whatever else runs there.
constexpr absl::Duration kBystandersPatience = absl::Seconds(30);

// Between two looks at another process: its memory, descriptors and log tell nobody when they change.
void Pause() { absl::Notification().WaitForNotificationWithTimeout(absl::Milliseconds(50)); }  // NOLINT

}  // namespace

int Rounds() {
  const char* const rounds = std::getenv("SECTION55_ATTACK_ROUNDS");
  return rounds == nullptr ? 1 : std::max(1, std::atoi(rounds));
}

Target::Target(std::string service, std::vector<std::string> flags, std::vector<std::string> limits) {
  const testing::Pki& pki = testing::Pki::Get();
  testing::Command command{.words = std::move(limits)};
  for (std::string word :
       {fmt::format("{}/{}", SECTION55_BIN_DIR, service), "--listen=" + port_.address(),
        "--metrics_listen=" + metrics_port_.address(), "--certificates=" + pki.certificates(service).string(),
        "--jwks=" + (pki.folder() / "pki" / "jwks.json").string(),
        std::string("--token_issuer=https://section55.local"), std::string("--token_audience=section55"),
        fmt::format("--database=sqlite:{}/{}.sqlite", folder_.path().string(), service)}) {
    command.words.push_back(std::move(word));
  }
  if (service == "publication") {
    command.words.push_back("--web_listen=" + web_port_.address());
    command.words.push_back("--response_authoring=127.0.0.1:1");
    command.words.push_back("--inspection_registry=127.0.0.1:1");
  }
  command.words.insert(command.words.end(), flags.begin(), flags.end());
  testing::Command begin = command;
  begin.words.insert(begin.words.end(), {"migrate", "--new"});
  if (const testing::Outcome begun = testing::Run(begin); begun.exit_code != 0) {
    fmt::print(stderr, "{} does not begin a database: {}\n", service, begun.errors);
    std::exit(EXIT_FAILURE);
  }
  const auto log = folder_.path() / "log";
  process_ = std::make_unique<testing::Process>(command, log, log);
  if (!Until([this] { return Answers(absl::Seconds(1)); })) {
    fmt::print(stderr, "{} does not start: {}\n", service, Log());
    std::exit(EXIT_FAILURE);
  }
}

Target::~Target() {
  if (::testing::Test::HasFailure()) {
    folder_.Keep();
    fmt::print("the log: {}\n", (folder_.path() / "log").string());
  }
}

std::string Target::Log() const { return testing::ReadFile(folder_.path() / "log"); }

std::shared_ptr<grpc::Channel> Target::NewChannel() const {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = testing::ReadFile(testing::Pki::Get().ca());
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
  return grpc::CreateCustomChannel(port_.address(), grpc::SslCredentials(tls), arguments);
}

bool Target::Answers(absl::Duration within) const {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + within));
  context.set_wait_for_ready(true);
  grpc::health::v1::HealthCheckRequest request;
  grpc::health::v1::HealthCheckResponse response;
  return grpc::health::v1::Health::NewStub(NewChannel())->Check(&context, request, &response).ok();
}

int64_t Target::Status(const std::string& field) const {
  std::ifstream file(fmt::format("/proc/{}/status", process_->pid()));
  std::string word;
  int64_t kib = 0;
  while (file >> word) {
    if (word == field) {
      file >> kib;
    }
  }
  return kib / 1024;
}

int64_t Target::Descriptors() const {
  return std::distance(std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", process_->pid())), {});
}

bool Target::Until(const std::function<bool()>& holds) {
  const absl::Time until = absl::Now() + kPatience;
  while (!holds()) {
    if (absl::Now() > until) {
      return false;
    }
    Pause();
  }
  return true;
}

Bystanders::Bystanders(const Target& target) : target_(target) {
  threads_.emplace_back([this] {
    const auto stub = registry::v1::InspectionRegistry::NewStub(target_.NewChannel());
    while (!stopping_) {
      const auto context = testing::Suite::As("registrar");
      context->set_deadline(absl::ToChronoTime(absl::Now() + kBystandersPatience));
      registry::v1::ListInspectionsRequest request;
      registry::v1::ListInspectionsResponse response;
      const grpc::Status status = stub->ListInspections(context.get(), request, &response);
      ++(status.ok() ? answered_ : refused_);
      if (!status.ok()) {
        fmt::print("refused: {}\n", status.error_message());
      }
      Pause();
    }
  });
  threads_.emplace_back([this] {
    while (!stopping_) {
      ++(target_.Answers(kBystandersPatience) ? answered_ : refused_);
      Pause();
    }
  });
}

void Bystanders::Stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) {
    thread.join();
  }
  if (!std::exchange(threads_, {}).empty()) {
    EXPECT_EQ(refused_, 0) << "calls of others were not answered";
    EXPECT_GT(answered_, 0);
  }
}

}  // namespace section55::fault
