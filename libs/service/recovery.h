// Bringing a service back into step with the others after its database was restored from a backup: the gRPC service Recovery, and
// whether the service can be opened again.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/events/handlers.h"
#include "libs/rpc/server.h"
#include "section55/admin/v1/recovery.grpc.pb.h"

namespace section55::service {

inline constexpr std::string_view kRecoveryName = "section55.admin.v1.Recovery";

// Thread-safe.
class RecoveryService : public admin::v1::Recovery::Service {
 public:
  // `take_in` handles this service's own events as followers give them back: takes in what is missing, and notes what it finds. All
  // live longer.
  RecoveryService(rpc::Server& server, db::Database& database, base::Clock& clock, events::Handlers take_in);

  grpc::Status GetRecovery(grpc::ServerContext* context, const admin::v1::GetRecoveryRequest* request,
                           admin::v1::RecoveryStatus* response) override;
  grpc::Status StopAwaiting(grpc::ServerContext* context, const admin::v1::StopAwaitingRequest* request,
                            admin::v1::RecoveryStatus* response) override;
  grpc::Status GiveBack(grpc::ServerContext* context, const admin::v1::GiveBackRequest* request,
                        admin::v1::GiveBackResponse* response) override;

 private:
  absl::Status TakeIn(common::v1::Event event, std::string_view follower);

  rpc::Server& server_;
  db::Database& database_;
  base::Clock& clock_;
  const events::Handlers take_in_;
};

// OK when nobody is awaited; otherwise why people are refused, with the reason rpc::kRecovering. `held`: whether this service's followers
// must not handle anything yet, as it still hears from those that follow it what it has forgotten.
absl::Status CheckRecovered(db::Database& database, absl::Time until, bool& held);

// A feed was followed to its end: it is awaited no longer.
absl::Status HasCaughtUp(db::Database& database, std::string_view source);

}  // namespace section55::service
