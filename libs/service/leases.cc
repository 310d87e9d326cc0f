#include "libs/service/leases.h"

#include <utility>

#include "absl/time/clock.h"
#include "libs/base/clock.h"
#include "libs/base/status.h"

namespace section55::service {
namespace {

// A database that does not answer must not hold up the other loops.
absl::Time Soon() { return absl::Now() + absl::Seconds(2); }

}  // namespace

Lease::Lease(db::Database& database, std::string name, std::string holder)
    : database_(database), name_(std::move(name)), holder_(std::move(holder)) {}

absl::StatusOr<std::optional<Lease::Row>> Lease::Find() {
  std::optional<Row> row;
  RETURN_IF_ERROR(database_.Lookup(
      [&](db::Transaction& tx) {
        row.reset();
        return tx.Query("SELECT holder, version FROM leases WHERE name = ?", {name_}, [&](const db::Row& found) {
          row = Row{std::string(found.Text(0)), found.Int64(1)};
        });
      },
      Soon()));
  return row;
}

bool Lease::MayTake(const Row& row, absl::Duration now) const {
  const bool mine = row.holder == holder_ && (!looked_ || row.version == written_);
  const bool abandoned = looked_ && row.version == seen_ && now - seen_since_ >= kLeaseLength;
  return mine || row.holder.empty() || abandoned;
}

// False when somebody was faster.
absl::StatusOr<bool> Lease::Write(const std::optional<Row>& row, const std::string& holder, absl::Time expires) {
  written_ = row ? row->version + 1 : 1;
  int64_t changed = 0;
  RETURN_IF_ERROR(database_.Write(
      [&](db::Transaction& tx) -> absl::Status {
        if (row) {
          ASSIGN_OR_RETURN(changed, tx.Execute("UPDATE leases SET holder = ?, version = ?, expires_us = ? "
                                               "WHERE name = ? AND version = ?",
                                               {holder, written_, base::ToMicros(expires), name_, row->version}));
          return absl::OkStatus();
        }
        const auto inserted = tx.Execute("INSERT INTO leases (name, holder, version, expires_us) VALUES (?, ?, ?, ?)",
                                         {name_, holder, written_, base::ToMicros(expires)});
        changed = inserted.value_or(0);
        return absl::IsAlreadyExists(inserted.status()) ? absl::OkStatus() : inserted.status();
      },
      Soon()));
  return changed == 1;
}

bool Lease::Tend(absl::Duration now, absl::Time wall) {
  const auto row = Find();
  if (!row.ok()) {
    return held_ = Holds(now);
  }
  if (*row && !MayTake(**row, now)) {
    held_ = false;
    if (!looked_ || seen_ != (*row)->version) {
      seen_ = (*row)->version;
      seen_since_ = now;
    }
    looked_ = true;
    return false;
  }
  looked_ = true;
  const auto taken = Write(*row, holder_, wall + kLeaseLength);
  if (taken.ok()) {
    held_ = *taken;
    renewed_ = now;
  } else {
    held_ = Holds(now);
  }
  return held_;
}

void Lease::Release() {
  if (!std::exchange(held_, false)) {
    return;
  }
  // Whoever it is lost to by now has it; and if the database is away, it will be found abandoned.
  const Row mine{holder_, written_};
  Write(mine, "", absl::UnixEpoch()).IgnoreError();
}

absl::StatusOr<std::vector<LeaseState>> ListLeases(db::Database& database) {
  std::vector<LeaseState> leases;
  RETURN_IF_ERROR(database.Lookup(
      [&](db::Transaction& tx) {
        leases.clear();
        return tx.Query("SELECT name, holder, expires_us FROM leases ORDER BY name", {}, [&](const db::Row& row) {
          leases.push_back({std::string(row.Text(0)), std::string(row.Text(1)), base::FromMicros(row.Int64(2))});
        });
      },
      Soon()));
  return leases;
}

}  // namespace section55::service
