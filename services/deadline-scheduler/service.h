// The transport of deadline-scheduler: authorised calls in, rules and store, answers out. It only reads: deadlines
// change by events (followers.h) and by time (jobs.h).
#pragma once

#include "libs/access/policy.h"
#include "libs/db/database.h"
#include "libs/rpc/body_directory.h"
#include "libs/rpc/server.h"
#include "section55/deadlines/v1/deadline_scheduler.grpc.pb.h"

namespace section55::deadlines {

inline constexpr std::string_view kServiceName = "section55.deadlines.v1.DeadlineScheduler";

// Thread-safe.
class DeadlineSchedulerService : public v1::DeadlineScheduler::Service {
 public:
  DeadlineSchedulerService(rpc::Server& server, db::Database& database, rpc::BodyDirectory& directory);

  grpc::Status ExplainDeadline(grpc::ServerContext* context, const v1::ExplainDeadlineRequest* request,
                               v1::ExplainDeadlineResponse* response) override;
  grpc::Status GetDeadline(grpc::ServerContext* context, const v1::GetDeadlineRequest* request,
                           v1::Deadline* response) override;
  grpc::Status ListDeadlines(grpc::ServerContext* context, const v1::ListDeadlinesRequest* request,
                             v1::ListDeadlinesResponse* response) override;

 private:
  absl::Status ExplainReport(const rpc::Call& call, const v1::ExplainDeadlineRequest& request,
                             v1::ExplainDeadlineResponse& response);

  rpc::Server& server_;
  db::Database& database_;
  rpc::BodyDirectory& directory_;
  // The rules of this service's methods, to ask inside ExplainDeadline, which everybody may call, what the caller may
  // read.
  const absl::StatusOr<access::Policy> policy_;
};

}  // namespace section55::deadlines
