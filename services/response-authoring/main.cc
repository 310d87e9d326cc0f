// response-authoring: where offices and forces write responses.

#include "absl/flags/flag.h"
#include "authoring_schema.h"
#include "libs/service/directory.h"
#include "libs/service/process.h"
#include "services/response-authoring/changes.h"
#include "services/response-authoring/followers.h"
#include "services/response-authoring/jobs.h"
#include "services/response-authoring/recovery.h"
#include "services/response-authoring/renditions.h"
#include "services/response-authoring/service.h"
#include "services/response-authoring/store.h"
#include "services/response-authoring/successions.h"

ABSL_FLAG(std::string, inspection_registry, "127.0.0.1:7101", "Address of inspection-registry.");
ABSL_FLAG(std::string, publication, "127.0.0.1:7104", "Address of publication.");

int main(int argc, char** argv) {
  using namespace section55;  // NOLINT: a main is the end of the line
  service::Process process("response-authoring", authoring::MigrationSchema(), authoring::store::Tables());
  if (const auto ended = process.Open(argc, argv)) {
    return *ended;
  }
  const service::Parts parts = process.parts();
  const std::string publication = absl::GetFlag(FLAGS_publication);
  authoring::PublicationRenditions renditions(
      section55::publication::v1::Publication::NewStub(process.ConnectTo(publication)));
  const authoring::Changes changes(parts.log, parts.jobs, parts.clock);
  service::Directory directory(parts.database, authoring::store::ForceOf);
  authoring::ResponseAuthoringService service(parts.server, parts.database, parts.log, parts.jobs, renditions);
  process.Serve(authoring::kServiceName, service, &directory);
  process.OfferFeedTo({"publication"});
  authoring::RegisterJobs(parts.jobs, parts.log, parts.clock);
  authoring::RegisterSuccessionJobs(parts.jobs, changes);
  process.Follow("inspection-registry", absl::GetFlag(FLAGS_inspection_registry), authoring::RegistryHandlers(changes),
                 authoring::HeldOfRegistry());
  process.Follow("publication", publication, authoring::PublicationHandlers(changes), authoring::HeldOfPublication());
  process.TakeIn(authoring::TakeIn(parts.log, parts.clock));
  return process.Run();
}
