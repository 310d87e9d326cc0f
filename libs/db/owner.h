// Whose a database is: a row in it that names the service and the deployment, written when it was begun. A service works only on
// its own database, and begins one only when it is told to: an empty database where there was one before is a loss, not a start.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/database.h"

namespace section55::db {

// The only row of the table `owner`.
struct Owner {
  std::string service;     // "response-authoring"
  std::string deployment;  // "local": the installation, so that a trial never works on what is real
  absl::Time created;
};

// Nothing when the database is nobody's. `until` as in Database::Read, here and below.
absl::StatusOr<std::optional<Owner>> ReadOwner(Database& database, absl::Time until = absl::InfiniteFuture());

// OK when the database is that service's. FAILED_PRECONDITION, one sentence for the operator: it is another's (DATABASE_OF_ANOTHER),
// empty (DATABASE_EMPTY), or holds what is nobody's (DATABASE_UNKNOWN).
absl::Status CheckOwner(Database& database, std::string_view service, std::string_view deployment,
                        absl::Time until = absl::InfiniteFuture());

// Begins a new database: writes the mark into an empty one, which is migrated then. Two at the same time are one after the other.
// FAILED_PRECONDITION as above when it is not empty (DATABASE_BEGUN: it is that service's already), and nothing is changed.
absl::Status Begin(Database& database, std::string_view service, std::string_view deployment, absl::Time now);

}  // namespace section55::db
