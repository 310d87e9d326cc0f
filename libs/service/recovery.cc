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
      ASSIGN_OR_RETURN(const bool follower, events::StopAwaitingFollower(tx, request->service()));
      ASSIGN_OR_RETURN(const bool source, events::StopAwaitingSource(tx, request->service()));
      if (!follower && !source) {
        return base::NotFound(request->service());
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
      RETURN_IF_ERROR(database_.Write([&](db::Transaction& tx) {
        return events::StopAwaitingFollower(tx, actor.substr(kServices.size())).status();
      }));
      base::Log(base::Severity::kInfo, "a follower has given back what it holds",
                {{"follower", actor}, {"its_position", request->position()}, {"in_common", *common}});
    }
    response->set_position(std::min(*common, request->position()));
    response->set_incarnation(here.incarnation);
    return absl::OkStatus();
  });
}

absl::Status CheckRecovered(db::Database& database, absl::Time until, bool& held) {
  events::Awaited awaited;
  RETURN_IF_ERROR(database.Read(
      [&](db::Transaction& tx) -> absl::Status {
        ASSIGN_OR_RETURN(awaited, events::FindAwaited(tx));
        return absl::OkStatus();
      },
      until));
  held = !awaited.followers.empty();
  std::string why;
  for (const std::string& follower : awaited.followers) {
    why += fmt::format("{}{}", why.empty() ? "" : ", ", follower);
  }
  if (held) {
    why = fmt::format("waiting for {} to give back what this service has forgotten", why);
  }
  for (const std::string& source : held ? std::vector<std::string>() : awaited.sources) {
    why += fmt::format("{}{}", why.empty() ? "catching up with " : ", ", source);
  }
  if (why.empty()) {
    return absl::OkStatus();
  }
  return base::Error(absl::StatusCode::kUnavailable, std::string(rpc::kRecovering),
                     "restored from a backup, and " + why);
}

absl::Status HasCaughtUp(db::Database& database, std::string_view source) {
  return database.Write([&](db::Transaction& tx) { return events::StopAwaitingSource(tx, source).status(); });
}

}  // namespace section55::service
