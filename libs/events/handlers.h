// What a service does with the events of another: one handler for each type of payload.
//
// Every type that the source may send is named here, handled or left alone on purpose. A type that is not, or a newer
// version of its meaning than this program knows, is never passed over: the follower waits for a newer program, and
// says so.
//
//   events::Handlers handlers;
//   handlers.On<registry::v1::BodyRegistered>([&](db::Transaction& tx, const Event& event, const auto& payload) { ... });
//   handlers.Ignore<registry::v1::ForceRegistered>();
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "libs/base/status.h"
#include "libs/db/database.h"
#include "section55/common/v1/event_feed.pb.h"

namespace section55::events {

using common::v1::Event;

// Immutable once given to a follower; then thread-safe.
class Handlers {
 public:
  template <typename Payload>
  using Handler = std::function<absl::Status(db::Transaction& tx, const Event& event, const Payload& payload)>;

  // `handler` applies one event in `tx`; it may run again. `newest_version` is the newest schema_version whose meaning
  // it knows.
  template <typename Payload>
  Handlers& On(Handler<Payload> handler, int newest_version = 1) {
    entries_[Payload::descriptor()->full_name()] = {
        newest_version, [handler = std::move(handler)](db::Transaction& tx, const Event& event) {
          Payload payload;
          if (!payload.ParseFromString(event.payload().value())) {
            return base::Error(absl::StatusCode::kDataLoss, "MALFORMED_EVENT", "the event's payload cannot be read");
          }
          return handler(tx, event, payload);
        }};
    return *this;
  }

  // Events of this type have no effect here, whatever their version.
  template <typename Payload>
  Handlers& Ignore() {
    entries_[Payload::descriptor()->full_name()] = {INT32_MAX, nullptr};
    return *this;
  }

  // UNIMPLEMENTED (UNKNOWN_EVENT): the type is not named here, or the version is newer than its handler knows: wait for
  // a newer program.
  absl::Status Knows(const Event& event) const;

  // Whether an error is that of Knows.
  static bool IsUnknown(const absl::Status& error);

  // Applies an event that Knows.
  absl::Status Apply(db::Transaction& tx, const Event& event) const;

 private:
  struct Entry {
    int newest_version = 0;
    std::function<absl::Status(db::Transaction&, const Event&)> apply;
  };
  absl::flat_hash_map<std::string, Entry> entries_;
};

}  // namespace section55::events
