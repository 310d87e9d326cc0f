// publication: publishes what was approved and keeps the proof.

#include <fmt/format.h>

#include "absl/flags/flag.h"
#include "libs/base/status.h"
#include "libs/service/directory.h"
#include "libs/service/process.h"
#include "publication_schema.h"
#include "services/publication/followers.h"
#include "services/publication/jobs.h"
#include "services/publication/recovery.h"
#include "services/publication/service.h"
#include "services/publication/store.h"
#include "services/publication/web.h"

ABSL_FLAG(std::string, inspection_registry, "127.0.0.1:7101", "Address of inspection-registry.");
ABSL_FLAG(std::string, response_authoring, "127.0.0.1:7102", "Address of response-authoring.");
ABSL_FLAG(std::string, web_listen, "127.0.0.1:8055",
          "HOST:PORT of the public register, plain HTTP: loopback, or behind a proxy that adds TLS. Port 0 picks a "
          "free one.");
ABSL_FLAG(std::string, public_url, "",
          "The register's address as the public knows it, https://register.example, printed in published pages; by "
          "default http:// and --web_listen.");

int main(int argc, char** argv) {
  using namespace section55;  // NOLINT: a main is the end of the line
  service::Process process("publication", publication::MigrationSchema(), publication::store::Tables());
  if (const auto ended = process.Open(argc, argv)) {
    return *ended;
  }
  const service::Parts parts = process.parts();
  const auto listening = publication::PublicRegister::Listen(absl::GetFlag(FLAGS_web_listen), parts.database);
  if (!listening.ok()) {
    return process.Fail(absl::Status(listening.status().code(),
                                     fmt::format("--web_listen: {}", std::string(listening.status().message()))));
  }
  publication::PublicRegister& web = **listening;
  std::string public_url = absl::GetFlag(FLAGS_public_url).empty() ? web.url() : absl::GetFlag(FLAGS_public_url);
  while (public_url.ends_with('/')) {
    public_url.pop_back();
  }
  publication::Renderer renderer(std::move(public_url));
  publication::PublicationService service(parts.server, parts.database, renderer);
  // Here people act for bodies only.
  service::Directory directory(parts.database, [](db::Transaction&, std::string_view body) {
    return absl::StatusOr<std::string>(base::NotFound(body));
  });
  process.Serve(publication::kServiceName, service, &directory);
  process.OfferFeedTo({"response-authoring", "deadline-scheduler"});
  publication::RegisterJobs(parts.jobs, parts.database, parts.clock, parts.log, renderer);
  process.Follow("response-authoring", absl::GetFlag(FLAGS_response_authoring),
                 publication::AuthoringHandlers(parts.jobs, parts.clock), publication::HeldOfAuthoring());
  // What is kept here of the registry's events, response-authoring gives back, and more.
  process.Follow("inspection-registry", absl::GetFlag(FLAGS_inspection_registry), publication::RegistryHandlers(), {});
  process.TakeIn(publication::TakeIn(parts.clock));
  process.Add({.name = "web", .start = [&web] { web.Start(); }, .stop = [&web] { web.Stop(); }, .in_recovery = true});
  return process.Run();
}
