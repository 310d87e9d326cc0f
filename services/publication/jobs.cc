#include "services/publication/jobs.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <optional>
#include <utility>

#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/calendar/london.h"
#include "libs/events/recovery.h"
#include "section55/publication/v1/events.pb.h"
#include "services/publication/rules.h"

namespace section55::publication {
namespace {

constexpr std::string_view kKind = "publish";
// With pauses that double from a second: two minutes in all, so that the office hears of it while it is still at its desk.
constexpr int kAttempts = 8;

// Which edition of which publication a job is about.
struct Edition {
  store::Key key;
  int64_t number = 0;
};

// "norfolk-pcc/safe-to-share/1".
std::string JobKey(const Edition& edition) {
  return fmt::format("{}/{}/{}", edition.key.body, edition.key.inspection, edition.number);
}

absl::StatusOr<Edition> ReadJobKey(const std::string& key) {
  const auto parts = base::ParseName(key, "{body}/{inspection}/{n}");
  Edition edition;
  if (parts) {
    edition.key = {(*parts)[0], (*parts)[1]};
    const std::string& digits = (*parts)[2];
    std::from_chars(digits.data(), digits.data() + digits.size(), edition.number);
  }
  if (edition.number < 1) {
    return absl::InternalError(fmt::format("\"{}\" is no job of this service", key));
  }
  return edition;
}

// Whether trying again cannot help: the response itself is in the way.
bool IsFinal(const absl::Status& error) { return absl::IsInvalidArgument(error) || absl::IsDataLoss(error); }

// A sentence that the office can act on.
std::string ReasonOf(const absl::Status& error) {
  if (absl::IsDataLoss(error)) {
    return "What was approved was damaged where it was stored, and nothing was published. Approve it again: it is then "
           "sent once more.";
  }
  if (!absl::IsInvalidArgument(error)) {
    return "The platform could not make the published page, and nothing was published. Approve it again; should it "
           "come back once more, tell those who operate the platform.";
  }
  constexpr std::string_view kRequest = "response.";
  constexpr size_t kMost = 3;  // a sentence, not a list
  const google::rpc::BadRequest bad = base::BadRequestOf(error);
  std::string reason = "It cannot be published as it is.";
  for (int i = 0; i < bad.field_violations_size() && i < static_cast<int>(kMost); ++i) {
    std::string_view field = bad.field_violations(i).field();
    field.remove_prefix(field.starts_with(kRequest) ? kRequest.size() : 0);
    reason += fmt::format(" {}: {}.", field, bad.field_violations(i).description());
  }
  return reason;
}

class Publisher {
 public:
  Publisher(db::Database& database, base::Clock& clock, events::EventLog& log, Renderer& renderer)
      : database_(database), clock_(clock), log_(log), renderer_(renderer) {}

  absl::StatusOr<jobs::Effect> Run(const jobs::Job& job) {
    ASSIGN_OR_RETURN(const Edition edition, ReadJobKey(job.key));
    std::optional<v1::PublicationRecord> earlier;
    authoring::v1::Response approved;
    rules::Remembered remembered;
    const absl::Status read = database_.Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(earlier, store::FindPublication(tx, edition.key));
      ASSIGN_OR_RETURN(approved, store::LoadApproval(tx, edition.key, edition.number));
      ASSIGN_OR_RETURN(remembered.first, store::RememberedInstant(tx, edition.key, store::kFirstInstant));
      ASSIGN_OR_RETURN(remembered.edition, store::RememberedInstant(tx, edition.key, edition.number));
      return absl::OkStatus();
    });
    if (absl::IsNotFound(read) || (read.ok() && earlier && earlier->edition() >= edition.number)) {
      return jobs::Effect();  // done, or refused, in the meantime
    }
    RETURN_IF_ERROR(read);

    ASSIGN_OR_RETURN(Renditions staged, renderer_.Render(approved, earlier));
    RETURN_IF_ERROR(
        database_.Write([&](db::Transaction& tx) -> absl::Status { return SaveRenditions(tx, edition, staged); }));
    // Not before: everybody can read it now.
    const absl::Time now = clock_.Now();
    ASSIGN_OR_RETURN(v1::PublicationRecord record, rules::Publish(approved, earlier, now, remembered));
    record.set_content_hash(staged.content_hash);
    record.set_source_hash(SourceHash(approved));
    record.set_renderer_version(kRendererVersion);
    ASSIGN_OR_RETURN(Renditions renditions, renderer_.RenderPublished(approved, record, std::move(staged)));
    return jobs::Effect([this, edition, approved = std::move(approved), record = std::move(record),
                         renditions = std::move(renditions), now, cause = job.payload,
                         remembered](db::Transaction& tx) -> absl::Status {
      RETURN_IF_ERROR(Stamp(tx, edition, approved, record, renditions, now, cause));
      return remembered ? Found(tx, record, now) : absl::OkStatus();
    });
  }

  // What cannot be published goes back to the office. What can be read already stays: then only the platform itself is in the way of
  // its instant, and whoever operates it has to look.
  absl::StatusOr<bool> Refuse(db::Transaction& tx, const jobs::Job& job, const absl::Status& error) {
    ASSIGN_OR_RETURN(const Edition edition, ReadJobKey(job.key));
    ASSIGN_OR_RETURN(const bool readable, store::HasRendition(tx, edition.key, edition.number));
    if (readable) {
      return false;
    }
    v1::ResponseRefused refused;
    const auto approved = store::LoadApproval(tx, edition.key, edition.number);
    if (approved.ok()) {
      *refused.mutable_approve_time() = approved->approval().time();
    }
    RETURN_IF_ERROR(store::RefuseApproval(tx, edition.key, edition.number));
    refused.set_response(base::MakeName(base::kResponseName, {edition.key.body, edition.key.inspection}));
    refused.set_edition(static_cast<int32_t>(edition.number));
    refused.set_reason(ReasonOf(error));
    RETURN_IF_ERROR(log_.Append(tx, OriginOf(edition, job.payload, clock_.Now()), refused));
    return true;
  }

 private:
  static events::Origin OriginOf(const Edition& edition, const std::string& cause, absl::Time now) {
    return {.tenant = base::MakeName(base::kBodyName, {edition.key.body}),
            .subject = base::MakeName(base::kPublicationName, {edition.key.body, edition.key.inspection}),
            .actor = "services/publication",
            .cause = cause,
            .time = now};
  }

  static absl::Status SaveRenditions(db::Transaction& tx, const Edition& edition, const Renditions& renditions) {
    for (const auto& [format, bytes] : renditions.bytes) {
      RETURN_IF_ERROR(store::SaveRendition(tx, edition.key, edition.number, format, bytes));
    }
    return absl::OkStatus();
  }

  // All that makes it published, in the transaction that ends the job.
  absl::Status Stamp(db::Transaction& tx, const Edition& edition, const authoring::v1::Response& approved,
                     const v1::PublicationRecord& record, const Renditions& renditions, absl::Time now,
                     const std::string& cause) {
    RETURN_IF_ERROR(SaveRenditions(tx, edition, renditions));
    RETURN_IF_ERROR(store::SavePublication(tx, edition.key, record));
    const absl::CivilDay day = calendar::LondonDay(base::FromTimestamp(record.edition_published_time()));
    ASSIGN_OR_RETURN(const std::vector<v1::Recipient> recipients, store::RecipientsOn(tx, edition.key.body, day));
    for (const v1::Copy& copy : rules::CopiesOwed(approved, record, recipients)) {
      RETURN_IF_ERROR(store::InsertCopy(tx, edition.key, copy));
    }
    v1::ResponsePublished published;
    *published.mutable_publication() = record;
    published.set_response(approved.name());
    return log_.Append(tx, OriginOf(edition, cause, now), published);
  }

  // What was lost with the database is public again.
  static absl::Status Found(db::Transaction& tx, const v1::PublicationRecord& record, absl::Time now) {
    events::Event event;
    event.set_subject(record.name());
    event.set_actor("services/publication");
    RETURN_IF_ERROR(events::SettleFindings(tx, record.name()));
    return events::Note(tx, event, events::Finding::kTakenIn, now,
                        fmt::format("Edition {} was missing, and is published again with the instant at which it was.",
                                    record.edition()));
  }

  db::Database& database_;
  base::Clock& clock_;
  events::EventLog& log_;
  Renderer& renderer_;
};

}  // namespace

void RegisterJobs(jobs::Queue& queue, db::Database& database, base::Clock& clock, events::EventLog& log,
                  Renderer& renderer) {
  const auto publisher = std::make_shared<Publisher>(database, clock, log, renderer);
  queue.Handle(std::string(kKind),
               {.run = [publisher](const jobs::Job& job) { return publisher->Run(job); },
                .most_attempts = kAttempts,
                .is_final = IsFinal,
                .give_up = [publisher](db::Transaction& tx, const jobs::Job& job,
                                       const absl::Status& error) { return publisher->Refuse(tx, job, error); }});
}

absl::Status SchedulePublication(db::Transaction& tx, jobs::Queue& queue, const store::Key& key, int64_t edition,
                                 std::string_view cause, absl::Time now) {
  return queue.Schedule(tx, {.kind = std::string(kKind),
                             .key = JobKey({key, edition}),
                             .tenant = base::MakeName(base::kBodyName, {key.body}),
                             .due = now,
                             .payload = std::string(cause)});
}

}  // namespace section55::publication
