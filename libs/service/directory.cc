#include "libs/service/directory.h"

#include <utility>

#include "absl/time/clock.h"
#include "libs/base/clock.h"
#include "libs/base/error_text.h"
#include "libs/base/log.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"

namespace section55::service {
namespace {

constexpr absl::Duration kKeep = absl::Seconds(1);
constexpr absl::Duration kPatience = absl::Seconds(1);

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

}  // namespace

absl::StatusOr<std::string> Directory::ForceOf(std::string_view body) {
  base::Violations violations;
  const std::string id = base::IdIn("body", body, base::kBodyName, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  std::string force;
  RETURN_IF_ERROR(database_.Lookup([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(force, find_(tx, id));
    return absl::OkStatus();
  }));
  return base::MakeName(base::kForceName, {force});
}

Directory::Successions Directory::Load(bool afresh) {
  const absl::Time now = absl::Now();
  {
    absl::MutexLock lock(&mutex_);
    if (!afresh && now - read_ < kKeep && read_ <= now) {
      return known_;
    }
    read_ = now;
  }
  auto all = std::make_shared<std::vector<Succession>>();
  const absl::Status status = database_.Lookup(
      [&](db::Transaction& tx) {
        all->clear();
        // Without the events, which are long.
        return tx.Query("SELECT predecessor, successor, from_us FROM successions", {}, [&](const db::Row& row) {
          all->push_back({std::string(row.Text(0)), std::string(row.Text(1)), base::FromMicros(row.Int64(2)), ""});
        });
      },
      now + kPatience);
  if (int64_t left_out = 0; !status.ok() && told_.Take(left_out)) {
    base::Log(base::Severity::kWarning, "successions cannot be read; going by those that were known",
              {{"error", base::ErrorText(status)}, {"left_out_before", left_out}});
  }
  absl::MutexLock lock(&mutex_);
  if (status.ok()) {
    known_ = std::move(all);
  }
  return known_;
}

std::shared_ptr<const access::Identity> Directory::WithInherited(std::shared_ptr<const access::Identity> caller,
                                                                 absl::Time now, bool afresh) {
  const Successions all = Load(afresh);
  if (all->empty() || caller->grants.empty()) {
    return caller;
  }
  std::shared_ptr<const access::Identity> heir = Inherit(*caller, *all, now);
  return heir ? heir : caller;
}

}  // namespace section55::service
