// deadline-scheduler: the days that the law sets, met, missed or late. Wiring only.

#include "absl/flags/flag.h"
#include "db_schema.h"
#include "deadlines_schema.h"
#include "events_schema.h"
#include "libs/events/common_services.h"
#include "libs/events/event_log.h"
#include "libs/events/follower.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/process.h"
#include "services/deadline-scheduler/followers.h"
#include "services/deadline-scheduler/service.h"
#include "services/deadline-scheduler/worker.h"

ABSL_FLAG(std::string, inspection_registry, "127.0.0.1:7101", "Address of inspection-registry.");
ABSL_FLAG(std::string, publication, "127.0.0.1:7104", "Address of publication.");

int main(int argc, char** argv) {
  using namespace section55;  // NOLINT: a main is the end of the line
  using deadlines::kName;
  auto created = rpc::Process::Create(kName, argc, argv,
                                      {db::MigrationSchema(), events::MigrationSchema(), deadlines::MigrationSchema()});
  if (!created.ok()) {
    return rpc::Fail(kName, created.status());
  }
  rpc::Process& process = **created;
  if (process.finished()) {
    return 0;
  }
  rpc::Server& server = process.server();

  events::EventLog log(process.database());
  deadlines::Worker worker(process.database(), log, process.clock());
  events::Follower registry("inspection-registry",
                            rpc::ConnectToPeer(absl::GetFlag(FLAGS_inspection_registry), process.certificates()),
                            process.database(), process.clock(), [&](db::Transaction& tx, const events::Event& event) {
                              return deadlines::OnRegistryEvent(tx, event, log, process.clock());
                            });
  events::Follower publication(
      "publication", rpc::ConnectToPeer(absl::GetFlag(FLAGS_publication), process.certificates()), process.database(),
      process.clock(), [&](db::Transaction& tx, const events::Event& event) {
        return deadlines::OnPublicationEvent(tx, event, log, process.clock());
      });

  deadlines::BodyDirectory directory(process.database());
  deadlines::DeadlineSchedulerService service(server, process.database(), directory);
  events::CommonServices common(process, kName, log, {&registry, &publication});
  server.SetTenantDirectory(&directory);
  server.Register(deadlines::kServiceName, service);

  if (const absl::Status status = process.Start(); !status.ok()) {
    return rpc::Fail(kName, status);
  }
  log.Start();
  worker.Start();
  registry.Start();
  publication.Start();
  process.WaitForSignal();
  registry.Stop();
  publication.Stop();
  worker.Stop();
  process.Drain();
  log.Stop();
  return 0;
}
