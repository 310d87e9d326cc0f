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
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "libs/db/database.h"
#include "libs/db/proto_table.h"
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

  // Here and below, `until` is the caller's deadline (see Database::Read).
  // What stands at the end of the feed. The incarnation is made when it is first asked for.
  struct End {
    int64_t head = 0;  // the position of the last event; 0 while there is none
    std::string incarnation;
  };
  absl::StatusOr<End> FindEnd(absl::Time until = absl::InfiniteFuture());

  // Where somebody who follows the feed has come to. What is empty is not compared.
  struct Place {
    int64_t after = 0;
    std::string incarnation = {};
    std::string event_id = {};  // of the event at `after`
  };
  // Whether it is a place in this feed. OUT_OF_RANGE (AFTER_BEYOND_END); FAILED_PRECONDITION (FEED_RESTORED: of
  // the feed that this one goes on from since it was restored, see recovery.h; OTHER_INCARNATION, OTHER_EVENT,
  // EVENTS_PRUNED: the next event is not kept any more; its metadata names the `first_position` that is).
  absl::StatusOr<End> Check(const Place& place, absl::Time until = absl::InfiniteFuture());

  // Up to `limit` events after a position, in order; with a tenant only those of it. Events of more than about 2 MB in
  // all are left for the next page, so that a page fits into one message; the first one always comes.
  // FAILED_PRECONDITION (EVENTS_PRUNED) as above; DATA_LOSS when an event is not what was written.
  struct Page {
    std::vector<Event> events;
    int64_t next = 0;  // to go on after: the last event's position, or `head` when there is none between
    int64_t head = 0;
    std::string incarnation;
  };
  absl::StatusOr<Page> Read(int64_t after, int limit, std::string_view tenant = {},
                            absl::Time until = absl::InfiniteFuture());

  // Notes that `follower` (1 to 63 characters) has come to `position`, so that what it still needs is kept.
  absl::Status Register(std::string_view follower, int64_t position);

  // Deletes up to `limit` of the oldest events, those from before `now - keep`; never the last one, nor any that a
  // registered follower still needs: those after its position, and the one at it, by which it recognises the feed.
  // Returns how many.
  absl::StatusOr<int> Prune(absl::Time now, absl::Duration keep, int limit);

  // Events that are committed and have no position yet; what is more than 10,000 is not counted.
  absl::StatusOr<int64_t> CountUnnumbered();

  // Compares up to `limit` kept events after a position with their checksums. Returns how many it read, and sets
  // `after` to the last.
  absl::StatusOr<int> CheckStorage(int64_t& after, int limit, std::vector<db::Damage>& damage);

  // Waits until the feed reaches beyond `position`, at most until `timeout`; then reads true if it does. Returns at
  // once after Stop.
  bool WaitBeyond(int64_t position, absl::Duration timeout);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace section55::events
