#include "libs/service/successions.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "libs/base/clock.h"
#include "libs/base/log.h"
#include "libs/base/status.h"
#include "libs/db/proto_table.h"

namespace section55::service {
namespace {

constexpr absl::Duration kKeep = absl::Seconds(1);

bool Holds(const access::Identity& identity, const access::Grant& grant) {
  return identity.Holds(grant.role, grant.on);
}

// The grants that those of `caller` bring with them; nothing when there are none.
std::shared_ptr<const access::Identity> Inherit(const access::Identity& caller, const std::vector<Succession>& all,
                                                absl::Time now) {
  std::shared_ptr<access::Identity> heir;
  // Also what those grants bring with them in turn; a grant that is held already brings nothing, so this ends.
  for (size_t i = 0; i < (heir ? *heir : caller).grants.size(); ++i) {
    const access::Grant grant = (heir ? *heir : caller).grants[i];
    for (const Succession& succession : all) {
      if (succession.predecessor != grant.on || now < succession.from) {
        continue;
      }
      const access::Grant inherited{grant.role, succession.successor};
      if (!Holds(heir ? *heir : caller, inherited)) {
        heir = heir ? heir : std::make_shared<access::Identity>(caller);
        heir->grants.push_back(inherited);
      }
    }
  }
  return heir;
}

absl::StatusOr<std::vector<Succession>> Select(db::Transaction& tx, std::string_view tail,
                                               absl::Span<const db::Value> values) {
  std::vector<Succession> found;
  std::string damaged;
  RETURN_IF_ERROR(
      tx.Query(std::string("SELECT predecessor, successor, from_us, checksum, event FROM successions ").append(tail),
               values, [&](const db::Row& row) {
                 found.push_back({std::string(row.Text(0)), std::string(row.Text(1)), base::FromMicros(row.Int64(2)),
                                  std::string(row.Text(4))});
                 if (db::ChecksumOf(found.back().event) != row.Int64(3)) {
                   damaged = found.back().predecessor;
                 }
               }));
  if (!damaged.empty()) {
    return base::Error(absl::StatusCode::kDataLoss, "STORED_DATA_DAMAGED",
                       "the stored succession of " + damaged + " does not match its checksum");
  }
  return found;
}

}  // namespace

absl::Status SaveSuccession(db::Transaction& tx, const Succession& succession) {
  const int64_t from = base::ToMicros(succession.from);
  const int64_t checksum = db::ChecksumOf(succession.event);
  ASSIGN_OR_RETURN(
      const int64_t known,
      tx.Execute("UPDATE successions SET successor = ?, from_us = ?, checksum = ?, event = ? "
                 "WHERE predecessor = ?",
                 {succession.successor, from, checksum, db::Bytes{succession.event}, succession.predecessor}));
  if (known > 0) {
    return absl::OkStatus();
  }
  const absl::Status added =
      tx.Execute("INSERT INTO successions (predecessor, successor, from_us, checksum, event) VALUES (?, ?, ?, ?, ?)",
                 {succession.predecessor, succession.successor, from, checksum, db::Bytes{succession.event}})
          .status();
  return absl::IsAlreadyExists(added) ? tx.Conflict() : added;
}

absl::StatusOr<std::optional<Succession>> FindSuccession(db::Transaction& tx, std::string_view predecessor) {
  ASSIGN_OR_RETURN(std::vector<Succession> found, Select(tx, "WHERE predecessor = ?", {predecessor}));
  return found.empty() ? std::nullopt : std::make_optional(std::move(found.front()));
}

absl::StatusOr<std::vector<Succession>> AllSuccessions(db::Transaction& tx) {
  return Select(tx, "ORDER BY from_us, predecessor", {});
}

std::shared_ptr<const Directory::Known> Directory::Load(bool afresh) {
  const absl::Time now = absl::Now();
  {
    absl::MutexLock lock(&mutex_);
    if (known_ && !afresh && now - known_->read < kKeep && known_->read <= now) {
      return known_;
    }
  }
  auto known = std::make_shared<Known>();
  known->read = now;
  const absl::Status status = database().Lookup([&](db::Transaction& tx) {
    known->all.clear();
    return tx.Query("SELECT predecessor, successor, from_us FROM successions", {}, [&](const db::Row& row) {
      known->all.push_back({std::string(row.Text(0)), std::string(row.Text(1)), base::FromMicros(row.Int64(2)), {}});
    });
  });
  absl::MutexLock lock(&mutex_);
  if (status.ok()) {
    known_ = std::move(known);
  } else {
    base::Log(base::Severity::kWarning, "successions cannot be read", {{"error", std::string(status.message())}});
    known_ = known_ ? known_ : std::make_shared<const Known>();
  }
  return known_;
}

std::shared_ptr<const access::Identity> Directory::WithInherited(std::shared_ptr<const access::Identity> caller,
                                                                 absl::Time now, bool afresh) {
  const std::shared_ptr<const Known> known = Load(afresh);
  if (known->all.empty() || caller->grants.empty()) {
    return caller;
  }
  std::shared_ptr<const access::Identity> heir = Inherit(*caller, known->all, now);
  return heir ? heir : caller;
}

}  // namespace section55::service
