#include "services/response-authoring/changes.h"

#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "section55/authoring/v1/events.pb.h"
#include "services/response-authoring/jobs.h"
#include "services/response-authoring/views.h"

namespace section55::authoring {

absl::Status Changes::Tell(db::Transaction& tx, const Cause& cause, const v1::Response& response,
                           const google::protobuf::Message& event) const {
  return log_.Append(tx,
                     {.tenant = response.body().name(),
                      .subject = response.name(),
                      .actor = cause.actor,
                      .cause = cause.id,
                      .time = Now()},
                     event);
}

absl::Status Changes::Adjust(db::Transaction& tx, const v1::Response& before, const v1::Response& response) const {
  const jobs::Effect silence = AdjustSilenceJob(jobs_, before, response);
  return silence ? silence(tx) : absl::OkStatus();
}

absl::Status Changes::Save(db::Transaction& tx, const Cause& cause, const v1::Response& before,
                           store::StoredResponse& stored,
                           const std::vector<const google::protobuf::Message*>& events) const {
  *stored.response.mutable_update_time() = base::ToTimestamp(Now());
  RETURN_IF_ERROR(store::Write(tx, store::Prepare(before, cause.actor, Now(), stored)));
  for (const google::protobuf::Message* event : events) {
    RETURN_IF_ERROR(Tell(tx, cause, stored.response, *event));
  }
  return Adjust(tx, before, stored.response);
}

absl::Status Changes::Open(db::Transaction& tx, const Cause& cause, store::StoredResponse& stored) const {
  RETURN_IF_ERROR(store::Write(tx, store::Prepare(v1::Response(), cause.actor, Now(), stored)));
  v1::ResponseOpened opened;
  *opened.mutable_response() = views::Basic(stored.response);
  *opened.mutable_response()->mutable_report() = stored.response.report();
  opened.mutable_response()->mutable_report()->clear_findings();
  RETURN_IF_ERROR(Tell(tx, cause, stored.response, opened));
  return Adjust(tx, v1::Response(), stored.response);
}

}  // namespace section55::authoring
