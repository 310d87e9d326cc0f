#include "libs/events/give_back.h"

#include <optional>
#include <string>
#include <utility>

#include "libs/base/status.h"

namespace section55::events {
namespace {

using common::v1::Event;

// Bytes of events in one call.
constexpr size_t kGivenAtOnce = 2'000'000;

absl::StatusOr<std::vector<Event>> ParkedBeyond(db::Database& database, std::string_view source, int64_t position) {
  std::vector<Event> parked;
  RETURN_IF_ERROR(database.Read([&](db::Transaction& tx) -> absl::Status {
    parked.clear();
    ASSIGN_OR_RETURN(const std::vector<int64_t> positions, ParkedAfter(tx, source, position));
    for (const int64_t one : positions) {
      const absl::StatusOr<std::optional<Event>> event = FindParked(tx, source, one);
      if (event.ok() && *event) {  // what is damaged is of no use to anybody
        parked.push_back(**event);
      }
    }
    return absl::OkStatus();
  }));
  return parked;
}

}  // namespace

absl::StatusOr<GivenBack> GiveBack(
    db::Database& database, std::string_view source, const Cursor& cursor, const std::vector<Holding>& holdings,
    absl::FunctionRef<absl::StatusOr<admin::v1::GiveBackResponse>(const admin::v1::GiveBackRequest&)> send,
    absl::FunctionRef<bool()> interrupted) {
  GivenBack given;
  admin::v1::GiveBackRequest request;
  request.set_incarnation(cursor.incarnation);
  request.set_position(cursor.position);
  size_t bytes = 0;
  const auto send_all = [&]() -> absl::StatusOr<admin::v1::GiveBackResponse> {
    ASSIGN_OR_RETURN(admin::v1::GiveBackResponse response, send(request));
    given.events += request.events_size();
    bytes = 0;
    request.clear_events();
    return response;
  };
  const auto add = [&](Event event) -> absl::Status {
    const size_t size = event.ByteSizeLong();
    if (bytes > 0 && bytes + size > kGivenAtOnce) {
      RETURN_IF_ERROR(send_all().status());
    }
    bytes += size;
    *request.add_events() = std::move(event);
    return absl::OkStatus();
  };
  // Asked without anything first, which tells where the two feeds part.
  ASSIGN_OR_RETURN(const admin::v1::GiveBackResponse parting, send_all());
  if (parting.position() < cursor.position) {
    ASSIGN_OR_RETURN(std::vector<Event> parked, ParkedBeyond(database, source, parting.position()));
    for (Event& event : parked) {
      RETURN_IF_ERROR(add(std::move(event)));
    }
    for (const Holding& holding : holdings) {
      std::string after;
      std::vector<Event> page;
      do {
        RETURN_IF_ERROR(database.Read([&, from = after](db::Transaction& tx) {
          after = from;
          page.clear();
          return holding(tx, after, page);
        }));
        for (Event& event : page) {
          RETURN_IF_ERROR(add(std::move(event)));
        }
      } while (!page.empty() && !interrupted());
    }
    if (interrupted()) {
      return absl::CancelledError("stopping");
    }
  }
  request.set_last(true);
  ASSIGN_OR_RETURN(const admin::v1::GiveBackResponse response, send_all());
  given.go_on = {response.position(), response.incarnation(),
                 response.position() == cursor.position ? cursor.last_event_id : ""};
  return given;
}

}  // namespace section55::events
