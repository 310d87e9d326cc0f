// response-authoring: where offices and forces write responses. Wiring only.

#include "absl/flags/flag.h"
#include "authoring_schema.h"
#include "db_schema.h"
#include "events_schema.h"
#include "libs/events/common_services.h"
#include "libs/events/event_log.h"
#include "libs/events/follower.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/process.h"
#include "services/response-authoring/followers.h"
#include "services/response-authoring/service.h"

ABSL_FLAG(std::string, inspection_registry, "127.0.0.1:7101", "Address of inspection-registry.");
ABSL_FLAG(std::string, publication, "127.0.0.1:7104", "Address of publication.");

namespace {
constexpr std::string_view kName = "response-authoring";
}  // namespace

int main(int argc, char** argv) {
  using namespace section55;  // NOLINT: a main is the end of the line
  auto created = rpc::Process::Create(kName, argc, argv,
                                      {db::MigrationSchema(), events::MigrationSchema(), authoring::MigrationSchema()});
  if (!created.ok()) {
    return rpc::Fail(kName, created.status());
  }
  rpc::Process& process = **created;
  if (process.finished()) {
    return 0;
  }
  rpc::Server& server = process.server();

  events::EventLog log(process.database());
  events::Follower registry("inspection-registry",
                            rpc::ConnectToPeer(absl::GetFlag(FLAGS_inspection_registry), process.certificates()),
                            process.database(), process.clock(), [&](db::Transaction& tx, const events::Event& event) {
                              return authoring::OnRegistryEvent(tx, event, log, process.clock());
                            });
  events::Follower publication("publication",
                               rpc::ConnectToPeer(absl::GetFlag(FLAGS_publication), process.certificates()),
                               process.database(), process.clock(), authoring::OnPublicationEvent);

  authoring::BodyDirectory directory(process.database());
  authoring::ResponseAuthoringService service(server, process.database(), log);
  events::CommonServices common(process, kName, log, {&registry, &publication});
  server.SetTenantDirectory(&directory);
  server.Register(authoring::kServiceName, service);

  if (const absl::Status status = process.Start(); !status.ok()) {
    return rpc::Fail(kName, status);
  }
  log.Start();
  registry.Start();
  publication.Start();
  process.WaitForSignal();
  registry.Stop();
  publication.Stop();
  process.Drain();
  log.Stop();
  return 0;
}
