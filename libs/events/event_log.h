// A service's own events: appended in the transaction that makes the change, numbered after it is committed.
//
// The trap this avoids: with concurrent writers an auto-increment id can become visible after a higher one, and a
// follower that has passed it loses it for ever. So Append writes to the outbox without a position. A sequencer moves
// committed rows to the feed and numbers them 1, 2, 3 ... in its own transaction, which first takes the next position
// by compare-and-set: of two sequencers (two replicas) one loses and starts again on fresh data, so no lease is needed
// for safety. A reader sees positions in order and without gaps, because a later number is never committed before an
// earlier one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "libs/db/database.h"
#include "section55/common/v1/event_feed.pb.h"

namespace section55::events {

using common::v1::Event;

// What Append needs to know besides the payload.
struct Origin {
  std::string tenant;   // "bodies/norfolk-pcc", empty for what is national; at most 200 characters
  std::string subject;  // the resource that changed, 1 to 500 characters; the events of one subject keep their order
  std::string actor;    // who caused it; at most 300 characters
  std::string cause;    // the request id, or the id of the event that led to it; at most 200 characters
  absl::Time time;
  int schema_version = 1;  // version of the payload's meaning
};

// Thread-safe.
class EventLog {
 public:
  explicit EventLog(db::Database& database);
  // Stops.
  ~EventLog();

  // Adds an event to the transaction. Call it after the subject was saved, so that the events of one subject stand in
  // the order of its changes. The sequencer is notified when the transaction is durable. A payload is at most 3 MiB.
  absl::Status Append(db::Transaction& tx, const Origin& origin, const google::protobuf::Message& payload);

  // Starts and stops the sequencer; it can be started again. It works when notified, and looks once a second for what
  // another replica's crash left behind.
  void Start();
  void Stop();
  // True after Stop.
  bool stopped() const;

  // Up to `limit` events after a position, in order, and the position of the feed's last event. Events of more than
  // about 2 MB in all are left for the next page, so that a page fits into one message; the first one always comes.
  struct Page {
    std::vector<Event> events;
    int64_t head = 0;
  };
  absl::StatusOr<Page> Read(int64_t after, int limit);

  // The position of the feed's last event; 0 while it is empty.
  absl::StatusOr<int64_t> Head();

  // Waits until the feed reaches beyond `position`, at most until `timeout`; then reads true if it does. Returns at
  // once after Stop.
  bool WaitBeyond(int64_t position, absl::Duration timeout);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace section55::events
