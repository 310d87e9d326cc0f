// What runs beside the calls of a service.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/db/database.h"
#include "libs/service/leases.h"
#include "section55/admin/v1/admin.pb.h"

namespace section55::service {

// Something that runs beside the calls while the schema is right: started after the server, stopped before it drains, and stopped and
// started again when the schema is found behind and put right.
struct Loop {
  std::string name;             // as Admin shows it: "web", "prune"; 1 to 100 ASCII characters
  std::function<void()> start;  // returns at once
  std::function<void()> stop;   // waits until it has ended
  // Whether it also runs while the service is being put right after a restore. What changes something by itself does not.
  bool in_recovery = false;
  // With a lease, only one replica of the service runs it at a time: a lease saves work, it guards nothing.
  bool leased = false;
};

// Starts and stops the loops of a process. For one thread, except Status.
class Loops {
 public:
  // `holder` names this replica in the leases.
  Loops(db::Database& database, std::string holder);

  // Before the first Tend. Loops start in the order in which they were added, and stop in the opposite one.
  void Add(Loop loop);

  // What is known of the database.
  struct DatabaseState {
    bool schema_is_right = false;  // when it could last be read
    bool answers = false;
    bool recovered = true;  // in step with the other services
  };
  // Starts what should run and stops what should not: to be called every second or so. `now` and `wall` as of Lease::Tend. A database
  // that does not answer is not asked for leases, so that this never takes long; what runs goes on for as long as its lease.
  void Tend(const DatabaseState& database, absl::Duration now, absl::Time wall);

  // Stops everything and gives the leases back; not with a database that does not answer, which would take long.
  void Stop(bool give_back = true);

  // As Admin shows it; without holders while the database does not answer. Thread-safe.
  std::vector<admin::v1::LoopStatus> Status() const;

 private:
  struct Entry {
    Entry(Loop loop, Lease lease) : loop(std::move(loop)), lease(std::move(lease)) {}

    Loop loop;
    Lease lease;
    absl::Duration next_look = -absl::InfiniteDuration();
    bool held = false;
    std::atomic<bool> running = false;
  };

  void Set(Entry& entry, bool run);

  db::Database& database_;
  const std::string holder_;
  std::list<Entry> entries_;
};

}  // namespace section55::service
