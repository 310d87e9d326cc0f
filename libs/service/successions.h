// What came in the place of what: a service's own copy of what the registry says of bodies and forces, and what it means for people. A
// grant on a body or force is good for what has come in its place, from the first day of that on.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/db/database.h"
#include "libs/rpc/body_directory.h"

namespace section55::service {

// Names with their collection: "bodies/norfolk-pcc" and "bodies/norfolk-board", or two forces.
struct Succession {
  std::string predecessor;
  std::string successor;
  absl::Time from;    // 00:00 in London on the successor's first day
  std::string event;  // the registry's event that said so, serialised; at most 1 MiB
};

// Remembers a succession; a repeat replaces.
absl::Status SaveSuccession(db::Transaction& tx, const Succession& succession);

// What comes in the place of `predecessor`, if anything does.
absl::StatusOr<std::optional<Succession>> FindSuccession(db::Transaction& tx, std::string_view predecessor);

// All of them, the earliest first.
absl::StatusOr<std::vector<Succession>> AllSuccessions(db::Transaction& tx);

// Thread-safe. Keeps all successions in memory, and reads them anew when they are a second old: they are a handful, and known long before
// their day.
class Directory : public rpc::BodyDirectory {
 public:
  using rpc::BodyDirectory::BodyDirectory;

  std::shared_ptr<const access::Identity> WithInherited(std::shared_ptr<const access::Identity> caller, absl::Time now,
                                                        bool afresh) override;

 private:
  struct Known {
    absl::Time read;  // in real time
    std::vector<Succession> all;
  };
  std::shared_ptr<const Known> Load(bool afresh);

  absl::Mutex mutex_;
  std::shared_ptr<const Known> known_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace section55::service
