// The suite as an operator runs it: the four real processes, with TLS, tokens and a database each, for tests from end to end.
//
//   Suite suite({.engine = db::Engine::kSqlite, .now = ...});
//   absl::StatusOr<Response> response = suite.Call("norfolk-author", &ResponseAuthoring::Stub::GetResponse, request);
//   auto opened = suite.AwaitEvent<authoring::v1::ResponseOpened>("bodies/norfolk-pcc/responses/safe-to-share");
//   suite.Kill(Service::kAuthoring);
//   suite.Start(Service::kAuthoring);
#pragma once

#include <grpcpp/grpcpp.h>

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/db/database.h"
#include "libs/testing/process.h"
#include "section55/admin/v1/admin.grpc.pb.h"
#include "section55/authoring/v1/response_authoring.grpc.pb.h"
#include "section55/common/v1/event_feed.grpc.pb.h"
#include "section55/deadlines/v1/deadline_scheduler.grpc.pb.h"
#include "section55/publication/v1/publication.grpc.pb.h"
#include "section55/registry/v1/inspection_registry.grpc.pb.h"

namespace section55::testing {

enum class Service { kRegistry, kAuthoring, kDeadlines, kPublication };
inline constexpr std::array kServices = {Service::kRegistry, Service::kAuthoring, Service::kDeadlines,
                                         Service::kPublication};

// "inspection-registry": the program, and the name in its certificate.
std::string NameOf(Service service);
// "section55.registry.v1.InspectionRegistry", also its name in the health service.
std::string FullNameOf(Service service);
// The services on its port: its own, EventFeed, Admin and DrivenClock.
std::vector<std::string> ServicesOn(Service service);

// Certificates and tokens as deploy/pki makes them, once for each test program.
class Pki {
 public:
  static Pki& Get();

  // pki/ and tokens/ as in var/.
  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path ca() const { return folder() / "pki" / "ca.pem"; }
  std::filesystem::path certificates(std::string_view service) const { return folder() / "pki" / service; }

  // The token of a person in tokens/: the sample people and those that AddPerson made.
  std::string Token(const std::string& person) const;
  // Makes tokens/PERSON with roles such as "author@bodies/kent-pcc".
  void AddPerson(const std::string& person, const std::vector<std::string>& roles);
  // The claims of a person's token, to be changed by a test: JSON.
  static std::string Claims(const std::string& person, const std::vector<std::string>& roles, absl::Time now);
  // A token with these claims, signed with the key that the services trust.
  std::string Sign(const std::string& claims) const;

 private:
  Pki();
  TemporaryFolder folder_;
  std::string key_id_;
};

struct SuiteOptions {
  db::Engine engine = db::Engine::kSqlite;
  // What the four driven clocks read at first: 17 December 2020, 9.30 in London.
  absl::Time now = absl::FromUnixSeconds(1'608'197'400);
  // More flags for all four.
  std::vector<std::string> flags = {};
  // Called for every attempt at a call by Call and CallOn, from its thread, before it is sent: for tests that cut calls short.
  std::function<void()> on_attempt = {};
};

// Anything that keeps the suite from starting ends the test program with a sentence and the log. Calls are thread-safe; what starts
// and ends processes is for the main thread (see Process).
class Suite {
 public:
  explicit Suite(SuiteOptions options = {});
  // Asks the four to drain, which must end each with exit code 0. After a failed test their logs are kept.
  ~Suite();
  Suite(const Suite&) = delete;

  int port(Service service) const { return State(service).port.number(); }
  std::string address(Service service) const { return State(service).port.address(); }
  int metrics_port(Service service) const { return State(service).metrics_port.number(); }
  int web_port() const { return web_port_.number(); }
  // What the service has logged so far, and where that stands.
  std::string Log(Service service) const;
  std::filesystem::path LogFile(Service service) const;
  // Where it records who did what.
  std::filesystem::path AuditFile(Service service) const;
  // Opens a service's database beside it, for tests that put into it what no service would. Its SQLite file is named in the URL.
  std::unique_ptr<db::Database> OpenDatabase(Service service) const;
  const std::string& database_url(Service service) const { return State(service).database_url; }

  // The command line of a service, and of its `migrate`, without --new.
  Command CommandOf(Service service) const;
  Command MigrateCommandOf(Service service) const;

  // One of its other commands: {"backup", "--to=FILE"}.
  Command CommandOf(Service service, const std::vector<std::string>& command) const;
  // A new, empty database for a service that is stopped, in place of the one that it had; on MySQL only.
  void UseNewDatabase(Service service);
  // Starts the process again, with the clock at the suite's time; AwaitServing waits for it. `flags` come last and count.
  void Start(Service service, const std::vector<std::string>& flags = {});
  // While it runs.
  pid_t pid(Service service) const { return State(service).process->pid(); }
  // kill -9; the process has ended when it returns.
  void Kill(Service service);
  // SIGTERM; the exit code when it has ended.
  int Stop(Service service);
  // Until health says SERVING under the service's name. False: the process has ended instead.
  bool BecomesServing(Service service);
  // The same where nothing else will do.
  void AwaitServing(Service service);

  // Sets the clocks of all four.
  void SetTime(absl::Time now);
  absl::Time now() const;

  // A channel to the service, for people: TLS without a client certificate. The same one at each call.
  std::shared_ptr<grpc::Channel> channel(Service service) const { return State(service).channel; }
  // As a service of the suite with this certificate folder.
  std::shared_ptr<grpc::Channel> ChannelWith(Service service, const std::filesystem::path& certificates) const;
  // With the person's token and a deadline; waits for a connection.
  static std::unique_ptr<grpc::ClientContext> As(const std::string& person);

  // Makes a call. A request that has a request_id gets one. While the service is UNAVAILABLE the same request is sent again, for up
  // to a minute: what a careful client does, and safe because of the request_id.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(const std::string& person,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                std::type_identity_t<Request> request) {
    return CallOn(HomeOf<Stub>(), person, method, std::move(request));
  }
  // The same for the services that all four offer.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> CallOn(Service service, const std::string& person,
                                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                  std::type_identity_t<Request> request) {
    if constexpr (requires { request.set_request_id(std::string()); }) {
      if (request.request_id().empty()) {
        request.set_request_id(NewRequestId());
      }
    }
    Stub stub(channel(service));
    Response response;
    const absl::Status status = Retry(service, [&] {
      response.Clear();
      return (stub.*method)(As(person).get(), request, &response);
    });
    if (!status.ok()) {
      return status;
    }
    return response;
  }

  // Follows a feed from its beginning until `wanted` says so of an event, also over restarts of the service. Nothing, and a failure
  // of the test, when none comes within `timeout`.
  std::optional<common::v1::Event> AwaitEvent(Service service, std::string_view description,
                                              const std::function<bool(const common::v1::Event&)>& wanted,
                                              absl::Duration timeout = absl::Seconds(60));
  // The payload of the first such event about a subject.
  template <typename Payload>
  Payload AwaitEvent(const std::string& subject) {
    Payload payload;
    AwaitEvent(FeedOf(Payload::descriptor()->full_name()),
               std::string(Payload::descriptor()->full_name()) + " of " + subject, [&](const common::v1::Event& event) {
                 return event.subject() == subject && event.payload().Is<Payload>() &&
                        event.payload().UnpackTo(&payload);
               });
    return payload;
  }
  // For what no event tells of: asks again, with pauses, until `holds`. Whether it did within a minute; a failure of the test if not.
  bool Until(std::string_view description, const std::function<bool()>& holds);
  // All of a feed, in the order of delivery.
  std::vector<common::v1::Event> ListFeed(Service service);

 private:
  struct ServiceState {
    ReservedPort port;
    ReservedPort metrics_port;
    std::string database_url;
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<Process> process;
  };

  template <typename Stub>
  static constexpr Service HomeOf() {
    if constexpr (std::is_same_v<Stub, registry::v1::InspectionRegistry::Stub>) {
      return Service::kRegistry;
    } else if constexpr (std::is_same_v<Stub, authoring::v1::ResponseAuthoring::Stub>) {
      return Service::kAuthoring;
    } else if constexpr (std::is_same_v<Stub, deadlines::v1::DeadlineScheduler::Stub>) {
      return Service::kDeadlines;
    } else {
      static_assert(std::is_same_v<Stub, publication::v1::Publication::Stub>, "all four offer it: use CallOn");
      return Service::kPublication;
    }
  }
  static Service FeedOf(std::string_view type);
  static std::string NewRequestId();

  ServiceState& State(Service service) { return states_[static_cast<size_t>(service)]; }
  const ServiceState& State(Service service) const { return states_[static_cast<size_t>(service)]; }
  bool WatchUntilServing(Service service, absl::Time until);
  absl::Status Retry(Service service, const std::function<grpc::Status()>& attempt);
  [[noreturn]] void GiveUp(Service service, std::string_view sentence);

  const SuiteOptions options_;
  TemporaryFolder folder_;
  std::array<ServiceState, kServices.size()> states_;
  ReservedPort web_port_;
  mutable absl::Mutex mutex_;
  absl::Time now_;
};

}  // namespace section55::testing
