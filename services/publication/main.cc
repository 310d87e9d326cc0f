// publication: publishes what was approved and keeps the proof. Wiring only.

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "db_schema.h"
#include "events_schema.h"
#include "libs/events/common_services.h"
#include "libs/events/event_log.h"
#include "libs/events/follower.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/process.h"
#include "publication_schema.h"
#include "services/publication/followers.h"
#include "services/publication/service.h"
#include "services/publication/web.h"

ABSL_FLAG(std::string, response_authoring, "127.0.0.1:7102", "Address of response-authoring.");
ABSL_FLAG(std::string, web_listen, "127.0.0.1:8055",
          "HOST:PORT of the public register, plain HTTP: loopback, or behind a proxy that adds TLS. Port 0 picks a "
          "free one.");
ABSL_FLAG(
    std::string, public_url, "",
    "The register's address as the public knows it, https://register.example, printed in published pages; by default "
    "http:// and --web_listen.");

namespace {
constexpr std::string_view kName = "publication";
}  // namespace

int main(int argc, char** argv) {
  using namespace section55;  // NOLINT: a main is the end of the line
  auto created = rpc::Process::Create(
      kName, argc, argv, {db::MigrationSchema(), events::MigrationSchema(), publication::MigrationSchema()});
  if (!created.ok()) {
    return rpc::Fail(kName, created.status());
  }
  rpc::Process& process = **created;
  if (process.finished()) {
    return 0;
  }
  auto listening = publication::PublicRegister::Listen(absl::GetFlag(FLAGS_web_listen), process.database());
  if (!listening.ok()) {
    return rpc::Fail(
        kName, absl::Status(listening.status().code(), absl::StrCat("--web_listen: ", listening.status().message())));
  }
  publication::PublicRegister& web = **listening;
  std::string public_url = absl::GetFlag(FLAGS_public_url).empty() ? web.url() : absl::GetFlag(FLAGS_public_url);
  while (public_url.ends_with('/')) {
    public_url.pop_back();
  }

  rpc::Server& server = process.server();
  events::EventLog log(process.database());
  events::Follower authoring("response-authoring",
                             rpc::ConnectToPeer(absl::GetFlag(FLAGS_response_authoring), process.certificates()),
                             process.database(), process.clock(), [&](db::Transaction& tx, const events::Event& event) {
                               return publication::OnAuthoringEvent(tx, event, log, process.clock(), public_url);
                             });

  publication::PublicationService service(server, process.database());
  events::CommonServices common(process, kName, log, {&authoring});
  server.Register(publication::kServiceName, service);

  if (const absl::Status status = process.Start(); !status.ok()) {
    return rpc::Fail(kName, status);
  }
  log.Start();
  authoring.Start();
  web.Start();
  process.WaitForSignal();
  authoring.Stop();
  web.Stop();
  process.Drain();
  log.Stop();
  return 0;
}
