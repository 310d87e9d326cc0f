// The two gRPC services that all four offer alike: EventFeed, and Admin, which shows how the feeds are followed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/events/event_log.h"
#include "libs/events/follower.h"
#include "libs/rpc/server.h"
#include "section55/admin/v1/admin.grpc.pb.h"
#include "section55/common/v1/event_feed.grpc.pb.h"

namespace section55::events {

inline constexpr std::string_view kEventFeedName = "section55.common.v1.EventFeed";
inline constexpr std::string_view kAdminName = "section55.admin.v1.Admin";
inline constexpr std::string_view kDrivenClockName = "section55.admin.v1.DrivenClock";

// Follow sends its initial metadata at once, with the end of the feed under kFeedHeadKey, so that a follower of a quiet
// feed knows that it is connected. A stream ends with UNAVAILABLE when the log is stopped or the server drains:
// reconnect.
class EventFeedService : public common::v1::EventFeed::Service {
 public:
  EventFeedService(rpc::Server& server, EventLog& log);

  grpc::Status Follow(grpc::ServerContext* context, const common::v1::FollowRequest* request,
                      grpc::ServerWriter<common::v1::FollowResponse>* writer) override;
  grpc::Status ListEvents(grpc::ServerContext* context, const common::v1::ListEventsRequest* request,
                          common::v1::ListEventsResponse* response) override;

 private:
  rpc::Server& server_;
  EventLog& log_;
};

// Shows and retries what `followers` parked; they must outlive the server.
class AdminService : public admin::v1::Admin::Service {
 public:
  AdminService(rpc::Server& server, std::string service_name, base::Clock& clock, db::Database& database, EventLog& log,
               std::vector<Follower*> followers);

  grpc::Status GetStatus(grpc::ServerContext* context, const admin::v1::GetStatusRequest* request,
                         admin::v1::Status* response) override;
  grpc::Status ListParkedEvents(grpc::ServerContext* context, const admin::v1::ListParkedEventsRequest* request,
                                admin::v1::ListParkedEventsResponse* response) override;
  grpc::Status RetryParkedEvent(grpc::ServerContext* context, const admin::v1::RetryParkedEventRequest* request,
                                admin::v1::RetryParkedEventResponse* response) override;

 private:
  rpc::Server& server_;
  const std::string service_name_;
  base::Clock& clock_;
  db::Database& database_;
  EventLog& log_;
  const std::vector<Follower*> followers_;
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

}  // namespace section55::events
