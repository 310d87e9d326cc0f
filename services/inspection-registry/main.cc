// inspection-registry: forces, the bodies that hold them to account, and inspection reports. Wiring only; it follows
// nobody.

#include "db_schema.h"
#include "events_schema.h"
#include "libs/events/common_services.h"
#include "libs/events/event_log.h"
#include "libs/rpc/process.h"
#include "registry_schema.h"
#include "services/inspection-registry/service.h"

namespace {
constexpr std::string_view kName = "inspection-registry";
}  // namespace

int main(int argc, char** argv) {
  using namespace section55;  // NOLINT: a main is the end of the line
  auto created = rpc::Process::Create(kName, argc, argv,
                                      {db::MigrationSchema(), events::MigrationSchema(), registry::MigrationSchema()});
  if (!created.ok()) {
    return rpc::Fail(kName, created.status());
  }
  rpc::Process& process = **created;
  if (process.finished()) {
    return 0;
  }
  rpc::Server& server = process.server();

  events::EventLog log(process.database());
  registry::InspectionRegistryService service(server, process.database(), log);
  events::CommonServices common(process, kName, log, {});
  server.Register(registry::kServiceName, service);

  if (const absl::Status status = process.Start(); !status.ok()) {
    return rpc::Fail(kName, status);
  }
  log.Start();
  process.WaitForSignal();
  process.Drain();
  log.Stop();
  return 0;
}
