// The gRPC service EventFeed, which all four services offer alike.
#pragma once

#include <string_view>

#include "libs/events/event_log.h"
#include "libs/rpc/server.h"
#include "section55/common/v1/event_feed.grpc.pb.h"

namespace section55::events {

inline constexpr std::string_view kEventFeedName = "section55.common.v1.EventFeed";

// A stream's first message comes at once, so that the follower of a quiet feed knows that it is connected. A stream
// ends with UNAVAILABLE when the log is stopped or the server drains: reconnect. A service of the suite that follows
// the whole feed is registered with its position at each Follow, so that nothing is pruned that it still needs.
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

}  // namespace section55::events
