// What came in the place of what: a service's own copy of what the registry says of bodies and forces. What it means for people stands in
// directory.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/database.h"
#include "section55/registry/v1/events.pb.h"

namespace section55::service {

// Names with their collection: "bodies/norfolk-pcc" and "bodies/norfolk-board", or two forces.
struct Succession {
  std::string predecessor;
  std::string successor;
  absl::Time from;    // 00:00 in London on the successor's first day
  std::string event;  // the registry's event that said so, serialised; at most 1 MiB
};

// What an event of the registry says of it. INVALID_ARGUMENT (MALFORMED_EVENT): without its day or its names.
absl::StatusOr<Succession> SuccessionOf(const registry::v1::BodySucceeded& event);
absl::StatusOr<Succession> SuccessionOf(const registry::v1::ForceSucceeded& event);

// Remembers a succession; a repeat replaces.
absl::Status SaveSuccession(db::Transaction& tx, const Succession& succession);

// What comes in the place of `predecessor`, if anything does.
absl::StatusOr<std::optional<Succession>> FindSuccession(db::Transaction& tx, std::string_view predecessor);

// All of them, the earliest first.
absl::StatusOr<std::vector<Succession>> AllSuccessions(db::Transaction& tx);

}  // namespace section55::service
