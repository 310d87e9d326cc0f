#include "services/deadline-scheduler/service.h"

#include <fmt/format.h>

#include <charconv>

#include "libs/base/filter.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/rpc/paging.h"
#include "services/deadline-scheduler/rules.h"
#include "services/deadline-scheduler/store.h"

namespace section55::deadlines {
namespace {

constexpr size_t kKeySize = 3;

std::vector<std::string> ToPageKey(const store::DeadlineKey& key) {
  return {std::to_string(key.missed_from), key.body, key.inspection};
}

// The key of a page token; nothing for the first page.
std::optional<store::DeadlineKey> ReadKey(const v1::ListDeadlinesRequest& request, base::Violations& violations) {
  const std::vector<std::string> parts = rpc::ReadPageToken(request, kKeySize, violations);
  if (parts.empty()) {
    return std::nullopt;
  }
  store::DeadlineKey key{0, parts[1], parts[2]};
  const char* end = parts[0].data() + parts[0].size();
  if (const auto read = std::from_chars(parts[0].data(), end, key.missed_from);
      read.ptr != end || read.ec != std::errc()) {
    violations.Add("page_token", "is damaged");
  }
  return key;
}

// The ids in names such as "bodies/norfolk-pcc", of which a role is granted on.
std::vector<std::string> IdsOf(const std::vector<std::string>& names, std::string_view pattern) {
  std::vector<std::string> ids;
  for (const std::string& name : names) {
    if (auto parts = base::ParseName(name, pattern)) {
      ids.push_back(std::move(parts->front()));
    }
  }
  return ids;
}

absl::StatusOr<store::DeadlineQuery> ToQuery(const v1::ListDeadlinesRequest& request, const access::Scope& scope) {
  base::Violations violations;
  store::DeadlineQuery query;
  if (const auto parent = base::ParseName(request.parent(), "bodies/{body}", /*wildcard=*/true); !parent) {
    violations.Add("parent", "must have the form bodies/{body} or be bodies/-");
  } else if (parent->front() != "-") {
    query.body = parent->front();
  } else {
    query.all = scope.everything;
    query.bodies = IdsOf(scope.bodies, "bodies/{body}");
    query.forces = IdsOf(scope.forces, "forces/{force}");
  }
  auto filter = base::ParseFilter(request.filter(), {"state", "inspection"}, violations);
  if (const auto state = filter.find("state"); state != filter.end()) {
    v1::Deadline::State wanted;
    if (v1::Deadline::State_Parse(state->second, &wanted) && wanted != v1::Deadline::STATE_UNSPECIFIED) {
      query.state = wanted;
    } else {
      violations.Add("filter", "state must be PENDING, MET or MISSED");
    }
  }
  if (const auto inspection = filter.find("inspection"); inspection != filter.end()) {
    if (const auto parts = base::ParseName(inspection->second, "inspections/{inspection}")) {
      query.inspection = parts->front();
    } else {
      violations.Add("filter", "inspection must have the form inspections/{inspection}");
    }
  }
  query.limit = rpc::PageSize(request.page_size(), violations);
  query.after = ReadKey(request, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  return query;
}

}  // namespace

absl::StatusOr<std::string> BodyDirectory::ForceOf(std::string_view body) {
  ASSIGN_OR_RETURN(const std::string id, rules::ParseId(body, "bodies/{body}", "body"));
  std::string force;
  RETURN_IF_ERROR(database_.Lookup([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(force, store::ForceOf(tx, id));
    return absl::OkStatus();
  }));
  return fmt::format("forces/{}", force);
}

DeadlineSchedulerService::DeadlineSchedulerService(rpc::Server& server, db::Database& database,
                                                   BodyDirectory& directory)
    : server_(server),
      database_(database),
      directory_(directory),
      policy_(access::Policy::Compile(
          {v1::GetDeadlineRequest::descriptor()->file()->FindServiceByName("DeadlineScheduler")})) {}

absl::Status DeadlineSchedulerService::ExplainReport(const rpc::Call& call, const v1::ExplainDeadlineRequest& request,
                                                     v1::ExplainDeadlineResponse& response) {
  ASSIGN_OR_RETURN(const std::string inspection,
                   rules::ParseId(request.inspection(), "inspections/{inspection}", "inspection"));
  v1::GetDeadlineRequest deadline;
  if (!request.body().empty()) {
    deadline.set_name(fmt::format("{}/deadlines/{}", request.body(), inspection));
    RETURN_IF_ERROR(policy_.status());
    // Before anything is looked up: what the step would tell is for those who may read the deadline.
    RETURN_IF_ERROR(
        policy_->Authorise(*policy_->Find(deadline.GetDescriptor()), call.caller, deadline, &directory_).status());
  }
  return database_.Read([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const registry::v1::Inspection report, store::LoadInspection(tx, inspection));
    const auto published = base::ToCivilDay(report.publication_date());
    if (!published) {
      return absl::DataLossError(fmt::format("{} is stored without its publication date", report.name()));
    }
    ASSIGN_OR_RETURN(response, rules::Explain(request.rule(), *published, report.basis(), call.now));
    if (request.body().empty() || !response.has_due_date()) {
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const rules::DeadlineId id, rules::ParseDeadlineName(deadline.name()));
    ASSIGN_OR_RETURN(const store::StoredDeadline stored, store::LoadDeadline(tx, id));
    response.add_steps(rules::ExplainState(stored.deadline));
    return absl::OkStatus();
  });
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
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    ASSIGN_OR_RETURN(const rules::DeadlineId id, rules::ParseDeadlineName(request->name()));
    return database_.Lookup([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(store::StoredDeadline stored, store::LoadDeadline(tx, id));
      *response = std::move(stored.deadline);
      return absl::OkStatus();
    });
  });
}

grpc::Status DeadlineSchedulerService::ListDeadlines(grpc::ServerContext* context,
                                                     const v1::ListDeadlinesRequest* request,
                                                     v1::ListDeadlinesResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    ASSIGN_OR_RETURN(store::DeadlineQuery query, ToQuery(*request, call.scope));
    const size_t page_size = query.limit;
    ++query.limit;  // one more says whether there is a next page
    std::vector<store::StoredDeadline> found;
    RETURN_IF_ERROR(database_.Lookup([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(found, store::ListDeadlines(tx, query));
      return absl::OkStatus();
    }));
    if (found.size() > page_size) {
      found.resize(page_size);
      response->set_next_page_token(rpc::MakePageToken(*request, ToPageKey(store::KeyOf(found.back().deadline))));
    }
    for (store::StoredDeadline& stored : found) {
      *response->add_deadlines() = std::move(stored.deadline);
    }
    return absl::OkStatus();
  });
}

}  // namespace section55::deadlines
