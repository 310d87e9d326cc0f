#include "services/response-authoring/jobs.h"

#include <string>
#include <string_view>

#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "libs/calendar/london.h"
#include "section55/authoring/v1/events.pb.h"
#include "services/response-authoring/chief_officer.h"
#include "services/response-authoring/gaps.h"
#include "services/response-authoring/rules.h"
#include "services/response-authoring/store.h"

namespace section55::authoring {
namespace {

constexpr std::string_view kRecordSilence = "record-silence";
constexpr std::string_view kThisService = "services/response-authoring";

// The day has passed: records that nothing was heard, unless something was.
absl::Status RecordSilence(db::Transaction& tx, const std::string& name, events::EventLog& log, absl::Time now) {
  ASSIGN_OR_RETURN(const rules::ResponseId id, rules::ParseResponseName(name));
  ASSIGN_OR_RETURN(store::StoredResponse stored,
                   store::LoadResponse(tx, id.body, id.inspection, store::ReportForm::kFacts));
  const v1::Response before = stored.response;
  if (!rules::RecordSilence(now, calendar::LondonDay(now), stored.response)) {
    return absl::OkStatus();
  }
  *stored.response.mutable_update_time() = base::ToTimestamp(now);
  RETURN_IF_ERROR(store::Write(tx, store::Prepare(before, kThisService, now, stored)));
  v1::ChiefOfficerCommented commented;
  commented.set_response(name);
  commented.set_no_comments(true);
  return log.Append(tx,
                    {.tenant = stored.response.body().name(),
                     .subject = name,
                     .actor = std::string(kThisService),
                     .cause = "timer",
                     .time = now},
                    commented);
}

}  // namespace

void RegisterJobs(jobs::Queue& queue, events::EventLog& log, const base::Clock& clock) {
  queue.Handle(std::string(kRecordSilence), {.run = [&](const jobs::Job& job) -> absl::StatusOr<jobs::Effect> {
                 return [&log, &clock, name = job.key](db::Transaction& tx) {
                   return RecordSilence(tx, name, log, clock.Now());
                 };
               }});
}

jobs::Effect AdjustSilenceJob(jobs::Queue& queue, const v1::Response& before, const v1::Response& response) {
  const auto day = rules::AwaitsChiefOfficerUntil(response);
  if (rules::AwaitsChiefOfficerUntil(before) == day) {
    return nullptr;
  }
  if (!day) {
    return [&queue, name = response.name()](db::Transaction& tx) { return queue.Cancel(tx, kRecordSilence, name); };
  }
  return [&queue, job = jobs::Job{.kind = std::string(kRecordSilence),
                                  .key = response.name(),
                                  .tenant = response.body().name(),
                                  .due = calendar::MissedFrom(*day)}](db::Transaction& tx) {
    return queue.Schedule(tx, job);
  };
}

}  // namespace section55::authoring
