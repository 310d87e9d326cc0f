// deadline-scheduler: the days that the law sets, met, missed or late.

#include "absl/flags/flag.h"
#include "deadlines_schema.h"
#include "libs/service/directory.h"
#include "libs/service/process.h"
#include "services/deadline-scheduler/changes.h"
#include "services/deadline-scheduler/followers.h"
#include "services/deadline-scheduler/jobs.h"
#include "services/deadline-scheduler/recovery.h"
#include "services/deadline-scheduler/service.h"
#include "services/deadline-scheduler/store.h"

ABSL_FLAG(std::string, inspection_registry, "127.0.0.1:7101", "Address of inspection-registry.");
ABSL_FLAG(std::string, publication, "127.0.0.1:7104", "Address of publication.");

int main(int argc, char** argv) {
  using namespace section55;  // NOLINT: a main is the end of the line
  service::Process process("deadline-scheduler", deadlines::MigrationSchema(), deadlines::store::Tables());
  if (const auto ended = process.Open(argc, argv)) {
    return *ended;
  }
  const service::Parts parts = process.parts();
  const deadlines::Changes changes(parts.log, parts.jobs, parts.clock);
  service::Directory directory(parts.database, deadlines::store::ForceOf);
  deadlines::DeadlineSchedulerService service(parts.server, parts.database, directory, parts.clock, changes);
  process.Serve(deadlines::kServiceName, service, &directory);
  deadlines::RegisterJobs(parts.jobs, changes);
  process.Follow("inspection-registry", absl::GetFlag(FLAGS_inspection_registry), deadlines::RegistryHandlers(changes),
                 deadlines::HeldOfRegistry());
  process.Follow("publication", absl::GetFlag(FLAGS_publication), deadlines::PublicationHandlers(changes),
                 deadlines::HeldOfPublication());
  process.Offer(
      {.name = "section55_deadlines_due_within_seven_days",
       .help = "Responses that are not published and whose last day passes within seven days.",
       .value = [&] { return deadlines::CountDueWithin(parts.database, parts.clock.Now(), absl::Hours(7 * 24)); }});
  process.Offer({.name = "section55_deadlines_missed",
                 .help = "Responses that are not published and whose last day has passed.",
                 .value = [&] { return deadlines::CountMissed(parts.database); }});
  return process.Run();
}
