// section55-sample: plays a script of calls on a running suite, each at the date it belongs to, or says which services
// are serving.

#include <fmt/format.h>
#include <grpc/support/log.h>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/time/clock.h"
#include "deploy/sample/client.h"
#include "deploy/sample/script.h"
#include "libs/base/ids.h"
#include "libs/base/status.h"

ABSL_FLAG(std::string, inspection_registry, "127.0.0.1:7101", "Address of inspection-registry.");
ABSL_FLAG(std::string, response_authoring, "127.0.0.1:7102", "Address of response-authoring.");
ABSL_FLAG(std::string, deadline_scheduler, "127.0.0.1:7103", "Address of deadline-scheduler.");
ABSL_FLAG(std::string, publication, "127.0.0.1:7104", "Address of publication.");
ABSL_FLAG(std::string, ca, "var/pki/ca.pem", "The certificate authority of the services.");
ABSL_FLAG(std::string, tokens, "var/tokens", "Folder with a file of a bearer token for each person.");
ABSL_FLAG(bool, wait_serving, false, "Play nothing: wait until all services are serving, and say which are.");
ABSL_FLAG(absl::Duration, timeout, absl::Seconds(30),
          "How long to wait for services to serve, or for what an entry waits for.");

namespace section55::sample {
namespace {

using nlohmann::json;

constexpr absl::Duration kPollInterval = absl::Milliseconds(10);

int Fail(const std::string& message) {
  fmt::print(stderr, "section55-sample: {}\n", message);
  return 1;
}

absl::StatusOr<Client> Connect() {
  return Client::Create(
      {{"inspection-registry",
        "section55.registry.v1.InspectionRegistry",
        absl::GetFlag(FLAGS_inspection_registry),
        {}},
       {"response-authoring", "section55.authoring.v1.ResponseAuthoring", absl::GetFlag(FLAGS_response_authoring), {}},
       {"deadline-scheduler", "section55.deadlines.v1.DeadlineScheduler", absl::GetFlag(FLAGS_deadline_scheduler), {}},
       {"publication", "section55.publication.v1.Publication", absl::GetFlag(FLAGS_publication), {}}},
      absl::GetFlag(FLAGS_ca), absl::GetFlag(FLAGS_tokens));
}

// Whether `answer` holds everything that `wanted` does.
bool Holds(const json& answer, const json& wanted) {
  if (!wanted.is_object()) {
    return wanted.is_null() || answer == wanted;
  }
  for (const auto& [key, value] : wanted.items()) {
    if (!answer.contains(key) || !Holds(answer[key], value)) {
      return false;
    }
  }
  return true;
}

std::string Text(const absl::Status& status) { return {status.message().data(), status.message().size()}; }

// Makes one call; for a read that waits for something, again and again until it shows. What has been done by an earlier
// play is done.
absl::Status Play(Client& client, Entry entry) {
  if (entry.until.is_null()) {
    // The same in every play, so that a repeat of a change gets the first answer.
    entry.request["request_id"] = base::Sha256Hex(fmt::format("{}\n{}\n{}/{}\n{}", absl::FormatTime(entry.at), entry.as,
                                                              entry.service, entry.method, entry.request.dump()));
    const absl::Status status = client.Call(entry.service, entry.method, entry.as, entry.request).status();
    return absl::IsAlreadyExists(status) ? absl::OkStatus() : status;
  }
  const absl::Time deadline = absl::Now() + absl::GetFlag(FLAGS_timeout);
  while (true) {
    const auto answer = client.Call(entry.service, entry.method, entry.as, entry.request);
    if (!answer.ok() && !absl::IsNotFound(answer.status())) {
      return answer.status();
    }
    if (answer.ok() && Holds(*answer, entry.until)) {
      return absl::OkStatus();
    }
    if (absl::Now() > deadline) {
      return absl::DeadlineExceededError(
          fmt::format("waited in vain: {}", answer.ok() ? "never saw " + entry.until.dump() : Text(answer.status())));
    }
    // Not every change has an event to wait for, so a client of a whole suite has to ask again.
    absl::SleepFor(kPollInterval);  // NOLINT
  }
}

absl::Status PlayScript(Client& client, const std::string& path) {
  ASSIGN_OR_RETURN(const std::vector<Entry> entries, ReadScript(path));
  absl::Time clock = absl::InfinitePast();
  for (size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    if (!entry.note.empty()) {
      fmt::print("{:>4}%  {}  {}\n", 100 * i / entries.size(),
                 absl::FormatTime("%Y-%m-%d", entry.at, absl::UTCTimeZone()), entry.note);
      std::fflush(stdout);
    }
    absl::Status status;
    if (entry.at != clock) {
      status = client.SetTime(entry.at);
      clock = entry.at;
    }
    if (status.ok()) {
      status = Play(client, entry);
    }
    if (!status.ok()) {
      return absl::Status(status.code(), fmt::format("{}:{}: {}/{} as {}: {}", path, entry.line, entry.service,
                                                     entry.method, entry.as, Text(status)));
    }
  }
  fmt::print(" 100%  {} calls\n", entries.size());
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "[--flag=value ...] SCRIPT\n"
      "Plays a script of calls on a suite whose services run with a driven clock; or, with --wait_serving, tells of "
      "their health.");
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  // gRPC's own lines, one for each attempt to connect; what comes of them is in the status of the call.
  gpr_set_log_function([](gpr_log_func_args*) {});
  auto client = Connect();
  if (!client.ok()) {
    return Fail(Text(client.status()));
  }
  if (absl::GetFlag(FLAGS_wait_serving)) {
    const auto report = [](const Peer& peer, bool serving) {
      fmt::print("{:<20}  {}  {}\n", peer.name, peer.address, serving ? "SERVING" : "NOT SERVING");
    };
    return client->WaitServing(absl::Now() + absl::GetFlag(FLAGS_timeout), report) ? 0 : 1;
  }
  if (words.size() != 2) {
    return Fail("name one script to play, for example deploy/sample/sample.calls");
  }
  const absl::Status status = PlayScript(*client, words[1]);
  return status.ok() ? 0 : Fail(Text(status));
}

}  // namespace
}  // namespace section55::sample

int main(int argc, char** argv) { return section55::sample::Main(argc, argv); }
