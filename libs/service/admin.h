// What an operator sees and does, the same in all four services: the gRPC services Admin and DrivenClock.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/clock.h"
#include "libs/base/guarded_clock.h"
#include "libs/db/database.h"
#include "libs/db/proto_table.h"
#include "libs/events/event_log.h"
#include "libs/events/follower.h"
#include "libs/jobs/queue.h"
#include "libs/rpc/server.h"
#include "section55/admin/v1/admin.grpc.pb.h"

namespace section55::service {

inline constexpr std::string_view kAdminName = "section55.admin.v1.Admin";
inline constexpr std::string_view kDrivenClockName = "section55.admin.v1.DrivenClock";

// What Admin shows and works on. What is referred to outlives the server; the functions are thread-safe.
struct AdminParts {
  std::string service_name;     // "response-authoring"
  std::string deployment = {};  // "local"
  base::Clock& clock;
  db::Database& database;
  events::EventLog& log;
  jobs::Queue& jobs;
  std::vector<events::Follower*> followers = {};
  std::vector<const db::MessageTable*> tables = {};  // that CheckStorage reads, beside those of the libraries
  std::function<std::vector<admin::v1::LoopStatus>()> loops = {};
  std::function<absl::Status()> schema = {};  // OK, or the sentence that says what to do
  // What is known of the service without a look at its database: whether it serves, and whether the database answers.
  struct Health {
    absl::Status serving, database;
  };
  std::function<Health()> health = [] { return Health(); };
  base::GuardedClock* guarded_clock = nullptr;  // `clock`, unless that is driven
};

class AdminService : public admin::v1::Admin::Service {
 public:
  AdminService(rpc::Server& server, AdminParts parts);

  grpc::Status GetStatus(grpc::ServerContext* context, const admin::v1::GetStatusRequest* request,
                         admin::v1::Status* response) override;
  grpc::Status ListParkedEvents(grpc::ServerContext* context, const admin::v1::ListParkedEventsRequest* request,
                                admin::v1::ListParkedEventsResponse* response) override;
  grpc::Status RetryParkedEvent(grpc::ServerContext* context, const admin::v1::RetryParkedEventRequest* request,
                                admin::v1::RetryParkedEventResponse* response) override;
  grpc::Status AcceptFeed(grpc::ServerContext* context, const admin::v1::AcceptFeedRequest* request,
                          admin::v1::FollowerStatus* response) override;
  grpc::Status ListJobs(grpc::ServerContext* context, const admin::v1::ListJobsRequest* request,
                        admin::v1::ListJobsResponse* response) override;
  grpc::Status RetryJob(grpc::ServerContext* context, const admin::v1::RetryJobRequest* request,
                        admin::v1::Job* response) override;
  grpc::Status ConfirmClock(grpc::ServerContext* context, const admin::v1::ConfirmClockRequest* request,
                            admin::v1::ConfirmClockResponse* response) override;
  grpc::Status CheckStorage(grpc::ServerContext* context, const admin::v1::CheckStorageRequest* request,
                            admin::v1::CheckStorageResponse* response) override;

 private:
  events::Follower* FindFollower(std::string_view source) const;
  // Calls `check` for pages of rows until it has read the last, while the caller waits.
  absl::Status CheckPages(const rpc::Call& call, admin::v1::CheckStorageResponse& response,
                          absl::FunctionRef<absl::StatusOr<int>(std::vector<db::Damage>& damage)> check) const;

  rpc::Server& server_;
  const AdminParts parts_;
  const absl::Time start_time_;
};

// To be registered only with --driven_clock.
class DrivenClockService : public admin::v1::DrivenClock::Service {
 public:
  DrivenClockService(rpc::Server& server, base::DrivenClock& clock);

  grpc::Status SetTime(grpc::ServerContext* context, const admin::v1::SetTimeRequest* request,
                       admin::v1::SetTimeResponse* response) override;

 private:
  rpc::Server& server_;
  base::DrivenClock& clock_;
};

}  // namespace section55::service
