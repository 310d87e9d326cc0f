// Whether a service can serve: its database answers, and has the schema that the program needs.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace section55::service {

// Looks again and again, and says what has changed. Not thread-safe.
class Readiness {
 public:
  struct Checks {
    // OK, FAILED_PRECONDITION for a schema that is not right, or that the database does not answer.
    std::function<absl::Status()> schema;
    // Whether the database answers: cheap.
    std::function<absl::Status()> database;
    // Whether it is in step with the other services, once the schema is right: asked until it is.
    std::function<absl::Status()> recovered = [] { return absl::OkStatus(); };
    // Is told OK or why nothing is served, at first and when it changes.
    std::function<void(const absl::Status&)> changed;
  };
  explicit Readiness(Checks checks);

  // To be called about every second; `now` is a time that never jumps. While all is well, it asks the database each time and after its
  // schema now and then; otherwise for both each time.
  void Look(absl::Duration now);

  // What the last look found.
  const absl::Status& status() const { return status_; }

  // Whether the schema was right when it could last be read. A database that is away for a while says nothing about it.
  bool schema_is_right() const { return schema_is_right_; }

  // Whether it was ever found to be in step with the other services.
  bool recovered() const { return recovered_; }

 private:
  absl::Status Check(absl::Duration now);

  const Checks checks_;
  bool first_ = true;
  bool schema_is_right_ = false;
  bool recovered_ = false;
  absl::Duration next_schema_look_ = -absl::InfiniteDuration();
  absl::Status status_;
};

}  // namespace section55::service
