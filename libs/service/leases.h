// Leases: which replica does the work that only one of them should do.
//
// A lease saves work, it guards nothing: for a moment two replicas may both believe that they hold one (what they do is guarded by
// compare-and-set). No two clocks are compared. The holder changes its row again and again; a candidate takes the lease over when the
// row has not changed for the lease's whole length by the candidate's own clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/database.h"

namespace section55::service {

// How long a lease stays with a holder who does not renew it.
inline constexpr absl::Duration kLeaseLength = absl::Seconds(15);
// How often it is renewed: twice it may fail.
inline constexpr absl::Duration kRenewal = absl::Seconds(5);

// One lease as one replica sees it. Not thread-safe.
class Lease {
 public:
  // `name`: of the loop, 1 to 100 ASCII characters. `holder`: of this replica, 1 to 300; a replica that is started again under the same
  // name takes its lease back at once.
  Lease(db::Database& database, std::string name, std::string holder);

  // Takes the lease or renews it, where that is possible: to be called about every kRenewal. True: it is held here now. `now` is a time
  // that never jumps, from any beginning; `wall` is what is shown to people. While the database does not answer, what was held is
  // held until its length has passed.
  bool Tend(absl::Duration now, absl::Time wall);

  // Whether it was held when it was last tended, and its length has not passed: to be asked instead while the database is known not to
  // answer.
  bool Holds(absl::Duration now) const { return held_ && now - renewed_ < kLeaseLength; }

  // Gives it back, so that another replica need not wait.
  void Release();

 private:
  struct Row {
    std::string holder;
    int64_t version = 0;
  };

  absl::StatusOr<std::optional<Row>> Find();
  bool MayTake(const Row& row, absl::Duration now) const;
  absl::StatusOr<bool> Write(const std::optional<Row>& row, const std::string& holder, absl::Time expires);

  db::Database& database_;
  const std::string name_;
  const std::string holder_;
  bool held_ = false;
  bool looked_ = false;
  int64_t written_ = 0;        // the version last written here, or tried to
  absl::Duration renewed_;     // when
  int64_t seen_ = 0;           // somebody else's version
  absl::Duration seen_since_;  // since when it has stood
};

// A lease as it stands in the database.
struct LeaseState {
  std::string name;
  std::string holder;  // empty: nobody
  absl::Time expires;
};
absl::StatusOr<std::vector<LeaseState>> ListLeases(db::Database& database);

}  // namespace section55::service
