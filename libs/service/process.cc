#include "libs/service/process.h"

#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <deque>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "db_schema.h"
#include "events_schema.h"
#include "jobs_schema.h"
#include "libs/base/log.h"
#include "libs/base/status.h"
#include "libs/calendar/london.h"
#include "libs/db/idempotency.h"
#include "libs/events/feed_service.h"
#include "libs/events/follower.h"
#include "libs/rpc/channel.h"
#include "libs/service/admin.h"
#include "libs/service/metrics.h"
#include "libs/service/prune.h"
#include "libs/service/readiness.h"
#include "libs/service/recovery.h"
#include "libs/service/settings.h"
#include "service_schema.h"

namespace section55::service {
namespace {

constexpr absl::Duration kGrace = absl::Seconds(10);
// How often a process looks whether all is well, and while it is not.
constexpr timespec kLook = {1, 0};
constexpr timespec kLookInTrouble = {0, 500'000'000};
// A look that gets no answer must not hold up a signal.
constexpr absl::Duration kPatience = absl::Seconds(2);
// What may be pruned has been kept for days: an hour more or less does not matter.
constexpr absl::Duration kPruningPause = absl::Hours(1);

std::string Text(absl::string_view view) { return {view.data(), view.size()}; }

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

// The libraries' own lines in our format. A refused handshake is a caller's matter: a warning.
void LogFromGrpc(gpr_log_func_args* args) {
  base::Log(base::Severity::kWarning, "grpc", {{"detail", std::string_view(args->message)}});
}
void LogFromProtobuf(google::protobuf::LogLevel level, const char* file, int line, const std::string& message) {
  base::Log(base::Severity::kWarning, "protobuf", {{"detail", message}});
}

// A time that never jumps.
absl::Duration SinceSomeTime() { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); }

void SetUpProcess(std::string_view name) {
  // Blocked in every thread, because later ones inherit this: Run takes them instead of a handler.
  pthread_sigmask(SIG_BLOCK, &StopSignals(), nullptr);
  signal(SIGPIPE, SIG_IGN);
  // Debian builds Abseil, and gRPC on it, with the search for lock cycles on: a graph under one lock, at every lock taken.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  gpr_set_log_function(LogFromGrpc);
  google::protobuf::SetLogHandler(LogFromProtobuf);
  base::StartLog(name);
}

}  // namespace

struct Process::Impl {
  Impl(std::string_view name, db::Schema schema, std::vector<const db::MessageTable*> tables)
      : name(name),
        schemas({db::MigrationSchema(), jobs::MigrationSchema(), events::MigrationSchema(), MigrationSchema(),
                 std::move(schema)}),
        tables(std::move(tables)) {}

  absl::Status Open(int argc, char** argv);
  absl::Status Migrate();
  absl::Status RunCommand();
  absl::Status Start();
  void Serve();
  absl::Status Recover();
  void Drain();
  std::vector<admin::v1::FollowerStatus> Followers();
  std::vector<Pruning::Kind> Prunable();

  const std::string name;
  const std::vector<db::Schema> schemas;
  const std::vector<const db::MessageTable*> tables;
  Settings settings;
  bool done = false;  // the command was not to serve
  base::DrivenClock* driven_clock = nullptr;

  // In the order in which they need each other.
  std::unique_ptr<base::Clock> clock;
  std::unique_ptr<db::Database> database;
  std::unique_ptr<access::TokenVerifier> tokens;
  std::unique_ptr<rpc::Server> server;
  std::unique_ptr<events::EventLog> log;
  std::unique_ptr<jobs::Queue> jobs;
  std::deque<events::Follower> followers;
  std::unique_ptr<Pruning> pruning;
  // The sequencer of events outlives the calls, so that what the last of them did is numbered; the rest stops before them.
  std::unique_ptr<Loops> sequencer;
  std::unique_ptr<Loops> loops;
  std::unique_ptr<Gauges> gauges;
  std::unique_ptr<http::Server> metrics;
  std::unique_ptr<events::EventFeedService> feed;
  std::unique_ptr<AdminService> admin;
  events::Handlers take_in;
  std::unique_ptr<RecoveryService> recovery;
  std::unique_ptr<DrivenClockService> driven_clock_service;
};

absl::Status Process::Impl::RunCommand() {
  switch (settings.command) {
    case Settings::Command::kBackup: {
      ASSIGN_OR_RETURN(const Manifest made, Backup(name, settings.database, settings.to, absl::Now()));
      fmt::print("{}: {}\n", settings.to, Describe(made));
      return absl::OkStatus();
    }
    case Settings::Command::kVerify: {
      ASSIGN_OR_RETURN(const Manifest found, Verify(settings.restore.from));
      fmt::print("{}: {}\n", settings.restore.from, Describe(found));
      return absl::OkStatus();
    }
    case Settings::Command::kRestore: {
      ASSIGN_OR_RETURN(const std::string kept,
                       Restore(name, settings.database, schemas, tables, settings.restore, absl::Now()));
      fmt::print("restored from {}{}\n", settings.restore.from,
                 kept.empty() ? "" : fmt::format("; what was there before is now {}", kept));
      return absl::OkStatus();
    }
    default:
      return Migrate();
  }
}

absl::Status Process::Impl::Migrate() {
  auto opened = db::Open(settings.database);
  if (!opened.ok()) {
    return About("database", opened.status());
  }
  database = *std::move(opened);
  const bool dry_run = settings.command == Settings::Command::kMigrateDryRun;
  ASSIGN_OR_RETURN(const auto steps, db::Migrate(*database, schemas, absl::Now(), dry_run));
  for (const db::Migration& step : steps) {
    fmt::print("{} {:04}_{}\n", dry_run ? "would apply" : "applied", step.version, step.name);
  }
  if (steps.empty()) {
    fmt::print("nothing to do\n");
  }
  return absl::OkStatus();
}

absl::Status Process::Impl::Open(int argc, char** argv) {
  ASSIGN_OR_RETURN(settings, ReadCommandLine(name, argc, argv));
  RETURN_IF_ERROR(calendar::CheckTimeZone());
  if (settings.command != Settings::Command::kServe) {
    done = true;
    return RunCommand();
  }
  auto opened = db::Open(settings.database);
  if (!opened.ok()) {
    return About("database", opened.status());
  }
  database = *std::move(opened);
  if (settings.driven_clock) {
    auto driven = std::make_unique<base::DrivenClock>(*settings.driven_clock);
    driven_clock = driven.get();
    clock = std::move(driven);
  } else {
    clock = base::MakeSystemClock();
  }
  if (settings.tokens) {
    auto verifier = access::TokenVerifier::Create(*settings.tokens);
    if (!verifier.ok()) {
      return About("jwks", verifier.status());
    }
    tokens = *std::move(verifier);
  }
  if (database->engine() == db::Engine::kSqlite) {
    RETURN_IF_ERROR(db::Migrate(*database, schemas, absl::Now(), /*dry_run=*/false).status());
  }
  server = std::make_unique<rpc::Server>(settings.server, *clock, tokens.get());
  log = std::make_unique<events::EventLog>(*database);
  jobs = std::make_unique<jobs::Queue>(*database, *clock, settings.replica);
  pruning = std::make_unique<Pruning>(Prunable(), kPruningPause);
  sequencer = std::make_unique<Loops>(*database, settings.replica);
  sequencer->Add(
      {.name = "events", .start = [this] { log->Start(); }, .stop = [this] { log->Stop(); }, .in_recovery = true});
  loops = std::make_unique<Loops>(*database, settings.replica);
  loops->Add({.name = "jobs", .start = [this] { jobs->Start(); }, .stop = [this] { jobs->Stop(); }});
  loops->Add(
      {.name = "prune", .start = [this] { pruning->Start(); }, .stop = [this] { pruning->Stop(); }, .leased = true});
  gauges = std::make_unique<Gauges>([this] { return Followers(); }, [this] { return jobs->Count(); });
  if (!settings.metrics_listen.empty()) {
    ASSIGN_OR_RETURN(metrics, OfferMetrics(settings.metrics_listen, *gauges));
  }
  return absl::OkStatus();
}

std::vector<Pruning::Kind> Process::Impl::Prunable() {
  const auto answers = [this](int limit) -> absl::StatusOr<int64_t> {
    int64_t deleted = 0;
    RETURN_IF_ERROR(database->Write([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(deleted, db::PruneRequests(tx, clock->Now(), limit));
      return absl::OkStatus();
    }));
    return deleted;
  };
  const auto old_events = [this](int limit) -> absl::StatusOr<int64_t> {
    return log->Prune(clock->Now(), settings.keep_events, limit);
  };
  return {{"answers", answers}, {"events", old_events}};
}

std::vector<admin::v1::FollowerStatus> Process::Impl::Followers() {
  std::vector<admin::v1::FollowerStatus> result;
  for (events::Follower& follower : followers) {
    result.push_back(follower.Status());
  }
  return result;
}

absl::Status Process::Impl::Start() {
  feed = std::make_unique<events::EventFeedService>(*server, *log);
  server->Register(events::kEventFeedName, *feed);
  AdminParts parts{.service_name = name, .clock = *clock, .database = *database, .log = *log, .jobs = *jobs};
  for (events::Follower& follower : followers) {
    parts.followers.push_back(&follower);
  }
  parts.tables = tables;
  parts.loops = [this] { return loops->Status(); };
  parts.schema = [this] { return db::CheckSchema(*database, schemas); };
  admin = std::make_unique<AdminService>(*server, std::move(parts));
  server->Register(kAdminName, *admin);
  recovery = std::make_unique<RecoveryService>(*server, *database, *clock, take_in);
  server->Register(kRecoveryName, *recovery);
  if (driven_clock != nullptr) {
    driven_clock_service = std::make_unique<DrivenClockService>(*server, *driven_clock);
    server->Register(kDrivenClockName, *driven_clock_service);
  }
  RETURN_IF_ERROR(server->Start());
  if (metrics != nullptr) {
    RETURN_IF_ERROR(metrics->Start());
    base::Log(base::Severity::kInfo, "metrics", {{"port", int64_t{metrics->port()}}});
  }
  const std::string host = settings.server.listen.substr(0, settings.server.listen.rfind(':'));
  base::Log(base::Severity::kInfo, "listening",
            {{"address", fmt::format("{}:{}", host, server->port())},
             {"port", int64_t{server->port()}},
             {"replica", settings.replica}});
  return absl::OkStatus();
}

// Whether the service can be opened, if its database was restored; brings that about.
absl::Status Process::Impl::Recover() {
  bool held = false;
  const absl::Status status = CheckRecovered(*database, absl::Now() + kPatience, held);
  for (events::Follower& follower : followers) {
    follower.Hold(held);
    if (base::ErrorInfoOf(status).reason() == rpc::kRecovering && !held && follower.IsAtTheEnd()) {
      RETURN_IF_ERROR(HasCaughtUp(*database, follower.source()));
    }
  }
  return status;
}

void Process::Impl::Serve() {
  Readiness readiness({
      .schema = [this] { return db::CheckSchema(*database, schemas); },
      .database = [this] { return database->Ping(absl::Now() + kPatience); },
      .recovered = [this] { return Recover(); },
      .changed =
          [&](const absl::Status& status) {
            server->SetServing(status);
            if (status.ok()) {
              base::Log(base::Severity::kInfo, "serving");
            } else {
              base::Log(base::Severity::kWarning, "not serving", {{"reason", status.ToString()}});
            }
          },
  });
  int signal = -1;
  while (signal < 0) {
    const absl::Duration now = SinceSomeTime();
    readiness.Look(now);
    // While it is being put right after a restore, the database is there all the same.
    const bool recovering = base::ErrorInfoOf(readiness.status()).reason() == rpc::kRecovering;
    const Loops::DatabaseState state = {readiness.schema_is_right(), readiness.status().ok() || recovering,
                                        readiness.recovered()};
    sequencer->Tend(state, now, absl::Now());
    loops->Tend(state, now, absl::Now());
    // Nothing, too, when it is interrupted: another look does no harm.
    signal = sigtimedwait(&StopSignals(), nullptr, readiness.status().ok() ? &kLook : &kLookInTrouble);
  }
  base::Log(base::Severity::kInfo, "stopping", {{"signal", int64_t{signal}}});
}

void Process::Impl::Drain() {
  loops->Stop();
  server->Drain(kGrace);
  sequencer->Stop();
  if (metrics != nullptr) {
    metrics->Stop();
  }
  base::Log(base::Severity::kInfo, "stopped");
}

Process::Process(std::string_view name, db::Schema schema, std::vector<const db::MessageTable*> tables)
    : impl_(std::make_unique<Impl>(name, std::move(schema), std::move(tables))) {}

Process::~Process() {
  impl_.reset();
  base::StopLog();
}

std::optional<int> Process::Open(int argc, char** argv) {
  SetUpProcess(impl_->name);
  if (const absl::Status status = impl_->Open(argc, argv); !status.ok()) {
    return Fail(status);
  }
  return impl_->done ? std::optional(0) : std::nullopt;
}

Parts Process::parts() { return {*impl_->server, *impl_->database, *impl_->clock, *impl_->log, *impl_->jobs}; }
db::Database& Process::database() { return *impl_->database; }
rpc::Server& Process::server() { return *impl_->server; }
base::Clock& Process::clock() { return *impl_->clock; }

std::shared_ptr<grpc::Channel> Process::ConnectTo(const std::string& address) {
  return rpc::ConnectToPeer(address, impl_->settings.server.certificates);
}

void Process::Serve(std::string_view full_name, grpc::Service& service, access::TenantDirectory* directory) {
  impl_->server->Register(full_name, service);
  if (directory != nullptr) {
    impl_->server->SetTenantDirectory(directory);
  }
}

void Process::Follow(std::string_view source, const std::string& address, events::Handlers handlers,
                     std::vector<events::Holding> holdings) {
  events::Follower& follower = impl_->followers.emplace_back(std::string(source), ConnectTo(address), *impl_->database,
                                                             *impl_->clock, *impl_->jobs, std::move(handlers));
  follower.GivesBack(std::move(holdings));
  Add({.name = fmt::format("follow {}", source),
       .start = [&follower] { follower.Start(); },
       .stop = [&follower] { follower.Stop(); },
       .in_recovery = true,
       .leased = true});
}

void Process::TakeIn(events::Handlers handlers) { impl_->take_in = std::move(handlers); }

void Process::Add(Loop loop) { impl_->loops->Add(std::move(loop)); }

int Process::Fail(const absl::Status& status) {
  base::StopLog();
  fmt::print(stderr, "{}: {}\n", impl_->name, Text(status.message()));
  return 1;
}

int Process::Run() {
  if (const absl::Status status = impl_->Start(); !status.ok()) {
    return Fail(status);
  }
  impl_->Serve();
  impl_->Drain();
  return 0;
}

}  // namespace section55::service
