// Who may see what belongs to a body or force: a service asks its own copy of the registry's facts.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/access/policy.h"
#include "libs/base/log_limit.h"
#include "libs/db/database.h"
#include "libs/service/successions.h"

namespace section55::service {

// Thread-safe. A grant on a body or force is good for what has come in its place, from the first day of that on. All successions are kept
// in memory, and read anew by one call when they are a second old: they are a handful, and known long before their day. While the database
// does not answer, what is known stays good, and calls do not wait for it.
class Directory : public access::TenantDirectory {
 public:
  // The store's query: the id of the force that the body with this id holds to account. NOT_FOUND.
  using Find = absl::StatusOr<std::string> (*)(db::Transaction& tx, std::string_view body);

  Directory(db::Database& database, Find find) : database_(database), find_(find) {}

  absl::StatusOr<std::string> ForceOf(std::string_view body) override;
  std::shared_ptr<const access::Identity> WithInherited(std::shared_ptr<const access::Identity> caller, absl::Time now,
                                                        bool afresh) override;

 private:
  using Successions = std::shared_ptr<const std::vector<Succession>>;
  Successions Load(bool afresh);

  db::Database& database_;
  const Find find_;
  base::LogLimit told_{1};
  absl::Mutex mutex_;
  Successions known_ ABSL_GUARDED_BY(mutex_) = std::make_shared<const std::vector<Succession>>();
  absl::Time read_ ABSL_GUARDED_BY(mutex_) =
      absl::InfinitePast();  // when somebody last set out to read them, in real time
};

}  // namespace section55::service
