#include "libs/service/admin.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/log.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/db/idempotency.h"
#include "libs/db/migrate.h"
#include "libs/events/parked.h"
#include "libs/rpc/paging.h"

namespace section55::service {
namespace {

using google::protobuf::util::TimeUtil;

// Rows that CheckStorage reads before it lets others have their turn.
constexpr int kCheckedAtOnce = 500;
constexpr int kMostDamagedRows = 1000;
constexpr int kPageOfEventsOrJobs = 100;
constexpr std::string_view kJobs = "jobs/";

google::protobuf::Timestamp ToProto(absl::Time time) { return TimeUtil::MicrosecondsToTimestamp(base::ToMicros(time)); }

// The id of "jobs/17"; nothing for any other text.
std::optional<int64_t> ParseJobName(std::string_view name) {
  int64_t id = 0;
  if (!name.starts_with(kJobs) || !absl::SimpleAtoi(std::string(name.substr(kJobs.size())), &id) || id < 1 ||
      fmt::format("{}{}", kJobs, id) != name) {
    return std::nullopt;
  }
  return id;
}

void CheckParent(const std::string& parent, base::Violations& violations) {
  if (!parent.empty() && !base::ParseName(parent, base::kBodyName)) {
    violations.Add("parent", "must be empty or have the form bodies/ID");
  }
}

// What an operator is told: with the driver's words, which may name hosts and files.
std::string ReasonOf(const absl::Status& status) {
  const std::string detail = base::DetailOf(status);
  return fmt::format("{}{}{}{}", std::string(status.message()), detail.empty() ? "" : " (", detail,
                     detail.empty() ? "" : ")");
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  return TimeUtil::MicrosecondsToDuration(absl::ToInt64Microseconds(duration));
}

admin::v1::ClockStatus ShowClock(const base::GuardedClock& clock) {
  admin::v1::ClockStatus shown;
  *shown.mutable_machine_time() = ToProto(absl::Now());
  shown.set_in_doubt(clock.InDoubt());
  if (const auto doubt = clock.doubt()) {
    *shown.mutable_off_by() = ToProto(doubt->by);
    *shown.mutable_doubted_for() = ToProto(doubt->lasted);
    shown.set_database_disagrees(doubt->database_disagrees);
  }
  return shown;
}

absl::Status MustHaveTheForm(std::string_view form) {
  base::Violations violations;
  violations.Add("name", fmt::format("must have the form {}", form));
  return violations.ToStatus();
}

}  // namespace

AdminService::AdminService(rpc::Server& server, AdminParts parts)
    : server_(server), parts_(std::move(parts)), start_time_(parts_.clock.Now()) {}

events::Follower* AdminService::FindFollower(std::string_view source) const {
  const auto found = std::find_if(parts_.followers.begin(), parts_.followers.end(),
                                  [&](const events::Follower* follower) { return follower->source() == source; });
  return found == parts_.followers.end() ? nullptr : *found;
}

grpc::Status AdminService::GetStatus(grpc::ServerContext* context, const admin::v1::GetStatusRequest* request,
                                     admin::v1::Status* response) {
  return server_.ServeAlways(context, *request, [&](rpc::Call& call) -> absl::Status {
    response->set_service(parts_.service_name);
    response->set_version(SECTION55_VERSION);
    *response->mutable_start_time() = ToProto(start_time_);
    *response->mutable_current_time() = ToProto(parts_.clock.Now());
    response->set_database_engine(parts_.database.engine() == db::Engine::kSqlite ? "sqlite" : "mysql");
    response->set_deployment(parts_.deployment);
    if (parts_.guarded_clock != nullptr) {
      *response->mutable_clock() = ShowClock(*parts_.guarded_clock);
    }
    const AdminParts::Health health = parts_.health();
    if (!health.serving.ok()) {
      response->set_not_serving_reason(ReasonOf(health.serving));
    }
    if (absl::IsFailedPrecondition(health.database)) {
      response->set_schema_problem(std::string(health.database.message()));
    }
    if (!health.database.ok()) {
      // Nobody waits for what does not answer.
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const std::vector<db::AppliedMigration> history, db::SchemaHistory(parts_.database));
    for (const db::AppliedMigration& step : history) {
      response->add_applied_migrations(fmt::format("{}/{:04}_{}", step.component, step.version, step.name));
    }
    ASSIGN_OR_RETURN(const events::EventLog::End end, parts_.log.FindEnd(call.deadline));
    response->set_feed_head_position(end.head);
    response->set_feed_incarnation(end.incarnation);
    for (events::Follower* follower : parts_.followers) {
      *response->add_followers() = follower->Status();
    }
    if (parts_.schema) {
      response->set_schema_problem(std::string(parts_.schema().message()));
    }
    if (parts_.loops) {
      for (admin::v1::LoopStatus& loop : parts_.loops()) {
        *response->add_loops() = std::move(loop);
      }
    }
    ASSIGN_OR_RETURN(const jobs::Queue::Counts counts, parts_.jobs.Count());
    response->set_waiting_jobs(counts.waiting);
    response->set_parked_jobs(counts.parked);
    return absl::OkStatus();
  });
}

grpc::Status AdminService::ListParkedEvents(grpc::ServerContext* context,
                                            const admin::v1::ListParkedEventsRequest* request,
                                            admin::v1::ListParkedEventsResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    CheckParent(request->parent(), violations);
    const auto paging = rpc::ReadPaging<std::string, int64_t>(*request, violations, kPageOfEventsOrJobs);
    RETURN_IF_ERROR(violations.ToStatus());
    events::ParkedKey after;
    if (paging.after) {
      std::tie(after.source, after.position) = *paging.after;
    }
    std::vector<admin::v1::ParkedEvent> events;
    RETURN_IF_ERROR(parts_.database.Lookup(
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(events, events::ListParked(tx, request->parent(), after, paging.limit()));
          return absl::OkStatus();
        },
        call.deadline));
    const auto key_of = [](const admin::v1::ParkedEvent& event) {
      return std::tuple(event.source(), event.position());
    };
    rpc::FinishPage(*request, paging, events, key_of, *response);
    for (admin::v1::ParkedEvent& event : events) {
      *response->add_parked_events() = std::move(event);
    }
    return absl::OkStatus();
  });
}

grpc::Status AdminService::RetryParkedEvent(grpc::ServerContext* context,
                                            const admin::v1::RetryParkedEventRequest* request,
                                            admin::v1::RetryParkedEventResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    const std::optional<events::ParkedKey> key = events::ParseParkedName(request->name());
    if (!key) {
      return MustHaveTheForm("parkedEvents/SOURCE-POSITION");
    }
    events::Follower* const follower = FindFollower(key->source);
    if (follower == nullptr) {
      return base::NotFound(request->name());
    }
    ASSIGN_OR_RETURN(const int handled, follower->RetryParked(key->position));
    response->set_handled_events(handled);
    return absl::OkStatus();
  });
}

grpc::Status AdminService::AcceptFeed(grpc::ServerContext* context, const admin::v1::AcceptFeedRequest* request,
                                      admin::v1::FollowerStatus* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    base::Violations violations;
    if (request->source().empty()) {
      violations.Add("source", "is required");
    }
    if (request->position() < 0) {
      violations.Add("position", "must not be negative");
    }
    RETURN_IF_ERROR(violations.ToStatus());
    events::Follower* const follower = FindFollower(request->source());
    if (follower == nullptr) {
      return base::NotFound(request->source());
    }
    RETURN_IF_ERROR(follower->AcceptFeed(request->position()));
    *response = follower->Status();
    return absl::OkStatus();
  });
}

grpc::Status AdminService::ListJobs(grpc::ServerContext* context, const admin::v1::ListJobsRequest* request,
                                    admin::v1::ListJobsResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    base::Violations violations;
    CheckParent(request->parent(), violations);
    const auto paging = rpc::ReadPaging<int64_t, int64_t>(*request, violations, kPageOfEventsOrJobs);
    RETURN_IF_ERROR(violations.ToStatus());
    jobs::Queue::Place after;
    if (paging.after) {
      std::tie(after.due_us, after.id) = *paging.after;
    }
    ASSIGN_OR_RETURN(std::vector<admin::v1::Job> jobs,
                     parts_.jobs.List(request->parent(), request->parked_only(), after, paging.limit()));
    const auto key_of = [](const admin::v1::Job& job) {
      return std::tuple(TimeUtil::TimestampToMicroseconds(job.due_time()), *ParseJobName(job.name()));
    };
    rpc::FinishPage(*request, paging, jobs, key_of, *response);
    for (admin::v1::Job& job : jobs) {
      *response->add_jobs() = std::move(job);
    }
    return absl::OkStatus();
  });
}

grpc::Status AdminService::RetryJob(grpc::ServerContext* context, const admin::v1::RetryJobRequest* request,
                                    admin::v1::Job* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    const std::optional<int64_t> id = ParseJobName(request->name());
    if (!id) {
      return MustHaveTheForm("jobs/ID");
    }
    ASSIGN_OR_RETURN(*response, parts_.jobs.Retry(*id));
    return absl::OkStatus();
  });
}

grpc::Status AdminService::ConfirmClock(grpc::ServerContext* context, const admin::v1::ConfirmClockRequest* request,
                                        admin::v1::ConfirmClockResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    if (parts_.guarded_clock == nullptr || !parts_.guarded_clock->Confirm()) {
      return base::Error(absl::StatusCode::kFailedPrecondition, "CLOCK_NOT_IN_DOUBT",
                         "nobody doubts this server's clock; there is nothing to confirm");
    }
    base::Log(base::Severity::kWarning, "an operator says that the machine's clock is right",
              {{"actor", call.caller.actor}});
    *response->mutable_time() = ToProto(parts_.clock.Now());
    return absl::OkStatus();
  });
}

absl::Status AdminService::CheckPages(
    const rpc::Call& call, admin::v1::CheckStorageResponse& response,
    absl::FunctionRef<absl::StatusOr<int>(std::vector<db::Damage>& damage)> check) const {
  int rows = kCheckedAtOnce;
  while (rows == kCheckedAtOnce) {
    if (call.cancelled()) {
      return absl::CancelledError("the caller has gone");
    }
    std::vector<db::Damage> damage;
    ASSIGN_OR_RETURN(rows, check(damage));
    response.set_rows_read(response.rows_read() + rows);
    for (const db::Damage& one : damage) {
      if (response.damaged_rows_size() == kMostDamagedRows) {
        break;
      }
      admin::v1::DamagedRow& row = *response.add_damaged_rows();
      row.set_table(one.table);
      row.set_key(one.key);
      row.set_problem(one.problem);
    }
  }
  return absl::OkStatus();
}

grpc::Status AdminService::CheckStorage(grpc::ServerContext* context, const admin::v1::CheckStorageRequest* request,
                                        admin::v1::CheckStorageResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    // Each page is a transaction of its own, so that nothing is held up for long.
    const auto in_read = [&](std::vector<db::Damage>& damage, auto check) -> absl::StatusOr<int> {
      int rows = 0;
      RETURN_IF_ERROR(parts_.database.Read(
          [&](db::Transaction& tx) -> absl::Status {
            ASSIGN_OR_RETURN(rows, check(tx, damage));
            return absl::OkStatus();
          },
          call.deadline));
      return rows;
    };
    for (const db::MessageTable* table : parts_.tables) {
      std::vector<std::string> after;
      RETURN_IF_ERROR(CheckPages(call, *response, [&](std::vector<db::Damage>& damage) {
        return in_read(damage, [&](db::Transaction& tx, std::vector<db::Damage>& found) {
          return table->Check(tx, after, kCheckedAtOnce, found);
        });
      }));
    }
    int64_t position = 0;
    RETURN_IF_ERROR(CheckPages(call, *response, [&](std::vector<db::Damage>& damage) {
      return parts_.log.CheckStorage(position, kCheckedAtOnce, damage);
    }));
    events::ParkedKey after;
    RETURN_IF_ERROR(CheckPages(call, *response, [&](std::vector<db::Damage>& damage) {
      return in_read(damage, [&](db::Transaction& tx, std::vector<db::Damage>& found) {
        return events::CheckParked(tx, after, kCheckedAtOnce, found);
      });
    }));
    std::array<std::string, 3> request_key;
    RETURN_IF_ERROR(CheckPages(call, *response, [&](std::vector<db::Damage>& damage) {
      return in_read(damage, [&](db::Transaction& tx, std::vector<db::Damage>& found) {
        return db::CheckRequests(tx, request_key, kCheckedAtOnce, found);
      });
    }));
    int64_t job = 0;
    return CheckPages(call, *response, [&](std::vector<db::Damage>& damage) {
      return parts_.jobs.CheckStorage(job, kCheckedAtOnce, damage);
    });
  });
}

DrivenClockService::DrivenClockService(rpc::Server& server, base::DrivenClock& clock)
    : server_(server), clock_(clock) {}

grpc::Status DrivenClockService::SetTime(grpc::ServerContext* context, const admin::v1::SetTimeRequest* request,
                                         admin::v1::SetTimeResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    base::Violations violations;
    if (!request->has_time()) {
      violations.Add("time", "is required");
    } else if (request->time().seconds() < TimeUtil::kTimestampMinSeconds ||
               request->time().seconds() > TimeUtil::kTimestampMaxSeconds) {
      violations.Add("time", "must lie between the years 1 and 9999");
    }
    RETURN_IF_ERROR(violations.ToStatus());
    clock_.Set(base::FromMicros(TimeUtil::TimestampToMicroseconds(request->time())));
    *response->mutable_time() = ToProto(clock_.Now());
    return absl::OkStatus();
  });
}

}  // namespace section55::service
