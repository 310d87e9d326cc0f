// The transport of deadline-scheduler: authorised calls in, rules and store, answers out. It only reads, but for taking back what a
// wrong clock did: deadlines change by events (followers.h) and by time (jobs.h).
#pragma once

#include "libs/access/policy.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/rpc/server.h"
#include "libs/service/directory.h"
#include "section55/deadlines/v1/deadline_scheduler.grpc.pb.h"
#include "services/deadline-scheduler/changes.h"

namespace section55::deadlines {

inline constexpr std::string_view kServiceName = "section55.deadlines.v1.DeadlineScheduler";

// For an operator: how many deadlines are PENDING and missed within a time from now, or already, and how many are MISSED.
absl::StatusOr<double> CountDueWithin(db::Database& database, absl::Time now, absl::Duration time);
absl::StatusOr<double> CountMissed(db::Database& database);

// Thread-safe.
class DeadlineSchedulerService : public v1::DeadlineScheduler::Service {
 public:
  // All of them live longer.
  DeadlineSchedulerService(rpc::Server& server, db::Database& database, service::Directory& directory,
                           base::Clock& clock, const Changes& changes);

  grpc::Status ExplainDeadline(grpc::ServerContext* context, const v1::ExplainDeadlineRequest* request,
                               v1::ExplainDeadlineResponse* response) override;
  grpc::Status GetDeadline(grpc::ServerContext* context, const v1::GetDeadlineRequest* request,
                           v1::Deadline* response) override;
  grpc::Status ListDeadlines(grpc::ServerContext* context, const v1::ListDeadlinesRequest* request,
                             v1::ListDeadlinesResponse* response) override;
  grpc::Status ReinstateDeadlines(grpc::ServerContext* context, const v1::ReinstateDeadlinesRequest* request,
                                  v1::ReinstateDeadlinesResponse* response) override;

 private:
  absl::Status ExplainReport(const rpc::Call& call, const v1::ExplainDeadlineRequest& request,
                             v1::ExplainDeadlineResponse& response);

  rpc::Server& server_;
  db::Database& database_;
  service::Directory& directory_;
  base::Clock& clock_;
  const Changes& changes_;
  // The rules of this service's methods, to ask inside ExplainDeadline, which everybody may call, what the caller may
  // read.
  const absl::StatusOr<access::Policy> policy_;
};

}  // namespace section55::deadlines
