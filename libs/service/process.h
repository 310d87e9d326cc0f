// What a process of the suite is: flags, clock, database and schema, server, event log, job queue, followers, loops with their leases,
// pruning, health, admin, drain. A main says what its service is made of, and nothing else:
//
//   int main(int argc, char** argv) {
//     service::Process process("response-authoring", authoring::MigrationSchema(), authoring::store::Tables());
//     if (const auto ended = process.Open(argc, argv)) return *ended;
//     rpc::BodyDirectory directory(process.parts().database, authoring::store::ForceOf);
//     authoring::ResponseAuthoringService service(process.parts(), ...);
//     process.Serve(authoring::kServiceName, service, &directory);
//     process.OfferFeedTo({"publication"});
//     process.Follow("inspection-registry", absl::GetFlag(FLAGS_inspection_registry), authoring::RegistryHandlers(process.parts()));
//     return process.Run();
//   }
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "libs/access/policy.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/db/migrate.h"
#include "libs/db/proto_table.h"
#include "libs/events/event_log.h"
#include "libs/events/handlers.h"
#include "libs/events/recovery.h"
#include "libs/jobs/queue.h"
#include "libs/rpc/server.h"
#include "libs/service/loops.h"
#include "libs/service/metrics.h"

namespace section55::service {

// What the rooms of a service work with. All of it lives as long as the process object; all of it is thread-safe.
struct Parts {
  rpc::Server& server;
  db::Database& database;
  base::Clock& clock;
  events::EventLog& log;
  jobs::Queue& jobs;
};

// Not thread-safe: for main's thread.
class Process {
 public:
  // `schema` is the service's own; those of the libraries are added. `tables` are what Admin.CheckStorage reads.
  Process(std::string_view name, db::Schema schema, std::vector<const db::MessageTable*> tables);
  ~Process();

  // Parses the command line and opens everything. An exit code when there is nothing to serve: the command was `migrate`, or an
  // operator's mistake was explained in one sentence on standard error.
  std::optional<int> Open(int argc, char** argv);

  // After Open.
  Parts parts();
  db::Database& database();
  rpc::Server& server();
  base::Clock& clock();
  // A channel to another service of the suite.
  std::shared_ptr<grpc::Channel> ConnectTo(const std::string& address);

  // Before Run, in any order.
  void Serve(std::string_view full_name, grpc::Service& service, access::TenantDirectory* directory = nullptr);
  // The services that follow this one's feed: no other may read it.
  void OfferFeedTo(std::vector<std::string> followers);
  // `holdings`: what is given back to that service after it was restored from a backup.
  void Follow(std::string_view source, const std::string& address, events::Handlers handlers,
              std::vector<events::Holding> holdings);
  // What is done with this service's own events when those that follow it give them back (see libs/events/recovery.h).
  void TakeIn(events::Handlers handlers);
  void Add(Loop loop);
  // A number for Prometheus.
  void Offer(Gauge gauge);

  // Prints the sentence to standard error and returns 1: for a mistake that main finds itself.
  int Fail(const absl::Status& status);

  // Serves until SIGINT or SIGTERM, drains (10 s of grace), and returns the exit code.
  int Run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace section55::service
