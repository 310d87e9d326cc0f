#include "services/deadline-scheduler/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/filter.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/calendar/london.h"
#include "libs/rpc/change.h"
#include "libs/rpc/paging.h"
#include "libs/rpc/parent.h"
#include "services/deadline-scheduler/rules.h"
#include "services/deadline-scheduler/store.h"

namespace section55::deadlines {
namespace {

// What one call takes back, so that no transaction grows without bound.
constexpr int kMostReinstated = 200;

// Missed from, body, inspection.
using ListPaging = rpc::Paging<int64_t, std::string, std::string>;

ListPaging::Key PageKeyOf(const store::StoredDeadline& stored) {
  store::DeadlineKey key = store::KeyOf(stored.message);
  return {key.missed_from, std::move(key.id.body), std::move(key.id.inspection)};
}

// Due on these days means missed at these instants.
void LimitDueDate(const base::Condition& condition, store::DeadlineQuery& query) {
  absl::CivilDay due;
  absl::ParseCivilTime(condition.text, &due);  // the filter has seen that it is a day
  const int64_t missed_from = base::ToMicros(calendar::MissedFrom(due));
  if (condition.comparison == base::kEqual || condition.comparison == base::kGreaterOrEqual) {
    query.earliest = std::max(query.earliest, missed_from);
  }
  if (condition.comparison == base::kEqual || condition.comparison == base::kLessOrEqual) {
    query.latest = std::min(query.latest, missed_from);
  }
  if (condition.comparison == base::kGreater) {
    query.earliest = std::max(query.earliest, missed_from + 1);
  }
  if (condition.comparison == base::kLess) {
    query.latest = std::min(query.latest, missed_from - 1);
  }
}

void ReadFilter(std::string_view filter, store::DeadlineQuery& query, base::Violations& violations) {
  for (const base::Condition& condition :
       base::ParseFilter(filter,
                         {base::EnumField("state", v1::Deadline::State_descriptor()),
                          base::NameField("inspection", base::kInspectionName), base::DateField("due_date")},
                         violations)) {
    if (condition.field == "state") {
      query.state = static_cast<v1::Deadline::State>(condition.number);
    } else if (condition.field == "inspection") {
      query.inspection = condition.text;
    } else {
      LimitDueDate(condition, query);
    }
  }
}

absl::StatusOr<double> Count(db::Database& database, v1::Deadline::State state, absl::Time to) {
  int64_t count = 0;
  RETURN_IF_ERROR(database.Lookup([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(count, store::CountDeadlines(tx, state, absl::FromUnixSeconds(0), to));
    return absl::OkStatus();
  }));
  return static_cast<double>(count);
}

}  // namespace

absl::StatusOr<double> CountDueWithin(db::Database& database, absl::Time now, absl::Duration time) {
  return Count(database, v1::Deadline::PENDING, now + time);
}

absl::StatusOr<double> CountMissed(db::Database& database) {
  return Count(database, v1::Deadline::MISSED, absl::FromUnixSeconds(253402300799));
}

DeadlineSchedulerService::DeadlineSchedulerService(rpc::Server& server, db::Database& database,
                                                   service::Directory& directory, base::Clock& clock,
                                                   const Changes& changes)
    : server_(server),
      database_(database),
      directory_(directory),
      clock_(clock),
      changes_(changes),
      policy_(access::Policy::Compile(
          {v1::GetDeadlineRequest::descriptor()->file()->FindServiceByName("DeadlineScheduler")})) {}

absl::Status DeadlineSchedulerService::ExplainReport(const rpc::Call& call, const v1::ExplainDeadlineRequest& request,
                                                     v1::ExplainDeadlineResponse& response) {
  base::Violations violations;
  const std::string inspection = base::IdIn("inspection", request.inspection(), base::kInspectionName, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  v1::GetDeadlineRequest deadline;
  if (!request.body().empty()) {
    deadline.set_name(fmt::format("{}/deadlines/{}", request.body(), inspection));
    RETURN_IF_ERROR(policy_.status());
    // Before anything is looked up: what the step would tell is for those who may read the deadline.
    RETURN_IF_ERROR(
        policy_->Authorise(*policy_->Find(deadline.GetDescriptor()), call.caller, deadline, &directory_).status());
  }
  return database_.Read(
      [&](db::Transaction& tx) -> absl::Status {
        ASSIGN_OR_RETURN(const registry::v1::Inspection report, store::LoadInspection(tx, inspection));
        const auto first = rules::DayOne(report);
        if (!first || report.state() == registry::v1::Inspection::WITHDRAWN) {
          ASSIGN_OR_RETURN(response, rules::ExplainWithoutDay(request.rule(), report));
        } else {
          ASSIGN_OR_RETURN(response, rules::Explain(request.rule(), *first, report.basis(), call.now));
          if (!report.clock_reason().empty()) {
            rules::AddStep({calendar::Step::Kind::kRemark,
                            fmt::format("Day 1 is as the registrar states: {}", report.clock_reason()), *first},
                           response);
          }
        }
        if (request.body().empty()) {
          return absl::OkStatus();
        }
        ASSIGN_OR_RETURN(const rules::DeadlineId id, rules::ParseDeadlineName(deadline.name()));
        const absl::StatusOr<store::StoredDeadline> stored = store::LoadDeadline(tx, id);
        if (absl::IsNotFound(stored.status()) && !response.has_due_date()) {
          return absl::OkStatus();  // nothing was opened, as there is no day
        }
        RETURN_IF_ERROR(stored.status());
        rules::AddStep({calendar::Step::Kind::kStanding, rules::ExplainState(stored->message), std::nullopt}, response);
        return absl::OkStatus();
      },
      call.deadline);
}

grpc::Status DeadlineSchedulerService::ExplainDeadline(grpc::ServerContext* context,
                                                       const v1::ExplainDeadlineRequest* request,
                                                       v1::ExplainDeadlineResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    RETURN_IF_ERROR(rules::CheckExplain(*request));
    if (!request->inspection().empty()) {
      return ExplainReport(call, *request, *response);
    }
    ASSIGN_OR_RETURN(*response, rules::Explain(request->rule(), *base::ToCivilDay(request->publication_date()),
                                               registry::v1::Inspection::STATUTE_S55, call.now));
    return absl::OkStatus();
  });
}

grpc::Status DeadlineSchedulerService::GetDeadline(grpc::ServerContext* context, const v1::GetDeadlineRequest* request,
                                                   v1::Deadline* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    ASSIGN_OR_RETURN(const rules::DeadlineId id, rules::ParseDeadlineName(request->name()));
    return database_.Lookup(
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(store::StoredDeadline stored, store::LoadDeadline(tx, id));
          *response = std::move(stored.message);
          return absl::OkStatus();
        },
        call.deadline);
  });
}

grpc::Status DeadlineSchedulerService::ListDeadlines(grpc::ServerContext* context,
                                                     const v1::ListDeadlinesRequest* request,
                                                     v1::ListDeadlinesResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    const rpc::Parent parent = rpc::ReadParent(request->parent(), call.scope, violations);
    store::DeadlineQuery query;
    ReadFilter(request->filter(), query, violations);
    const auto paging = rpc::ReadPaging<int64_t, std::string, std::string>(*request, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    query.everything = parent.everything;
    query.limit = paging.limit();
    if (paging.after) {
      const auto& [missed_from, body, inspection] = *paging.after;
      query.after = store::DeadlineKey{missed_from, {body, inspection}};
    }
    std::vector<store::StoredDeadline> found;
    RETURN_IF_ERROR(database_.Read(
        [&](db::Transaction& tx) -> absl::Status {
          rpc::Parent resolved = parent;
          RETURN_IF_ERROR(
              rpc::ResolveForces(resolved, [&](const std::string& force) { return store::BodiesOf(tx, force); }));
          query.bodies = std::move(resolved.bodies);
          ASSIGN_OR_RETURN(found, store::ListDeadlines(tx, query));
          return absl::OkStatus();
        },
        call.deadline));
    rpc::FinishPage(*request, paging, found, PageKeyOf, *response);
    for (store::StoredDeadline& stored : found) {
      *response->add_deadlines() = std::move(stored.message);
    }
    return absl::OkStatus();
  });
}

grpc::Status DeadlineSchedulerService::ReinstateDeadlines(grpc::ServerContext* context,
                                                          const v1::ReinstateDeadlinesRequest* request,
                                                          v1::ReinstateDeadlinesResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    const rpc::Parent parent = rpc::ReadParent(request->parent(), call.scope, violations);
    rules::CheckReinstate(*request, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    if (clock_.InDoubt()) {
      return base::Error(absl::StatusCode::kFailedPrecondition, "CLOCK_IN_DOUBT",
                         "whether a day has passed cannot be said while the clock is in doubt: see Admin.GetStatus");
    }
    v1::Reinstatement record;
    record.set_actor(call.caller.actor);
    *record.mutable_time() = base::ToTimestamp(call.now);
    record.set_reason(request->reason());
    store::DeadlineQuery query;
    query.everything = parent.everything;
    query.bodies = parent.bodies;
    query.state = v1::Deadline::MISSED;
    query.earliest = base::ToMicros(call.now) + 1;
    query.limit = kMostReinstated;
    std::vector<store::StoredDeadline> found;
    return rpc::Change(
        call, database_, *request, *response,
        [&](db::Transaction& tx) -> absl::Status {
          ASSIGN_OR_RETURN(found, store::ListDeadlines(tx, query));
          response->set_more(found.size() == kMostReinstated);
          for (store::StoredDeadline& stored : found) {
            rules::Reinstate(call.now, record, stored.message);
            v1::Deadline& shown = *response->add_deadlines();
            shown = stored.message;
            shown.set_etag(base::EtagOf(stored.version + 1));
          }
          return absl::OkStatus();
        },
        [&](db::Transaction& tx) -> absl::Status {
          for (store::StoredDeadline stored : found) {
            RETURN_IF_ERROR(changes_.SaveReinstated(tx, stored, call.request_id));
          }
          return absl::OkStatus();
        });
  });
}

}  // namespace section55::deadlines
