#include "libs/service/process.h"

#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <deque>
#include <thread>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "db_schema.h"
#include "events_schema.h"
#include "jobs_schema.h"
#include "libs/base/audit.h"
#include "libs/base/guarded_clock.h"
#include "libs/base/log.h"
#include "libs/base/log_limit.h"
#include "libs/base/status.h"
#include "libs/calendar/london.h"
#include "libs/db/idempotency.h"
#include "libs/db/owner.h"
#include "libs/events/feed_service.h"
#include "libs/events/follower.h"
#include "libs/rpc/certificates.h"
#include "libs/rpc/channel.h"
#include "libs/service/admin.h"
#include "libs/service/clock_watch.h"
#include "libs/service/files.h"
#include "libs/service/lookout.h"
#include "libs/service/metrics.h"
#include "libs/service/probe.h"
#include "libs/service/prune.h"
#include "libs/service/readiness.h"
#include "libs/service/recovery.h"
#include "libs/service/settings.h"
#include "service_schema.h"

// Read by jemalloc when the program starts. What a crowd of callers took goes back to the system within seconds after they have left,
// whether or not anybody calls then.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:5000,muzzy_decay_ms:0";
}

namespace section55::service {
namespace {

// From the signal to the end of the process, come what may: 10 seconds, the last of which is for the log. And what running calls get.
constexpr absl::Duration kGrace = absl::Seconds(9);
constexpr absl::Duration kGraceOfCalls = absl::Seconds(8);
// The exit code of a process that did not end by itself within its grace.
constexpr int kCutOff = 3;
// How often a process looks whether all is well, and while it is not; and how often it sees to it that it does.
constexpr absl::Duration kLook = absl::Seconds(1);
constexpr absl::Duration kLookInTrouble = absl::Milliseconds(500);
constexpr timespec kWatch = {1, 0};
// What a check gets.
constexpr absl::Duration kPatience = absl::Seconds(2);
// MySQL: when a server that is asked whether it is there has been silent for too long.
constexpr absl::Duration kLongestSilence = absl::Seconds(3);
// For rows of replicas that are gone.
constexpr absl::Duration kKeepProbes = absl::Hours(24 * 7);
// What may be pruned has been kept for days: an hour more or less does not matter.
constexpr absl::Duration kPruningPause = absl::Hours(1);

// Lines of gRPC's own, a second.
constexpr int kGrpcLines = 20;

std::string Text(absl::string_view view) { return {view.data(), view.size()}; }

// SIGHUP asks to look at everything anew; the others to end.
const sigset_t& Signals() {
  static const sigset_t signals = [] {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGHUP, SIGINT, SIGTERM}) {
      sigaddset(&set, signal);
    }
    return set;
  }();
  return signals;
}

// The libraries' own lines in our format. A refused handshake is a caller's matter: a warning.
void LogFromGrpc(gpr_log_func_args* args) {
  // Anybody who can connect can cause them.
  static base::LogLimit& limit = *new base::LogLimit(kGrpcLines);
  if (int64_t left_out = 0; limit.Take(left_out)) {
    base::Log(base::Severity::kWarning, "grpc",
              {{"detail", std::string_view(args->message)}, {"left_out_before", left_out}});
  }
}
void LogFromProtobuf(google::protobuf::LogLevel level, const char* file, int line, const std::string& message) {
  base::Log(base::Severity::kWarning, "protobuf", {{"detail", message}});
}

// A time that never jumps.
absl::Duration SinceSomeTime() { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); }

// A process that answers nobody is of no use: its supervisor starts another. Nothing acknowledged is lost by ending like this, and waiting
// for calls could wait for ever.
[[noreturn]] void EndDeaf(const absl::Status& why) {
  base::Log(base::Severity::kError, "deaf: no new connection is answered; ending with exit code 1",
            {{"error", std::string_view(why.message().data(), why.message().size())}});
  base::StopLog();
  _exit(1);
}

void SetUpProcess(std::string_view name) {
  // Blocked in every thread, because later ones inherit this: Run takes them instead of a handler.
  pthread_sigmask(SIG_BLOCK, &Signals(), nullptr);
  signal(SIGPIPE, SIG_IGN);
  // A file that may not grow any more is an error of that write, as a full disk is.
  signal(SIGXFSZ, SIG_IGN);
  // Debian builds Abseil, and gRPC on it, with the search for lock cycles on: a graph under one lock, at every lock taken.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  gpr_set_log_function(LogFromGrpc);
  google::protobuf::SetLogHandler(LogFromProtobuf);
  base::StartLog(name);
  KeepFilesPrivate();
}

// What health says of a database that fails a check. The sentence of an operator's mistake says it best itself.
absl::Status Unready(std::string_view what, const absl::Status& status) {
  if (status.ok() || absl::IsFailedPrecondition(status)) {
    return status;
  }
  const std::string detail = base::DetailOf(status);
  return base::WithDetail(base::Error(absl::StatusCode::kUnavailable, "DATABASE_UNAVAILABLE", what),
                          detail.empty() ? Text(status.message()) : detail);
}

// What a process that ends waits for.
std::atomic<const char*> ending = "";

// From a thread of its own, which nothing can hold up.
void EndWithinGrace() {
  std::thread([] {
    absl::Notification never;
    never.WaitForNotificationWithTimeout(kGrace);  // NOLINT: the time itself is what is waited for
    base::Log(base::Severity::kError, "cut off: it did not end in time",
              {{"waiting_for", std::string_view(ending.load())}, {"exit_code", int64_t{kCutOff}}});
    base::StopLog();
    _exit(kCutOff);
  }).detach();
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
  // Whether the database is this service's and has the schema that the program needs.
  absl::Status CheckDatabase();
  // What the command line asks for beside serving.
  absl::Status RunCommand();
  absl::Status Start();
  // Looks whether all is well, and at the loops. Returns when to look again.
  absl::Duration Look();
  void Serve();
  absl::Status Recover();
  void Drain();
  std::vector<admin::v1::FollowerStatus> Followers();
  Readiness::Checks Checks();
  std::vector<Pruning::Kind> Prunable();

  const std::string name;
  const std::vector<db::Schema> schemas;
  const std::vector<const db::MessageTable*> tables;
  Settings settings;
  std::vector<std::string> feed_followers;
  bool done = false;  // the command was not to serve
  // The clock is one of the two.
  base::DrivenClock* driven_clock = nullptr;
  base::GuardedClock* guarded_clock = nullptr;
  std::optional<ClockWatch> clock_watch;

  // In the order in which they need each other.
  std::unique_ptr<base::Clock> clock;
  std::unique_ptr<db::Database> database;
  // What is asked whether the database is there, and for leases. On MySQL by a connection of its own: calls that use up all of the
  // others say nothing about the database.
  std::unique_ptr<db::Database> beside;
  db::Database* watched = nullptr;
  std::unique_ptr<Readiness> readiness;
  std::unique_ptr<access::TokenVerifier> tokens;
  std::unique_ptr<rpc::Server> server;
  std::unique_ptr<events::EventLog> log;
  std::unique_ptr<jobs::Queue> jobs;
  std::deque<events::Follower> followers;
  std::unique_ptr<Pruning> pruning;
  // The sequencer of events outlives the calls, so that what the last of them did is numbered; the rest stops before them.
  std::unique_ptr<Loops> sequencer;
  std::unique_ptr<Loops> loops;
  std::unique_ptr<Lookout> lookout;
  std::unique_ptr<Gauges> gauges;
  std::unique_ptr<http::Server> metrics;
  std::unique_ptr<events::EventFeedService> feed;
  std::unique_ptr<AdminService> admin;
  events::Handlers take_in;
  std::unique_ptr<RecoveryService> recovery;
  std::unique_ptr<DrivenClockService> driven_clock_service;
};

absl::Status Process::Impl::CheckDatabase() {
  RETURN_IF_ERROR(db::CheckOwner(*watched, name, settings.deployment, absl::Now() + kPatience));
  return db::CheckSchema(*watched, schemas, absl::Now() + kPatience);
}

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
  if (settings.command == Settings::Command::kMigrateNew) {
    RETURN_IF_ERROR(db::Begin(*database, name, settings.deployment, absl::Now()));
    fmt::print("begun for {} in the deployment {}\n", name, settings.deployment);
  } else {
    RETURN_IF_ERROR(db::CheckOwner(*database, name, settings.deployment));
  }
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
  const auto open = [](const db::Options& options) -> absl::StatusOr<std::unique_ptr<db::Database>> {
    auto opened = db::Open(options);
    if (!opened.ok()) {
      return About("database", opened.status());
    }
    return opened;
  };
  if (const absl::Status status = ProtectDatabase(settings.database.url); !status.ok()) {
    return About("database", status);
  }
  if (settings.command != Settings::Command::kServe) {
    done = true;
    return RunCommand();
  }
  ASSIGN_OR_RETURN(database, open(settings.database));
  if (const absl::Status audit = base::StartAudit(name, settings.audit_file); !audit.ok()) {
    return About("audit_file", audit);
  }
  if (settings.driven_clock) {
    auto driven = std::make_unique<base::DrivenClock>(*settings.driven_clock);
    driven_clock = driven.get();
    clock = std::move(driven);
  } else {
    auto guarded = std::make_unique<base::GuardedClock>();
    guarded_clock = guarded.get();
    clock_watch.emplace(*guarded_clock, [this] { return database->MachineTime(absl::Now() + kPatience); });
    clock = std::move(guarded);
  }
  if (settings.tokens) {
    auto verifier = access::TokenVerifier::Create(*settings.tokens);
    if (!verifier.ok()) {
      return About("jwks", verifier.status());
    }
    tokens = *std::move(verifier);
  }
  if (database->engine() == db::Engine::kSqlite) {
    RETURN_IF_ERROR(db::CheckOwner(*database, name, settings.deployment));
    RETURN_IF_ERROR(db::Migrate(*database, schemas, absl::Now(), /*dry_run=*/false).status());
    watched = database.get();
  } else {
    db::Options options = settings.database;
    options.connections = 1;
    options.longest_silence = kLongestSilence;
    ASSIGN_OR_RETURN(beside, open(options));
    watched = beside.get();
  }
  settings.server.deaf = EndDeaf;
  server = std::make_unique<rpc::Server>(settings.server, *clock, tokens.get());
  log = std::make_unique<events::EventLog>(*database);
  jobs = std::make_unique<jobs::Queue>(*database, *clock, settings.replica);
  pruning = std::make_unique<Pruning>(Prunable(), kPruningPause);
  sequencer = std::make_unique<Loops>(*watched, settings.replica);
  sequencer->Add(
      {.name = "events", .start = [this] { log->Start(); }, .stop = [this] { log->Stop(); }, .in_recovery = true});
  loops = std::make_unique<Loops>(*watched, settings.replica);
  loops->Add({.name = "jobs", .start = [this] { jobs->Start(); }, .stop = [this] { jobs->Stop(); }});
  loops->Add(
      {.name = "prune", .start = [this] { pruning->Start(); }, .stop = [this] { pruning->Stop(); }, .leased = true});
  readiness = std::make_unique<Readiness>(Checks());
  lookout = std::make_unique<Lookout>([this] { return Look(); });
  gauges = std::make_unique<Gauges>(Gauges::Parts{
      .followers = [this] { return Followers(); },
      .jobs = [this] { return jobs->Count(); },
      .unnumbered_events = [this] { return log->CountUnnumbered(); },
      .pools = [this] { return database->Pools(); },
      .certificate_expires = [this] { return rpc::ExpiryInUse(settings.server.certificates); },
      .clock = guarded_clock,
  });
  if (!settings.metrics_listen.empty()) {
    ASSIGN_OR_RETURN(metrics, OfferMetrics(settings.metrics_listen, *gauges));
  }
  return absl::OkStatus();
}

Readiness::Checks Process::Impl::Checks() {
  return {
      .schema = [this] { return Unready("the database cannot be used", CheckDatabase()); },
      .database = [this] { return Unready("the database cannot be used", watched->Ping(absl::Now() + kPatience)); },
      .write =
          [this] {
            return Unready("the database takes no changes",
                           WriteProbe(*watched, settings.replica, absl::Now(), absl::Now() + kPatience));
          },
      .storage = [this] { return Unready("the database is damaged", watched->Verify(absl::Now() + kPatience)); },
      .certificate = [this]() -> absl::Status {
        const absl::Time until = rpc::ExpiryInUse(settings.server.certificates);
        return absl::Now() < until
                   ? absl::OkStatus()
                   : base::Error(absl::StatusCode::kUnavailable, "CERTIFICATE_INVALID",
                                 fmt::format("the certificate has expired at {}: put a new one into the folder of "
                                             "--certificates",
                                             absl::FormatTime(absl::RFC3339_sec, until, absl::UTCTimeZone())));
      },
      .recovered = [this] { return Recover(); },
      .changed =
          [this](const absl::Status& status) {
            server->SetServing(status);
            if (status.ok()) {
              base::Log(base::Severity::kInfo, "serving");
            } else {
              base::Log(base::Severity::kWarning, "not serving",
                        {{"reason", Text(status.message())}, {"detail", base::DetailOf(status)}});
            }
          },
  };
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
  const auto probes = [this](int) { return PruneProbes(*database, absl::Now() - kKeepProbes); };
  return {{"answers", answers}, {"events", old_events}, {"probes", probes}};
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
  server->AllowServices(events::kEventFeedName, feed_followers);
  AdminParts parts{.service_name = name,
                   .deployment = settings.deployment,
                   .clock = *clock,
                   .database = *database,
                   .log = *log,
                   .jobs = *jobs};
  for (events::Follower& follower : followers) {
    parts.followers.push_back(&follower);
  }
  parts.tables = tables;
  parts.loops = [this] { return loops->Status(); };
  parts.schema = [this] { return CheckDatabase(); };
  parts.health = [this] { return AdminParts::Health{readiness->status(), readiness->database()}; };
  parts.guarded_clock = guarded_clock;
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

absl::Duration Process::Impl::Look() {
  const absl::Duration now = SinceSomeTime();
  readiness->Look(now);
  // While it is being put right after a restore, the database is there all the same.
  const absl::Status found = readiness->database();
  const bool answers = found.ok() || base::ErrorInfoOf(found).reason() == rpc::kRecovering;
  if (clock_watch && clock_watch->Look(now, answers)) {
    base::Log(base::Severity::kWarning, "the machine's clock was set back; what runs beside the calls is started anew");
    loops->Stop();
    sequencer->Stop();
  }
  const Loops::DatabaseState state = {readiness->schema_is_right(), answers, readiness->recovered()};
  sequencer->Tend(state, now, absl::Now());
  loops->Tend(state, now, absl::Now());
  return readiness->status().ok() ? kLook : kLookInTrouble;
}

void Process::Impl::Serve() {
  lookout->Start();
  int signal = -1;
  while (signal != SIGINT && signal != SIGTERM) {
    if (signal == SIGHUP) {
      base::Log(base::Severity::kInfo, "looking at everything anew", {{"signal", int64_t{signal}}});
      lookout->LookNow();
    }
    readiness->Watch(SinceSomeTime());
    // Nothing, too, when it is interrupted: another turn does no harm.
    signal = sigtimedwait(&Signals(), nullptr, &kWatch);
  }
  EndWithinGrace();
  base::Log(base::Severity::kInfo, "stopping", {{"signal", int64_t{signal}}});
}

void Process::Impl::Drain() {
  ending = "calls, streams, followers and jobs";
  std::thread loops_end([this] {
    lookout->Stop();
    loops->Stop(/*give_back=*/readiness->database().ok());
  });
  server->Drain(kGraceOfCalls);
  ending = "followers and jobs";
  loops_end.join();
  ending = "the numbering of events";
  sequencer->Stop();
  ending = "readers of the metrics";
  if (metrics != nullptr) {
    metrics->Stop();
  }
  ending = "the last threads";
  base::Log(base::Severity::kInfo, "stopped");
}

Process::Process(std::string_view name, db::Schema schema, std::vector<const db::MessageTable*> tables)
    : impl_(std::make_unique<Impl>(name, std::move(schema), std::move(tables))) {}

Process::~Process() {
  impl_.reset();
  base::StopAudit();
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

void Process::OfferFeedTo(std::vector<std::string> followers) { impl_->feed_followers = std::move(followers); }

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

void Process::Offer(Gauge gauge) { impl_->gauges->Add(std::move(gauge)); }
void Process::TakeIn(events::Handlers handlers) { impl_->take_in = std::move(handlers); }

void Process::Add(Loop loop) { impl_->loops->Add(std::move(loop)); }

int Process::Fail(const absl::Status& status) {
  base::StopLog();
  // Whoever starts a service may read what the driver says.
  const std::string detail = base::DetailOf(status);
  fmt::print(stderr, "{}: {}{}\n", impl_->name, Text(status.message()),
             detail.empty() ? "" : fmt::format(" ({})", detail));
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
