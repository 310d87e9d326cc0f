#include "libs/service/probe.h"

#include "libs/base/clock.h"
#include "libs/base/status.h"

namespace section55::service {

absl::Status WriteProbe(db::Database& database, std::string_view replica, absl::Time now, absl::Time until) {
  return database.Write(
      [&](db::Transaction& tx) -> absl::Status {
        ASSIGN_OR_RETURN(const int64_t found, tx.Execute("UPDATE probes SET written_us = ? WHERE replica = ?",
                                                         {base::ToMicros(now), replica}));
        if (found > 0) {
          return absl::OkStatus();
        }
        return tx.Execute("INSERT INTO probes (replica, written_us) VALUES (?, ?)", {replica, base::ToMicros(now)})
            .status();
      },
      until);
}

absl::StatusOr<int64_t> PruneProbes(db::Database& database, absl::Time before) {
  int64_t deleted = 0;
  RETURN_IF_ERROR(database.Write([&](db::Transaction& tx) -> absl::Status {
    // A row for each replica: an index would be written oftener than it is of use.
    ASSIGN_OR_RETURN(deleted, tx.Execute("DELETE FROM probes WHERE written_us < ?", {base::ToMicros(before)}));
    return absl::OkStatus();
  }));
  return deleted;
}

}  // namespace section55::service
