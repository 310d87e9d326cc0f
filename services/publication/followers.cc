#include "services/publication/followers.h"

#include <fmt/format.h>

#include "libs/base/ids.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/calendar/london.h"
#include "section55/authoring/v1/events.pb.h"
#include "section55/publication/v1/events.pb.h"
#include "services/publication/render.h"
#include "services/publication/rules.h"
#include "services/publication/store.h"

namespace section55::publication {
namespace {

absl::Status Publish(db::Transaction& tx, const common::v1::Event& event, const authoring::v1::Response& approved,
                     events::EventLog& log, absl::Time now, std::string_view public_url) {
  ASSIGN_OR_RETURN(v1::PublicationRecord record, rules::Publish(approved, now));
  const auto ids = base::ParseName(record.name(), "bodies/{body}/publications/{inspection}").value();
  const store::Key key{ids[0], ids[1]};
  ASSIGN_OR_RETURN(const std::optional<v1::PublicationRecord> existing, store::FindPublication(tx, key));
  if (existing && existing->edition() >= record.edition()) {
    return absl::OkStatus();  // the instant of publication is never moved
  }

  const std::string json = RenderJson(approved);
  record.set_content_hash(base::Sha256Hex(json));
  const std::string html = RenderHtml(approved, record, public_url);
  RETURN_IF_ERROR(store::SavePublication(tx, key, record));
  RETURN_IF_ERROR(store::InsertRendition(tx, key, record.edition(), v1::GetRenditionRequest::JSON, json));
  RETURN_IF_ERROR(store::InsertRendition(tx, key, record.edition(), v1::GetRenditionRequest::HTML, html));
  ASSIGN_OR_RETURN(const std::vector<v1::Recipient> recipients,
                   store::RecipientsOn(tx, key.body, calendar::LondonDay(now)));
  for (const v1::Copy& copy : rules::CopiesOwed(approved, record, recipients)) {
    RETURN_IF_ERROR(store::InsertCopy(tx, key, copy));
  }

  v1::ResponsePublished published;
  *published.mutable_publication() = record;
  published.set_response(approved.name());
  return log.Append(tx,
                    {.tenant = fmt::format("bodies/{}", key.body),
                     .subject = record.name(),
                     .actor = "services/publication",
                     .cause = event.event_id(),
                     .time = now},
                    published);
}

}  // namespace

absl::Status OnAuthoringEvent(db::Transaction& tx, const common::v1::Event& event, events::EventLog& log,
                              const base::Clock& clock, std::string_view public_url) {
  if (!event.payload().Is<authoring::v1::ResponseApproved>()) {
    return absl::OkStatus();
  }
  authoring::v1::ResponseApproved approved;
  if (!event.payload().UnpackTo(&approved)) {
    return base::Error(absl::StatusCode::kInvalidArgument, "MALFORMED_EVENT", "the payload cannot be read");
  }
  return Publish(tx, event, approved.response(), log, clock.Now(), public_url);
}

}  // namespace section55::publication
