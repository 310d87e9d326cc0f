#include "libs/events/feed_service.h"

#include <utility>

#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/rpc/paging.h"

namespace section55::events {
namespace {

// Events of one message of a stream; their size is bounded by EventLog::Read.
constexpr int kStreamBatch = 500;
// How soon a waiting stream sees that its caller has gone or the server drains. Until then it counts among those that its caller has
// open, so whoever ends one and opens the next should not meet the limit.
constexpr absl::Duration kPoll = absl::Milliseconds(100);

template <typename Request>
void Check(const Request& request, base::Violations& violations) {
  if (request.after() < 0) {
    violations.Add("after", "must not be negative");
  }
  if (!request.parent().empty() && !base::ParseName(request.parent(), base::kBodyName)) {
    violations.Add("parent", "must be empty or have the form bodies/ID");
  }
}

template <typename Response>
void Fill(Response& response, EventLog::Page page) {
  response.set_head_position(page.head);
  response.set_incarnation(page.incarnation);
  response.mutable_events()->Reserve(static_cast<int>(page.events.size()));
  for (Event& event : page.events) {
    *response.add_events() = std::move(event);
  }
}

}  // namespace

EventFeedService::EventFeedService(rpc::Server& server, EventLog& log) : server_(server), log_(log) {}

grpc::Status EventFeedService::Follow(grpc::ServerContext* context, const common::v1::FollowRequest* request,
                                      grpc::ServerWriter<common::v1::FollowResponse>* writer) {
  return server_.ServeWaiting(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    Check(*request, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    const EventLog::Place place{
        .after = request->after(), .incarnation = request->incarnation(), .event_id = request->after_event_id()};
    ASSIGN_OR_RETURN(const EventLog::End end, log_.Check(place, call.deadline));
    if (call.caller.kind == access::Identity::Kind::kService && request->parent().empty()) {
      const std::string& actor = call.caller.actor;
      RETURN_IF_ERROR(log_.Register(actor.substr(actor.find('/') + 1), place.after));
    }
    common::v1::FollowResponse response;
    response.set_head_position(end.head);
    response.set_incarnation(end.incarnation);
    int64_t after = place.after;
    int64_t seen = after;  // of the feed, whomever its events concern
    while (writer->Write(response)) {
      EventLog::Page page;
      while (page.events.empty()) {
        if (call.cancelled() || log_.stopped()) {
          return context->IsCancelled() ? absl::CancelledError("the follower has gone")
                                        : absl::UnavailableError("The server is stopping; follow again.");
        }
        if (seen >= end.head && !log_.WaitBeyond(seen, kPoll)) {
          continue;
        }
        ASSIGN_OR_RETURN(page, log_.Read(after, kStreamBatch, request->parent()));
        after = page.next;
        seen = page.next;
      }
      response.Clear();
      Fill(response, std::move(page));
    }
    return absl::CancelledError("the follower has gone");
  });
}

grpc::Status EventFeedService::ListEvents(grpc::ServerContext* context, const common::v1::ListEventsRequest* request,
                                          common::v1::ListEventsResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    base::Violations violations;
    Check(*request, violations);
    const int size = rpc::PageSize(request->page_size(), violations, 100);
    RETURN_IF_ERROR(violations.ToStatus());
    RETURN_IF_ERROR(
        log_.Check({.after = request->after(), .incarnation = request->incarnation()}, call.deadline).status());
    ASSIGN_OR_RETURN(EventLog::Page page, log_.Read(request->after(), size, request->parent(), call.deadline));
    Fill(*response, std::move(page));
    return absl::OkStatus();
  });
}

}  // namespace section55::events
