// inspection-registry: forces, the bodies that hold them to account, and inspection reports. It follows nobody.

#include "libs/service/process.h"
#include "registry_schema.h"
#include "services/inspection-registry/catalogue_keeper.h"
#include "services/inspection-registry/recovery.h"
#include "services/inspection-registry/service.h"
#include "services/inspection-registry/store.h"

int main(int argc, char** argv) {
  using namespace section55;  // NOLINT: a main is the end of the line
  service::Process process("inspection-registry", registry::MigrationSchema(), registry::store::Tables());
  if (const auto ended = process.Open(argc, argv)) {
    return *ended;
  }
  const service::Parts parts = process.parts();
  registry::InspectionRegistryService service(parts.server, parts.database, parts.log);
  process.Serve(registry::kServiceName, service);
  process.OfferFeedTo({"response-authoring", "deadline-scheduler", "publication"});
  process.TakeIn(registry::TakeIn(parts.log, parts.clock));
  registry::CatalogueKeeper keeper(parts.database);
  process.Add({.name = "catalogue",
               .start = [&] { keeper.Start(); },
               .stop = [&] { keeper.Stop(); },
               .in_recovery = true,
               .leased = true});
  return process.Run();
}
