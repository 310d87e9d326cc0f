#include "libs/rpc/process.h"

#include <fmt/format.h>
#include <grpc/support/log.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "libs/base/log.h"
#include "libs/base/status.h"
#include "libs/calendar/london.h"
#include "libs/db/idempotency.h"
#include "libs/rpc/address.h"
#include "libs/rpc/metrics.h"

ABSL_FLAG(std::string, listen, "", "HOST:PORT to listen on with TLS; port 0 picks a free one. Required.");
ABSL_FLAG(std::string, metrics_listen, "", "Loopback HOST:PORT for Prometheus under /metrics; none without it.");
ABSL_FLAG(std::string, certificates, "",
          "Folder with certificate.pem, key.pem and ca.pem; read again when they change. Required.");
ABSL_FLAG(std::string, jwks, "",
          "JSON Web Key Set that people's tokens are checked with; without it only services call.");
ABSL_FLAG(std::string, token_issuer, "", "The `iss` that a token must have. Required with --jwks.");
ABSL_FLAG(std::string, token_audience, "", "The `aud` that a token must have. Required with --jwks.");
ABSL_FLAG(std::string, database, "",
          "sqlite:PATH, mysql://USER@HOST[:PORT]/NAME or mysql://USER@/NAME?socket=PATH; by default SERVICE.db here.");
ABSL_FLAG(std::string, database_password_file, "", "File with the password of a mysql database.");
ABSL_FLAG(int, database_connections, 8, "Connections for reading (SQLite) or in all (MySQL).");
ABSL_FLAG(int, max_concurrent_calls, 256, "Calls handled at once, open streams included; more are refused at once.");
ABSL_FLAG(double, calls_per_second_per_caller, 2000, "On average, twice that in a burst; 0 for no limit.");
ABSL_FLAG(std::string, driven_clock, "",
          "For tests and sample data: a clock that stands still until DrivenClock.SetTime, from this time on "
          "(2026-01-31T09:00:00Z, or \"now\"). On loopback only.");
ABSL_FLAG(bool, dry_run, false, "With `migrate`: say what would be done and do nothing.");

namespace section55::rpc {
namespace {

constexpr absl::Duration kGrace = absl::Seconds(10);
constexpr time_t kSchemaLookSeconds = 2;
// Answers kept for repeated requests live for days, so an hour more or less does not matter.
constexpr time_t kPruneSeconds = 3600;
constexpr int kPruneAtOnce = 1000;

std::string Text(absl::string_view view) { return {view.data(), view.size()}; }

// Says which flag an error is about.
absl::Status About(std::string_view flag, const absl::Status& status) {
  return absl::Status(status.code(), fmt::format("--{}: {}", flag, Text(status.message())));
}

const sigset_t& StopSignals() {
  static const sigset_t signals = [] {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
  }();
  return signals;
}

// gRPC's own lines in our format. A refused handshake is a caller's matter: a warning.
void LogFromGrpc(gpr_log_func_args* args) {
  base::Log(base::Severity::kWarning, "grpc", {{"detail", std::string_view(args->message)}});
}

absl::StatusOr<bool> WantsMigration(int argc, char** argv, const std::string& service_name) {
  absl::SetProgramUsageMessage(fmt::format("[--flag=value ...] [migrate [--dry_run]]\nThe {} service.", service_name));
  absl::FlagsUsageConfig usage;
  // --help shows these flags and those of the service's own main.
  usage.contains_help_flags = [](absl::string_view file) {
    return Text(file).find("libs/rpc/") != std::string::npos || Text(file).find("services/") != std::string::npos;
  };
  absl::SetFlagsUsageConfig(usage);
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  for (size_t i = 1; i < words.size(); ++i) {
    if (std::string_view(words[i]) != "migrate" || words.size() > 2) {
      return absl::InvalidArgumentError(
          fmt::format("\"{}\" makes no sense here: flags begin with --, and the only command is migrate", words[i]));
    }
  }
  if (words.size() == 1 && absl::GetFlag(FLAGS_dry_run)) {
    return absl::InvalidArgumentError("--dry_run belongs to the command migrate");
  }
  return words.size() == 2;
}

absl::StatusOr<absl::Time> ReadTime(const std::string& text) {
  if (text == "now") {
    return absl::Now();
  }
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return absl::InvalidArgumentError(fmt::format("\"{}\" is not a time such as 2026-01-31T09:00:00Z", text));
  }
  return time;
}

}  // namespace

struct Process::Impl {
  std::string service_name;
  std::string certificates;
  std::string listen;
  std::vector<db::Schema> schemas;
  bool finished = false;
  absl::Status schema_status;
  base::DrivenClock* driven = nullptr;

  // In the order in which they need each other.
  std::unique_ptr<base::Clock> clock;
  std::unique_ptr<db::Database> database;
  std::unique_ptr<access::TokenVerifier> tokens;
  std::shared_ptr<MetricsPort> metrics;
  std::unique_ptr<Server> server;

  absl::Status MakeClock();
  absl::Status OpenDatabase();
  absl::Status Migrate(bool dry_run);
  absl::Status MakeServer();
  // Deletes the answers to repeated requests that nobody may ask for any more.
  void LetOldAnswersGo();
};

absl::Status Process::Impl::MakeClock() {
  const std::string start = absl::GetFlag(FLAGS_driven_clock);
  if (start.empty()) {
    clock = base::MakeSystemClock();
    return absl::OkStatus();
  }
  if (!IsLoopback(listen)) {
    return absl::InvalidArgumentError(
        fmt::format("--driven_clock is for tests on one machine, and --listen={} is not a loopback address", listen));
  }
  const auto time = ReadTime(start);
  if (!time.ok()) {
    return About("driven_clock", time.status());
  }
  auto driven_clock = std::make_unique<base::DrivenClock>(*time);
  driven = driven_clock.get();
  clock = std::move(driven_clock);
  return absl::OkStatus();
}

absl::Status Process::Impl::OpenDatabase() {
  db::Options options;
  options.url = absl::GetFlag(FLAGS_database);
  if (options.url.empty()) {
    options.url = fmt::format("sqlite:{}.db", service_name);
  }
  options.password_file = absl::GetFlag(FLAGS_database_password_file);
  options.connections = absl::GetFlag(FLAGS_database_connections);
  if (options.connections < 1) {
    return absl::InvalidArgumentError("--database_connections must be at least 1");
  }
  auto opened = db::Open(options);
  if (!opened.ok()) {
    return About("database", opened.status());
  }
  database = *std::move(opened);
  return absl::OkStatus();
}

absl::Status Process::Impl::Migrate(bool dry_run) {
  ASSIGN_OR_RETURN(const auto steps, db::Migrate(*database, schemas, absl::Now(), dry_run));
  for (const db::Migration& step : steps) {
    fmt::print("{} {:04}_{}\n", dry_run ? "would apply" : "applied", step.version, step.name);
  }
  if (steps.empty()) {
    fmt::print("nothing to do\n");
  }
  return absl::OkStatus();
}

absl::Status Process::Impl::MakeServer() {
  if (const std::string jwks = absl::GetFlag(FLAGS_jwks); !jwks.empty()) {
    access::TokenVerifier::Options options;
    options.jwks_path = jwks;
    options.issuer = absl::GetFlag(FLAGS_token_issuer);
    options.audience = absl::GetFlag(FLAGS_token_audience);
    if (options.issuer.empty() || options.audience.empty()) {
      return absl::InvalidArgumentError("--jwks needs --token_issuer and --token_audience as well");
    }
    auto verifier = access::TokenVerifier::Create(options);
    if (!verifier.ok()) {
      return About("jwks", verifier.status());
    }
    tokens = *std::move(verifier);
  }
  ServerOptions options;
  options.service_name = service_name;
  options.listen = listen;
  options.certificates = certificates;
  options.max_concurrent_calls = absl::GetFlag(FLAGS_max_concurrent_calls);
  options.calls_per_second_per_caller = absl::GetFlag(FLAGS_calls_per_second_per_caller);
  server = std::make_unique<Server>(std::move(options), *clock, tokens.get());
  return absl::OkStatus();
}

Process::Process() : impl_(std::make_unique<Impl>()) {}
Process::~Process() {
  // Left open until the process ends: stopping its threads takes the library two seconds.
  // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new): sixteen bytes at the end of a process
  static auto& open_to_the_end = *new std::shared_ptr<MetricsPort>;
  open_to_the_end = std::move(impl_->metrics);
  impl_->server.reset();
  base::StopLog();
}

absl::StatusOr<std::unique_ptr<Process>> Process::Create(std::string_view service_name, int argc, char** argv,
                                                         std::vector<db::Schema> schemas) {
  // Blocked in every thread, because later ones inherit this: WaitForSignal takes them instead of a handler.
  pthread_sigmask(SIG_BLOCK, &StopSignals(), nullptr);
  signal(SIGPIPE, SIG_IGN);
  // Debian builds Abseil, and gRPC on it, with the search for lock cycles on: a graph under one lock, at every lock taken.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);

  std::unique_ptr<Process> process(new Process);
  Impl& impl = *process->impl_;
  impl.service_name = service_name;
  impl.schemas = std::move(schemas);
  ASSIGN_OR_RETURN(const bool migrate, WantsMigration(argc, argv, impl.service_name));
  impl.listen = absl::GetFlag(FLAGS_listen);
  impl.certificates = absl::GetFlag(FLAGS_certificates);
  if (!migrate && impl.listen.empty()) {
    return absl::InvalidArgumentError("--listen is missing: say where to listen, for example --listen=127.0.0.1:7101");
  }
  if (!migrate && impl.certificates.empty()) {
    return absl::InvalidArgumentError(
        "--certificates is missing: name the folder with certificate.pem, key.pem and ca.pem");
  }
  RETURN_IF_ERROR(calendar::CheckTimeZone());
  base::StartLog(service_name);
  gpr_set_log_function(LogFromGrpc);
  if (migrate) {
    RETURN_IF_ERROR(impl.OpenDatabase());
    RETURN_IF_ERROR(impl.Migrate(absl::GetFlag(FLAGS_dry_run)));
    impl.finished = true;
    return process;
  }
  RETURN_IF_ERROR(impl.MakeClock());
  RETURN_IF_ERROR(impl.MakeServer());
  if (const std::string address = absl::GetFlag(FLAGS_metrics_listen); !address.empty()) {
    ASSIGN_OR_RETURN(impl.metrics, OfferMetrics(address));
    base::Log(base::Severity::kInfo, "metrics", {{"port", int64_t{impl.metrics->port()}}});
  }
  RETURN_IF_ERROR(impl.OpenDatabase());
  if (impl.database->engine() == db::Engine::kSqlite) {
    RETURN_IF_ERROR(db::Migrate(*impl.database, impl.schemas, absl::Now(), /*dry_run=*/false).status());
  }
  impl.schema_status = db::CheckSchema(*impl.database, impl.schemas);
  return process;
}

bool Process::finished() const { return impl_->finished; }
base::Clock& Process::clock() { return *impl_->clock; }
db::Database& Process::database() { return *impl_->database; }
Server& Process::server() { return *impl_->server; }
const std::string& Process::certificates() const { return impl_->certificates; }
const std::vector<db::Schema>& Process::schemas() const { return impl_->schemas; }
base::DrivenClock* Process::driven_clock() { return impl_->driven; }
const absl::Status& Process::schema_status() const { return impl_->schema_status; }

absl::Status Process::Start() {
  RETURN_IF_ERROR(impl_->server->Start());
  if (impl_->schema_status.ok()) {
    impl_->LetOldAnswersGo();
  }
  impl_->server->SetServing(impl_->schema_status);
  const std::string host = impl_->listen.substr(0, impl_->listen.rfind(':'));
  base::Log(base::Severity::kInfo, "listening",
            {{"address", fmt::format("{}:{}", host, impl_->server->port())}, {"port", int64_t{impl_->server->port()}}});
  if (!impl_->schema_status.ok()) {
    base::Log(base::Severity::kWarning, "not serving", {{"reason", Text(impl_->schema_status.message())}});
  }
  return absl::OkStatus();
}

void Process::Impl::LetOldAnswersGo() {
  int64_t pruned = kPruneAtOnce;
  while (pruned == kPruneAtOnce) {
    const absl::Status status = database->Write([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(pruned, db::PruneRequests(tx, clock->Now(), kPruneAtOnce));
      return absl::OkStatus();
    });
    if (!status.ok()) {
      base::Log(base::Severity::kWarning, "old answers were not pruned", {{"error", Text(status.message())}});
      return;
    }
  }
}

void Process::WaitForSignal() {
  int signal = -1;
  while (signal < 0) {
    const timespec wait = {impl_->schema_status.ok() ? kPruneSeconds : kSchemaLookSeconds, 0};
    signal = sigtimedwait(&StopSignals(), nullptr, &wait);
    if (signal >= 0 || errno != EAGAIN) {
      continue;
    }
    if (impl_->schema_status.ok()) {
      impl_->LetOldAnswersGo();
    } else {
      // Perhaps an operator has migrated by now.
      impl_->schema_status = db::CheckSchema(*impl_->database, impl_->schemas);
      impl_->server->SetServing(impl_->schema_status);
    }
  }
  base::Log(base::Severity::kInfo, "stopping", {{"signal", int64_t{signal}}});
}

void Process::Drain() {
  impl_->server->Drain(kGrace);
  base::Log(base::Severity::kInfo, "stopped");
}

int Fail(std::string_view service_name, const absl::Status& status) {
  base::StopLog();
  fmt::print(stderr, "{}: {}\n", service_name, Text(status.message()));
  return 1;
}

}  // namespace section55::rpc
