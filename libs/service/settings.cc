#include "libs/service/settings.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/time/clock.h"
#include "libs/base/address.h"
#include "libs/base/ids.h"
#include "libs/base/status.h"

ABSL_FLAG(std::string, listen, "", "HOST:PORT to listen on with TLS; port 0 picks a free one. Required.");
ABSL_FLAG(std::string, replica, "",
          "The name of this replica of the service, different from the others', kept when it is started again; by "
          "default HOST:PORT of --listen.");
ABSL_FLAG(
    std::string, metrics_listen, "",
    "Loopback HOST:PORT, or unix:/PATH for a proxy that adds TLS, for Prometheus under /metrics; none without it.");
ABSL_FLAG(std::string, certificates, "",
          "Folder with certificate.pem, key.pem and ca.pem; read again when they change. Required.");
ABSL_FLAG(std::string, jwks, "",
          "JSON Web Key Set that people's tokens are checked with; without it only services call.");
ABSL_FLAG(std::string, token_issuer, "", "The `iss` that a token must have. Required with --jwks.");
ABSL_FLAG(std::string, token_audience, "", "The `aud` that a token must have. Required with --jwks.");
ABSL_FLAG(
    std::string, database, "",
    "sqlite:PATH, mysql://USER@HOST[:PORT][,HOST...]/NAME[?OPTIONS] or mysql://USER@/NAME?socket=PATH; by default "
    "SERVICE.db here.");
ABSL_FLAG(std::string, database_password_file, "", "File with the password of a mysql database.");
ABSL_FLAG(int, database_connections, 8, "Connections for reading, and on MySQL as many again for writing.");
ABSL_FLAG(std::string, audit_file, "",
          "The record of who did what, one JSON object a line, readable by nobody else; by default SERVICE.audit.jsonl "
          "beside the SQLite file, or here.");
ABSL_FLAG(int, max_concurrent_calls, 256, "Calls handled at once, open streams included; more are refused at once.");
ABSL_FLAG(int, max_calls_per_caller, 64,
          "Calls that one person may have open at once, and a service four times as many; 0 for no limit.");
ABSL_FLAG(int, max_streams_per_caller, 8,
          "Streams that one person may have open at once, and a service four times as many; 0 for no limit.");
ABSL_FLAG(double, calls_per_second_per_caller, 2000, "On average, twice that in a burst; 0 for no limit.");
ABSL_FLAG(int, max_streams, 128, "Streams of all callers together; 0 for no limit.");
ABSL_FLAG(double, calls_per_second_per_tenant, 500,
          "Of all people of one body or force, on average, twice that in a burst: then their connections are read more "
          "slowly; 0 for no "
          "limit.");
ABSL_FLAG(int, max_calls_per_tenant, 96, "Calls that all people of one body or force have open; 0 for no limit.");
ABSL_FLAG(int, max_streams_per_tenant, 48, "Streams that all people of one body or force have open; 0 for no limit.");
ABSL_FLAG(double, unauthenticated_calls_per_second, 200, "Calls of nobody in particular, by address; 0 for no limit.");
ABSL_FLAG(int, max_kept_mib_per_caller, 256,
          "Answers kept for repeats of one person's requests within a week, in MiB, and of a service four times as "
          "much; 0 for no limit.");
ABSL_FLAG(int, max_kept_mib_per_tenant, 1024, "Likewise of all people of one body or force together; 0 for no limit.");
ABSL_FLAG(int, max_connections, 4096, "Connections held at once; more are hung up on.");
ABSL_FLAG(
    int, max_connections_per_address, 128,
    "Of them from one address (of IPv6, from one /64); 0 for no limit, for where everybody comes through a proxy.");
ABSL_FLAG(int, probe_seconds, 10,
          "How often the process connects to itself; when it does not answer three times in a row, it ends with exit "
          "code 1. 0 for never.");
ABSL_FLAG(int, keep_events, 400,
          "Days that the events of this service's feed are kept; longer while a follower has not read them.");
ABSL_FLAG(std::string, driven_clock, "",
          "For tests and sample data: a clock that stands still until DrivenClock.SetTime, from this time on "
          "(2026-01-31T09:00:00Z, or \"now\"). On loopback only.");
ABSL_FLAG(std::string, deployment, "local",
          "The installation that this service belongs to. A database carries the name of the one that it was begun in, "
          "and is "
          "refused in any other.");
ABSL_FLAG(bool, dry_run, false, "With `migrate`: say what would be done and do nothing.");
ABSL_FLAG(bool, new, false, "With `migrate`: begin a new database; on MySQL an empty one must be there.");
ABSL_FLAG(std::string, to, "", "With `backup`: the file to make, which must not exist.");
ABSL_FLAG(std::string, from, "", "With `restore` and `verify`: the backup.");
ABSL_FLAG(bool, replace, false, "With `restore`, on SQLite: take the place of a database, which is kept beside it.");
ABSL_FLAG(std::vector<std::string>, without, {},
          "With `restore`: followers that are gone for good and need not give back what they hold, with commas.");

namespace section55::service {
namespace {

constexpr size_t kMaxReplica = 300;

std::string Text(absl::string_view view) { return {view.data(), view.size()}; }

absl::StatusOr<Settings::Command> ReadCommand(int argc, char** argv, std::string_view service_name) {
  absl::SetProgramUsageMessage(
      fmt::format("[--flag=value ...] [migrate [--new | --dry_run] | backup --to=FILE | restore --from=FILE | verify "
                  "--from=FILE]\nThe {} service.",
                  service_name));
  absl::FlagsUsageConfig usage;
  // --help shows these flags and those of the service's own main.
  usage.contains_help_flags = [](absl::string_view file) {
    return Text(file).find("libs/service/") != std::string::npos || Text(file).find("services/") != std::string::npos;
  };
  absl::SetFlagsUsageConfig(usage);
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  using Command = Settings::Command;
  Command command = Command::kServe;
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string_view word = words[i];
    command = word == "migrate"   ? Command::kMigrate
              : word == "backup"  ? Command::kBackup
              : word == "restore" ? Command::kRestore
              : word == "verify"  ? Command::kVerify
                                  : Command::kServe;
    if (command == Command::kServe || words.size() > 2) {
      return absl::InvalidArgumentError(fmt::format(
          "\"{}\" makes no sense here: flags begin with --, and the only commands are migrate, backup, restore and "
          "verify",
          word));
    }
  }
  const bool dry_run = absl::GetFlag(FLAGS_dry_run);
  const bool begin = absl::GetFlag(FLAGS_new);
  if ((dry_run || begin) && command != Command::kMigrate) {
    return absl::InvalidArgumentError(
        fmt::format("{} belongs to the command migrate", dry_run ? "--dry_run" : "--new"));
  }
  if (dry_run && begin) {
    return absl::InvalidArgumentError("--new and --dry_run do not go together: what is not there yet lacks everything");
  }
  if (dry_run || begin) {
    command = dry_run ? Command::kMigrateDryRun : Command::kMigrateNew;
  }
  if (absl::GetFlag(FLAGS_to).empty() == (command == Command::kBackup)) {
    return absl::InvalidArgumentError("--to and the command backup belong together: say which file to make");
  }
  if (absl::GetFlag(FLAGS_from).empty() == (command == Command::kRestore || command == Command::kVerify)) {
    return absl::InvalidArgumentError("--from and the commands restore and verify belong together: name the backup");
  }
  if (command != Command::kRestore && (absl::GetFlag(FLAGS_replace) || !absl::GetFlag(FLAGS_without).empty())) {
    return absl::InvalidArgumentError("--replace and --without belong to the command restore");
  }
  return command;
}

absl::StatusOr<std::string> ReadDeployment() {
  std::string deployment = absl::GetFlag(FLAGS_deployment);
  if (!base::IsResourceId(deployment)) {
    return absl::InvalidArgumentError(
        fmt::format("--deployment: \"{}\" is not a name of lower-case letters, digits and hyphens", deployment));
  }
  return deployment;
}

absl::StatusOr<db::Options> ReadDatabase(std::string_view service_name) {
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
  return options;
}

absl::StatusOr<rpc::ServerOptions> ReadServer(std::string_view service_name) {
  rpc::ServerOptions options;
  options.service_name = std::string(service_name);
  options.listen = absl::GetFlag(FLAGS_listen);
  options.certificates = absl::GetFlag(FLAGS_certificates);
  options.max_concurrent_calls = absl::GetFlag(FLAGS_max_concurrent_calls);
  options.max_calls_per_caller = absl::GetFlag(FLAGS_max_calls_per_caller);
  options.max_streams_per_caller = absl::GetFlag(FLAGS_max_streams_per_caller);
  options.calls_per_second_per_caller = absl::GetFlag(FLAGS_calls_per_second_per_caller);
  options.max_streams = absl::GetFlag(FLAGS_max_streams);
  options.calls_per_second_per_tenant = absl::GetFlag(FLAGS_calls_per_second_per_tenant);
  options.max_calls_per_tenant = absl::GetFlag(FLAGS_max_calls_per_tenant);
  options.max_streams_per_tenant = absl::GetFlag(FLAGS_max_streams_per_tenant);
  options.unauthenticated_calls_per_second = absl::GetFlag(FLAGS_unauthenticated_calls_per_second);
  constexpr double kMib = 1024.0 * 1024;
  options.max_kept_bytes_per_caller = kMib * absl::GetFlag(FLAGS_max_kept_mib_per_caller);
  options.max_kept_bytes_per_tenant = kMib * absl::GetFlag(FLAGS_max_kept_mib_per_tenant);
  options.max_connections = absl::GetFlag(FLAGS_max_connections);
  options.max_connections_per_address = absl::GetFlag(FLAGS_max_connections_per_address);
  options.probe_every = absl::Seconds(absl::GetFlag(FLAGS_probe_seconds));
  if (options.max_connections < 1 || options.max_connections_per_address < 0) {
    return absl::InvalidArgumentError(
        "--max_connections must be at least 1, and --max_connections_per_address not below 0");
  }
  if (options.listen.empty()) {
    return absl::InvalidArgumentError("--listen is missing: say where to listen, for example --listen=127.0.0.1:7101");
  }
  if (options.certificates.empty()) {
    return absl::InvalidArgumentError(
        "--certificates is missing: name the folder with certificate.pem, key.pem and ca.pem");
  }
  return options;
}

std::string ReadAuditFile(std::string_view service_name, const std::string& database_url) {
  const std::string file = absl::GetFlag(FLAGS_audit_file);
  if (!file.empty()) {
    return file;
  }
  constexpr std::string_view kSqlite = "sqlite:";
  const std::filesystem::path folder = database_url.starts_with(kSqlite)
                                           ? std::filesystem::path(database_url.substr(kSqlite.size())).parent_path()
                                           : std::filesystem::path();
  return folder / fmt::format("{}.audit.jsonl", service_name);
}

absl::StatusOr<std::optional<access::TokenVerifier::Options>> ReadTokens() {
  access::TokenVerifier::Options options;
  options.jwks_path = absl::GetFlag(FLAGS_jwks);
  if (options.jwks_path.empty()) {
    return std::nullopt;
  }
  options.issuer = absl::GetFlag(FLAGS_token_issuer);
  options.audience = absl::GetFlag(FLAGS_token_audience);
  if (options.issuer.empty() || options.audience.empty()) {
    return absl::InvalidArgumentError("--jwks needs --token_issuer and --token_audience as well");
  }
  return options;
}

absl::StatusOr<std::optional<absl::Time>> ReadDrivenClock(const std::string& listen) {
  const std::string text = absl::GetFlag(FLAGS_driven_clock);
  if (text.empty()) {
    return std::nullopt;
  }
  if (!base::IsLoopback(listen)) {
    return absl::InvalidArgumentError(
        fmt::format("--driven_clock is for tests on one machine, and --listen={} is not a loopback address", listen));
  }
  if (text == "now") {
    return absl::Now();
  }
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return absl::InvalidArgumentError(
        fmt::format("--driven_clock: \"{}\" is not a time such as 2026-01-31T09:00:00Z", text));
  }
  return time;
}

// Two replicas of a service must not have one name: where the address does not tell them apart, the machine or the process does.
absl::StatusOr<std::string> ReadReplica(const std::string& listen) {
  std::string replica = absl::GetFlag(FLAGS_replica);
  if (replica.size() > kMaxReplica) {
    return absl::InvalidArgumentError(fmt::format("--replica is longer than {} bytes", kMaxReplica));
  }
  if (!replica.empty()) {
    return replica;
  }
  const size_t colon = listen.rfind(':');
  std::string host = listen.substr(0, colon);
  std::string port = colon == std::string::npos ? "" : listen.substr(colon + 1);
  if (host == "0.0.0.0" || host == "[::]") {
    std::array<char, 256> name = {};
    gethostname(name.data(), name.size() - 1);
    host = name.data();
  }
  if (port == "0") {
    port = fmt::format("process-{}", getpid());
  }
  return fmt::format("{}:{}", host, port);
}

}  // namespace

absl::StatusOr<Settings> ReadCommandLine(std::string_view service_name, int argc, char** argv) {
  Settings settings;
  ASSIGN_OR_RETURN(settings.command, ReadCommand(argc, argv, service_name));
  ASSIGN_OR_RETURN(settings.deployment, ReadDeployment());
  ASSIGN_OR_RETURN(settings.database, ReadDatabase(service_name));
  settings.database.create = settings.command == Settings::Command::kMigrateNew;
  settings.to = absl::GetFlag(FLAGS_to);
  settings.restore = {absl::GetFlag(FLAGS_from), absl::GetFlag(FLAGS_replace), absl::GetFlag(FLAGS_without)};
  if (settings.command != Settings::Command::kServe) {
    return settings;
  }
  ASSIGN_OR_RETURN(settings.server, ReadServer(service_name));
  ASSIGN_OR_RETURN(settings.tokens, ReadTokens());
  ASSIGN_OR_RETURN(settings.driven_clock, ReadDrivenClock(settings.server.listen));
  ASSIGN_OR_RETURN(settings.replica, ReadReplica(settings.server.listen));
  settings.audit_file = ReadAuditFile(service_name, settings.database.url);
  settings.metrics_listen = absl::GetFlag(FLAGS_metrics_listen);
  if (absl::GetFlag(FLAGS_keep_events) < 1) {
    return absl::InvalidArgumentError("--keep_events must be at least 1 day");
  }
  settings.keep_events = absl::Hours(24 * absl::GetFlag(FLAGS_keep_events));
  return settings;
}

absl::Status About(std::string_view flag, const absl::Status& status) {
  return absl::Status(status.code(), fmt::format("--{}: {}", flag, Text(status.message())));
}

}  // namespace section55::service
