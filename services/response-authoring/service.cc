#include "services/response-authoring/service.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "libs/base/filter.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/calendar/london.h"
#include "libs/rpc/mutate.h"
#include "libs/rpc/paging.h"
#include "section55/authoring/v1/events.pb.h"
#include "services/response-authoring/rules.h"
#include "services/response-authoring/store.h"

namespace section55::authoring {
namespace {

constexpr int kDefaultPage = 50;
constexpr int kLargestPage = 200;
// A page fits into a gRPC message (4 MB) whatever its responses hold.
constexpr size_t kMostPageBytes = rules::kMostResponseBytes;

// Hands over a response as this caller may see it.
void Show(const rpc::Call& call, v1::Response&& stored, v1::Response* response) {
  *response = std::move(stored);
  if (!call.scope.as_body) {
    rules::HideDraft(*response);
  }
}

// One change of one response, in one transaction.
struct Change {
  const rpc::Call& call;
  const rules::Doer doer;
  v1::Response& response;
  std::unique_ptr<google::protobuf::Message> event;  // what followers must know; may stay empty
};

// The shape of every change: load, compare the etag, apply `rule`, save, append the event.
template <typename Request>
absl::Status ChangeResponse(rpc::Call& call, db::Database& database, events::EventLog& log, const Request& request,
                            const std::string& name, std::string_view name_field, const std::string& etag,
                            v1::Response* response, absl::FunctionRef<absl::Status(Change&)> rule) {
  ASSIGN_OR_RETURN(const rules::ResponseId id, rules::ParseResponseName(name, name_field));
  return rpc::Mutate(call, database, request, *response, [&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(store::StoredResponse stored, store::LoadResponse(tx, id.body, id.inspection));
    RETURN_IF_ERROR(base::CheckEtag(name, etag, stored.response.etag()));
    Change change{call, {call.caller.actor, call.now, calendar::LondonDay(call.now)}, stored.response, nullptr};
    RETURN_IF_ERROR(rule(change));
    *stored.response.mutable_update_time() = base::ToTimestamp(call.now);
    RETURN_IF_ERROR(store::UpdateResponse(tx, stored));
    if (change.event) {
      RETURN_IF_ERROR(log.Append(tx,
                                 {.tenant = stored.response.body().name(),
                                  .subject = name,
                                  .actor = call.caller.actor,
                                  .cause = call.request_id,
                                  .time = call.now},
                                 *change.event));
    }
    Show(call, std::move(stored.response), response);
    return absl::OkStatus();
  });
}

// Whose responses a list shows.
void LimitToScope(const access::Scope& scope, store::ResponseQuery& query) {
  query.all = scope.everything;
  const auto strip = [](const std::string& name) { return name.substr(name.find('/') + 1); };
  for (const auto& body : scope.bodies) {
    query.bodies.push_back(strip(body));
  }
  for (const auto& force : scope.forces) {
    query.forces.push_back(strip(force));
  }
}

}  // namespace

absl::StatusOr<std::string> BodyDirectory::ForceOf(std::string_view body) {
  const auto id = base::ParseName(body, "bodies/{body}");
  if (!id) {
    return base::NotFound(body);
  }
  std::string force;
  RETURN_IF_ERROR(database_.Lookup([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(force, store::ForceOf(tx, (*id)[0]));
    return absl::OkStatus();
  }));
  return "forces/" + force;
}

grpc::Status ResponseAuthoringService::GetResponse(grpc::ServerContext* context, const v1::GetResponseRequest* request,
                                                   v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    ASSIGN_OR_RETURN(const rules::ResponseId id, rules::ParseResponseName(request->name()));
    return database_.Lookup([&](db::Transaction& tx) -> absl::Status {
      if (call.scope.as_body) {
        return store::CopyResponse(tx, id.body, id.inspection, *response);
      }
      ASSIGN_OR_RETURN(store::StoredResponse stored, store::LoadResponse(tx, id.body, id.inspection));
      Show(call, std::move(stored.response), response);
      return absl::OkStatus();
    });
  });
}

grpc::Status ResponseAuthoringService::ListResponses(grpc::ServerContext* context,
                                                     const v1::ListResponsesRequest* request,
                                                     v1::ListResponsesResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    store::ResponseQuery query;
    const auto parent = base::ParseName(request->parent(), "bodies/{body}", /*wildcard=*/true);
    if (!parent) {
      violations.Add("parent", "must have the form bodies/{body} or be bodies/-");
    } else if ((*parent)[0] == "-") {
      LimitToScope(call.scope, query);
    } else {
      query.body = (*parent)[0];
    }
    const auto filter = base::ParseFilter(request->filter(), {"state", "inspection"}, violations);
    if (const auto wanted = filter.find("state"); wanted != filter.end()) {
      v1::Response::State state;
      if (v1::Response::State_Parse(wanted->second, &state)) {
        query.state = state;
      } else {
        violations.Add("filter", fmt::format("\"{}\" is not a state", wanted->second));
      }
    }
    if (const auto wanted = filter.find("inspection"); wanted != filter.end()) {
      if (const auto id = base::ParseName(wanted->second, "inspections/{inspection}")) {
        query.inspection = (*id)[0];
      } else {
        violations.Add("filter", "inspection must have the form inspections/{inspection}");
      }
    }
    const int page_size = rpc::PageSize(request->page_size(), violations, kDefaultPage, kLargestPage);
    const std::vector<std::string> after = rpc::ReadPageToken(*request, 2, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    if (!after.empty()) {
      query.after_body = after[0];
      query.after_inspection = after[1];
    }
    query.limit = page_size + 1;  // one more tells whether there is a next page
    std::vector<store::StoredResponse> found;
    RETURN_IF_ERROR(database_.Lookup([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(found, store::ListResponses(tx, query));
      return absl::OkStatus();
    }));
    size_t bytes = 0;
    for (auto& stored : found) {
      bytes += stored.response.ByteSizeLong();
      const int shown = response->responses_size();
      if (shown == page_size || (shown > 0 && bytes > kMostPageBytes)) {
        ASSIGN_OR_RETURN(const rules::ResponseId last, rules::ParseResponseName(response->responses(shown - 1).name()));
        response->set_next_page_token(rpc::MakePageToken(*request, {last.body, last.inspection}));
        break;
      }
      Show(call, std::move(stored.response), response->add_responses());
    }
    return absl::OkStatus();
  });
}

grpc::Status ResponseAuthoringService::InviteChiefOfficer(grpc::ServerContext* context,
                                                          const v1::InviteChiefOfficerRequest* request,
                                                          v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return ChangeResponse(call, database_, log_, *request, request->name(), "name", request->etag(), response,
                          [&](Change& change) {
                            auto event = std::make_unique<v1::ChiefOfficerInvited>();
                            const absl::Status invited = rules::Invite(*request, change.doer, change.response);
                            event->set_response(request->name());
                            *event->mutable_chief_officer() = change.response.chief_officer();
                            event->mutable_chief_officer()->clear_contributions();
                            change.event = std::move(event);
                            return invited;
                          });
  });
}

grpc::Status ResponseAuthoringService::SubmitChiefOfficerComments(grpc::ServerContext* context,
                                                                  const v1::SubmitChiefOfficerCommentsRequest* request,
                                                                  v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return ChangeResponse(call, database_, log_, *request, request->name(), "name", request->etag(), response,
                          [&](Change& change) {
                            auto event = std::make_unique<v1::ChiefOfficerCommented>();
                            event->set_response(request->name());
                            change.event = std::move(event);
                            return rules::AddContributions(*request, change.doer, change.response);
                          });
  });
}

grpc::Status ResponseAuthoringService::RecordNoComments(grpc::ServerContext* context,
                                                        const v1::RecordNoCommentsRequest* request,
                                                        v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return ChangeResponse(call, database_, log_, *request, request->name(), "name", request->etag(), response,
                          [&](Change& change) {
                            auto event = std::make_unique<v1::ChiefOfficerCommented>();
                            event->set_response(request->name());
                            event->set_no_comments(true);
                            change.event = std::move(event);
                            return rules::RecordNoComments(change.doer, change.response);
                          });
  });
}

grpc::Status ResponseAuthoringService::UpdateResponse(grpc::ServerContext* context,
                                                      const v1::UpdateResponseRequest* request,
                                                      v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    const std::string& inner = request->response().etag();
    if (!request->etag().empty() && !inner.empty() && request->etag() != inner) {
      base::Violations violations;
      violations.Add("etag", "differs from response.etag; send one of them");
      return violations.ToStatus();
    }
    return ChangeResponse(call, database_, log_, *request, request->response().name(), "response.name",
                          request->etag().empty() ? inner : request->etag(), response,
                          [&](Change& change) { return rules::Update(*request, change.doer, change.response); });
  });
}

grpc::Status ResponseAuthoringService::CheckResponse(grpc::ServerContext* context,
                                                     const v1::CheckResponseRequest* request,
                                                     v1::CheckResponseResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    ASSIGN_OR_RETURN(const rules::ResponseId id, rules::ParseResponseName(request->name()));
    return database_.Lookup([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const store::StoredResponse stored, store::LoadResponse(tx, id.body, id.inspection));
      bool blocked = stored.response.state() != v1::Response::OPEN;
      for (auto& gap : rules::FindGaps(stored.response, calendar::LondonDay(call.now))) {
        blocked = blocked || gap.blocks_submission();
        *response->add_gaps() = std::move(gap);
      }
      response->set_can_submit(!blocked);
      return absl::OkStatus();
    });
  });
}

grpc::Status ResponseAuthoringService::SubmitResponse(grpc::ServerContext* context,
                                                      const v1::SubmitResponseRequest* request,
                                                      v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return ChangeResponse(call, database_, log_, *request, request->name(), "name", request->etag(), response,
                          [&](Change& change) {
                            const absl::Status submitted = rules::Submit(change.doer, change.response);
                            auto event = std::make_unique<v1::ResponseSubmitted>();
                            event->set_response(request->name());
                            *event->mutable_submission() = change.response.submission();
                            change.event = std::move(event);
                            return submitted;
                          });
  });
}

grpc::Status ResponseAuthoringService::ReturnResponse(grpc::ServerContext* context,
                                                      const v1::ReturnResponseRequest* request,
                                                      v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return ChangeResponse(call, database_, log_, *request, request->name(), "name", request->etag(), response,
                          [&](Change& change) {
                            const absl::Status returned = rules::Return(*request, change.doer, change.response);
                            auto event = std::make_unique<v1::ResponseReturned>();
                            event->set_response(request->name());
                            *event->mutable_last_return() = change.response.last_return();
                            change.event = std::move(event);
                            return returned;
                          });
  });
}

grpc::Status ResponseAuthoringService::ApproveResponse(grpc::ServerContext* context,
                                                       const v1::ApproveResponseRequest* request,
                                                       v1::Response* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) {
    return ChangeResponse(call, database_, log_, *request, request->name(), "name", request->etag(), response,
                          [&](Change& change) {
                            const absl::Status approved = rules::Approve(change.doer, change.response);
                            auto event = std::make_unique<v1::ResponseApproved>();
                            *event->mutable_response() = change.response;
                            change.event = std::move(event);
                            return approved;
                          });
  });
}

}  // namespace section55::authoring
