#include "libs/service/readiness.h"

#include <utility>

namespace section55::service {
namespace {

// A schema changes when somebody migrates, or restores a database under a service that runs.
constexpr absl::Duration kSchemaLooks = absl::Seconds(30);

}  // namespace

Readiness::Readiness(Checks checks) : checks_(std::move(checks)) {}

absl::Status Readiness::Check(absl::Duration now) {
  if (status_.ok() && now < next_schema_look_) {
    return checks_.database();
  }
  const absl::Status schema = checks_.schema();
  if (schema.ok() || absl::IsFailedPrecondition(schema)) {
    schema_is_right_ = schema.ok();
    next_schema_look_ = now + kSchemaLooks;
  }
  if (!schema.ok() || recovered_) {
    return schema;
  }
  const absl::Status recovered = checks_.recovered();
  recovered_ = recovered.ok();
  return recovered;
}

void Readiness::Look(absl::Duration now) {
  const absl::Status status = Check(now);
  const bool changed = first_ || status.code() != status_.code() || status.message() != status_.message();
  first_ = false;
  status_ = status;
  if (changed) {
    checks_.changed(status);
  }
}

}  // namespace section55::service
