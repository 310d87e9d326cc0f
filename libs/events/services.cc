#include "libs/events/services.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/status.h"
#include "libs/db/migrate.h"
#include "libs/events/follower_store.h"
#include "libs/rpc/paging.h"

namespace section55::events {
namespace {

using google::protobuf::util::TimeUtil;

// Events of one message of a stream; their size is bounded by EventLog::Read.
constexpr int kStreamBatch = 500;
// How soon a waiting stream sees that its caller has gone or the server drains.
constexpr absl::Duration kPoll = absl::Milliseconds(500);

google::protobuf::Timestamp ToProto(absl::Time time) { return TimeUtil::MicrosecondsToTimestamp(base::ToMicros(time)); }

void CheckAfter(int64_t after, base::Violations& violations) {
  if (after < 0) violations.Add("after", "must not be negative");
}

template <typename Response>
void Fill(Response& response, EventLog::Page page) {
  response.set_head_position(page.head);
  response.mutable_events()->Reserve(static_cast<int>(page.events.size()));
  for (Event& event : page.events) *response.add_events() = std::move(event);
}

}  // namespace

EventFeedService::EventFeedService(rpc::Server& server, EventLog& log) : server_(server), log_(log) {}

grpc::Status EventFeedService::Follow(grpc::ServerContext* context, const common::v1::FollowRequest* request,
                                      grpc::ServerWriter<common::v1::FollowResponse>* writer) {
  return server_.Serve(context, *request, [&](rpc::Call& call) -> absl::Status {
    int64_t after = request->after();
    base::Violations violations;
    CheckAfter(after, violations);
    RETURN_IF_ERROR(violations.ToStatus());
    ASSIGN_OR_RETURN(const int64_t head, log_.Head());
    if (after > head) {
      return base::Error(absl::StatusCode::kOutOfRange, "AFTER_BEYOND_END",
                         "The feed ends at " + std::to_string(head) + ", before " + std::to_string(after) +
                             ": this is not the feed that the cursor belongs to.");
    }
    context->AddInitialMetadata(kFeedHeadKey, std::to_string(head));
    writer->SendInitialMetadata();
    while (!call.cancelled() && !log_.stopped()) {
      ASSIGN_OR_RETURN(EventLog::Page page, log_.Read(after, kStreamBatch));
      if (page.events.empty()) {
        while (!log_.WaitBeyond(after, kPoll) && !call.cancelled() && !log_.stopped()) {
        }
        continue;
      }
      after = page.events.back().position();
      common::v1::FollowResponse response;
      Fill(response, std::move(page));
      if (!writer->Write(response)) return absl::CancelledError("the follower has gone");
    }
    if (context->IsCancelled()) return absl::CancelledError("the follower has gone");
    return absl::UnavailableError("The server is stopping; follow again.");
  });
}

grpc::Status EventFeedService::ListEvents(grpc::ServerContext* context, const common::v1::ListEventsRequest* request,
                                          common::v1::ListEventsResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    base::Violations violations;
    CheckAfter(request->after(), violations);
    const int size = rpc::PageSize(request->page_size(), violations, 100);
    RETURN_IF_ERROR(violations.ToStatus());
    ASSIGN_OR_RETURN(EventLog::Page page, log_.Read(request->after(), size));
    Fill(*response, std::move(page));
    return absl::OkStatus();
  });
}

AdminService::AdminService(rpc::Server& server, std::string service_name, base::Clock& clock, db::Database& database,
                           EventLog& log, std::vector<Follower*> followers)
    : server_(server),
      service_name_(std::move(service_name)),
      clock_(clock),
      database_(database),
      log_(log),
      followers_(std::move(followers)),
      start_time_(clock.Now()) {}

grpc::Status AdminService::GetStatus(grpc::ServerContext* context, const admin::v1::GetStatusRequest* request,
                                     admin::v1::Status* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    response->set_service(service_name_);
    response->set_version(SECTION55_VERSION);
    *response->mutable_start_time() = ToProto(start_time_);
    *response->mutable_current_time() = ToProto(clock_.Now());
    response->set_database_engine(database_.engine() == db::Engine::kSqlite ? "sqlite" : "mysql");
    ASSIGN_OR_RETURN(const std::vector<db::AppliedMigration> history, db::SchemaHistory(database_));
    for (const db::AppliedMigration& step : history) {
      response->add_applied_migrations(fmt::format("{}/{:04}_{}", step.component, step.version, step.name));
    }
    ASSIGN_OR_RETURN(const int64_t head, log_.Head());
    response->set_feed_head_position(head);
    for (Follower* follower : followers_) *response->add_followers() = follower->Status();
    return absl::OkStatus();
  });
}

grpc::Status AdminService::ListParkedEvents(grpc::ServerContext* context,
                                            const admin::v1::ListParkedEventsRequest* request,
                                            admin::v1::ListParkedEventsResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    base::Violations violations;
    const int size = rpc::PageSize(request->page_size(), violations, 100);
    const std::vector<std::string> key = rpc::ReadPageToken(*request, 2, violations);
    ParkedKey after;
    if (!key.empty()) {
      after.source = key[0];
      if (!absl::SimpleAtoi(key[1], &after.position)) violations.Add("page_token", "is damaged");
    }
    RETURN_IF_ERROR(violations.ToStatus());
    std::vector<admin::v1::ParkedEvent> events;
    RETURN_IF_ERROR(database_.Lookup([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(events, ListParked(tx, after, size + 1));
      return absl::OkStatus();
    }));
    // One more than asked for says whether there is another page.
    if (events.size() > static_cast<size_t>(size)) {
      events.resize(size);
      response->set_next_page_token(
          rpc::MakePageToken(*request, {events.back().source(), std::to_string(events.back().position())}));
    }
    for (admin::v1::ParkedEvent& event : events) *response->add_parked_events() = std::move(event);
    return absl::OkStatus();
  });
}

grpc::Status AdminService::RetryParkedEvent(grpc::ServerContext* context,
                                            const admin::v1::RetryParkedEventRequest* request,
                                            admin::v1::RetryParkedEventResponse* response) {
  return server_.Serve(context, *request, [&](rpc::Call&) -> absl::Status {
    const std::optional<ParkedKey> key = ParseParkedName(request->name());
    if (!key) {
      base::Violations violations;
      violations.Add("name", "must have the form parkedEvents/SOURCE-POSITION");
      return violations.ToStatus();
    }
    const auto follower = std::find_if(followers_.begin(), followers_.end(),
                                       [&](Follower* candidate) { return candidate->source() == key->source; });
    if (follower == followers_.end()) return base::NotFound(request->name());
    ASSIGN_OR_RETURN(const int handled, (*follower)->RetryParked(key->position));
    response->set_handled_events(handled);
    return absl::OkStatus();
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

}  // namespace section55::events
