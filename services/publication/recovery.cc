#include "services/publication/recovery.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string>

#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/calendar/format.h"
#include "section55/authoring/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"
#include "services/publication/store.h"

namespace section55::publication {
namespace {

using events::Event;
using events::Finding;

absl::Status HeldApprovals(db::Transaction& tx, std::string& after, std::vector<Event>& page) {
  constexpr int kApprovals = 4;  // each can be some megabytes long
  store::ApprovalPlace place;
  if (const auto parts = base::ParseName(after, "{body}/{inspection}/{n}")) {
    place.key = {(*parts)[0], (*parts)[1]};
    const std::string& digits = (*parts)[2];
    std::from_chars(digits.data(), digits.data() + digits.size(), place.edition);
  }
  ASSIGN_OR_RETURN(const std::vector<store::ApprovalPlace> places, store::ApprovalsAfter(tx, place, kApprovals));
  for (const store::ApprovalPlace& one : places) {
    after = fmt::format("{}/{}/{}", one.key.body, one.key.inspection, one.edition);
    authoring::v1::ResponseApproved approved;
    absl::StatusOr<authoring::v1::Response> response = store::LoadApproval(tx, one.key, one.edition);
    // What is damaged here cannot be given back; an event without its text would be taken for it, so there is none.
    if (response.ok()) {
      *approved.mutable_response() = *std::move(response);
      page.push_back(events::MakeHeldEvent(base::MakeName(base::kBodyName, {one.key.body}), approved.response().name(),
                                           approved, one.event_id));
    } else if (!absl::IsDataLoss(response.status())) {
      return response.status();
    }
  }
  // A page that holds nothing but damage is not the end.
  return page.empty() && !places.empty() ? HeldApprovals(tx, after, page) : absl::OkStatus();
}

absl::Status OnPublished(db::Transaction& tx, const Event& event, const v1::ResponsePublished& published,
                         absl::Time now) {
  base::Violations violations;
  const auto ids = base::IdsIn("response", published.response(), base::kResponseName, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  const store::Key key{ids[0], ids[1]};
  const v1::PublicationRecord& told = published.publication();
  ASSIGN_OR_RETURN(const std::optional<v1::PublicationRecord> here, store::FindPublication(tx, key));
  const auto at = [](const google::protobuf::Timestamp& time) {
    return calendar::FormatLondonInstant(base::FromTimestamp(time));
  };
  if (here && here->edition() >= told.edition()) {
    const bool same = !told.has_published_time() ||
                      base::FromTimestamp(told.published_time()) == base::FromTimestamp(here->published_time());
    return same
               ? absl::OkStatus()
               : events::Note(tx, event, Finding::kOpen, now,
                              fmt::format("It was first published at {} here, and at {} for the others: tell those who "
                                          "develop the platform.",
                                          at(here->published_time()), at(told.published_time())));
  }
  if (told.has_edition_published_time()) {
    RETURN_IF_ERROR(
        store::RememberInstant(tx, key, told.edition(), base::FromTimestamp(told.edition_published_time())));
  }
  if (told.has_published_time()) {
    RETURN_IF_ERROR(store::RememberInstant(tx, key, store::kFirstInstant, base::FromTimestamp(told.published_time())));
  }
  return events::Note(
      tx, event, Finding::kOpen, now,
      fmt::format("It was published at {}, and its text is not here yet. It is published again with that instant when "
                  "response-authoring tells of its approval; while this stands here, nobody has: let the office write "
                  "and approve it once more.",
                  at(told.has_edition_published_time() ? told.edition_published_time() : told.published_time())));
}

}  // namespace

std::vector<events::Holding> HeldOfAuthoring() { return {HeldApprovals}; }

events::Handlers TakeIn(const base::Clock& clock) {
  events::Handlers handlers;
  handlers.On<v1::ResponsePublished>(
      [&clock](db::Transaction& tx, const Event& event, const v1::ResponsePublished& published) {
        return OnPublished(tx, event, published, clock.Now());
      });
  handlers.Ignore<v1::ResponseRefused>();
  return handlers;
}

}  // namespace section55::publication
