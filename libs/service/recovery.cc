#include "libs/service/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "libs/base/error_text.h"
#include "libs/base/log.h"
#include "libs/base/status.h"
#include "libs/events/recovery.h"

namespace section55::service {
namespace {

constexpr std::string_view kServices = "services/";

// Whether the error says that our own database is away, and nothing about the event.
bool IsPassing(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsAborted(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsCancelled(status);
}

}  // namespace

RecoveryService::RecoveryService(rpc::Server& server, db::Database& database, base::Clock& clock,
                                 events::Handlers take_in)
    : server_(server), database_(database), clock_(clock), take_in_(std::move(take_in)) {}

grpc::Status RecoveryService::GetRecovery(grpc::ServerContext* context, const admin::v1::GetRecoveryRequest* request,
                                          admin::v1::RecoveryStatus* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return database_.Read(
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(*response, events::DescribeRecovery(tx));
          return absl::OkStatus();
        },
        call.deadline);
  });
}

grpc::Status RecoveryService::StopAwaiting(grpc::ServerContext* context, const admin::v1::StopAwaitingRequest* request,
                                           admin::v1::RecoveryStatus* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) {
    return database_.Write([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const bool awaited, events::StopAwaiting(tx, request->follower()));
      if (!awaited) {
        return base::NotFound(request->follower());
      }
      ASSIGN_OR_RETURN(*response, events::DescribeRecovery(tx));
      return absl::OkStatus();
    });
  });
}

// One event in a transaction of its own; what cannot be taken in is noted, so that it holds up nothing else.
absl::Status RecoveryService::TakeIn(common::v1::Event event, std::string_view follower) {
  event.set_actor(std::string(follower));
  const absl::Status taken = database_.Write([&](db::Transaction& tx) { return take_in_.Apply(tx, event); });
  if (taken.ok() || IsPassing(taken)) {
    return taken;
  }
  const std::string error = base::ErrorText(taken);
  base::Log(base::Severity::kError, "what a follower gave back cannot be taken in",
            {{"follower", follower}, {"subject", event.subject()}, {"error", error}});
  return database_.Write([&](db::Transaction& tx) {
    return events::Note(tx, event, events::Finding::kOpen, clock_.Now(), "It cannot be taken in: " + error);
  });
}

grpc::Status RecoveryService::GiveBack(grpc::ServerContext* context, const admin::v1::GiveBackRequest* request,
                                       admin::v1::GiveBackResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    events::Lineage here;
    RETURN_IF_ERROR(database_.Read(
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(here, events::ReadLineage(tx));
          return absl::OkStatus();
        },
        call.deadline));
    const std::optional<int64_t> common = events::InCommon(here, request->incarnation());
    if (!common) {
      return base::Error(
          absl::StatusCode::kFailedPrecondition, "OTHER_INCARNATION",
          fmt::format("This feed is {}, which has nothing to do with {}.", here.incarnation, request->incarnation()));
    }
    const std::string& actor = call.caller.actor;
    for (const common::v1::Event& event : request->events()) {
      RETURN_IF_ERROR(TakeIn(event, actor));
    }
    if (request->last()) {
      bool awaited = false;
      RETURN_IF_ERROR(database_.Write([&](db::Transaction& tx) -> absl::Status {
        ASSIGN_OR_RETURN(awaited, events::StopAwaiting(tx, actor.substr(kServices.size())));
        return absl::OkStatus();
      }));
      base::Log(base::Severity::kInfo, "a follower has given back what it holds",
                {{"follower", actor}, {"its_position", request->position()}, {"in_common", *common}});
    }
    response->set_position(std::min(*common, request->position()));
    response->set_incarnation(here.incarnation);
    return absl::OkStatus();
  });
}

absl::Status CheckRecovered(db::Database& database, absl::Time until) {
  std::string awaited;
  RETURN_IF_ERROR(database.Lookup(
      [&](db::Transaction& tx) -> absl::Status {
        awaited.clear();
        ASSIGN_OR_RETURN(const std::vector<std::string> followers, events::AwaitedFollowers(tx));
        for (const std::string& follower : followers) {
          awaited += fmt::format("{}{}", awaited.empty() ? "" : ", ", follower);
        }
        return absl::OkStatus();
      },
      until));
  if (awaited.empty()) {
    return absl::OkStatus();
  }
  return base::Error(
      absl::StatusCode::kUnavailable, std::string(rpc::kRecovering),
      fmt::format("restored from a backup, and waiting for {} to give back what this service has forgotten", awaited));
}

}  // namespace section55::service
