#include "libs/service/readiness.h"

#include <utility>

#include "libs/base/status.h"

namespace section55::service {
namespace {

// A schema changes when somebody migrates, or restores a database under a service that runs.
constexpr absl::Duration kSchemaLooks = absl::Seconds(30);
// Often enough for a disk that has become full to be known, and seldom enough to be no load.
constexpr absl::Duration kWrites = absl::Seconds(5);
constexpr absl::Duration kStorageLooks = absl::Minutes(10);
// A look is over within a second where all is well; its checks have two seconds each.
constexpr absl::Duration kLongestSilence = absl::Seconds(5);

}  // namespace

Readiness::Readiness(Checks checks) : checks_(std::move(checks)) {}

absl::Status Readiness::CheckDatabase(absl::Duration now) {
  const bool was_well = database().ok();
  // First, because it says best what is wrong with a database that cannot be read.
  RETURN_IF_ERROR(checks_.database());
  if (!was_well || now >= next_schema_look_) {
    const absl::Status schema = checks_.schema();
    if (schema.ok() || absl::IsFailedPrecondition(schema)) {
      absl::MutexLock lock(&mutex_);
      schema_is_right_ = schema.ok();
    }
    RETURN_IF_ERROR(schema);
    next_schema_look_ = now + kSchemaLooks;
  }
  if (!was_well || now >= next_write_) {
    RETURN_IF_ERROR(checks_.write());
    next_write_ = now + kWrites;
  }
  if (now >= next_storage_look_) {
    next_storage_look_ = now + kStorageLooks;
    RETURN_IF_ERROR(checks_.storage());
  }
  if (recovered_) {
    return absl::OkStatus();
  }
  const absl::Status recovered = checks_.recovered();
  recovered_ = recovered.ok();
  return recovered;
}

void Readiness::Look(absl::Duration now) {
  const absl::Status database = CheckDatabase(now);
  const absl::Status certificate = checks_.certificate();
  absl::MutexLock lock(&mutex_);
  looked_ = now;
  Set(database, certificate);
}

void Readiness::Watch(absl::Duration now) {
  absl::MutexLock lock(&mutex_);
  if (!first_ && database_.ok() && now - looked_ > kLongestSilence) {
    Set(base::Error(absl::StatusCode::kUnavailable, "DATABASE_UNAVAILABLE", "the database does not answer"),
        certificate_);
  }
}

void Readiness::Set(const absl::Status& database, const absl::Status& certificate) {
  database_ = database;
  certificate_ = certificate;
  const absl::Status& status = database.ok() ? certificate : database;
  const bool changed = std::exchange(first_, false) || status.code() != status_.code() ||
                       status.message() != status_.message() || base::DetailOf(status) != base::DetailOf(status_);
  status_ = status;
  if (changed) {
    checks_.changed(status);
  }
}

absl::Status Readiness::status() const {
  absl::MutexLock lock(&mutex_);
  return status_;
}

absl::Status Readiness::database() const {
  absl::MutexLock lock(&mutex_);
  return database_;
}

bool Readiness::schema_is_right() const {
  absl::MutexLock lock(&mutex_);
  return schema_is_right_;
}

}  // namespace section55::service
