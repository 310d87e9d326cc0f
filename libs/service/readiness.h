// Whether a service can serve: its database answers, has the schema that the program needs and takes changes, and its certificate holds.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace section55::service {

// Looks again and again, and says what has changed. Look is for one thread; everything else is thread-safe.
class Readiness {
 public:
  // None of them is called by two threads at once.
  struct Checks {
    // OK, FAILED_PRECONDITION for a schema that is not right or a database that is not ours, or that the database does not answer.
    std::function<absl::Status()> schema;
    // Whether the database answers: cheap.
    std::function<absl::Status()> database;
    // Whether it takes changes: changes something.
    std::function<absl::Status()> write;
    // Whether what is stored is sound, as far as a look of a second or two can tell.
    std::function<absl::Status()> storage;
    // Whether the certificate holds now.
    std::function<absl::Status()> certificate;
    // Whether it is in step with the other services, once the schema is right: asked until it is.
    std::function<absl::Status()> recovered = [] { return absl::OkStatus(); };
    // Is told OK or why nothing is served, at first and when it changes.
    std::function<void(const absl::Status&)> changed;
  };
  explicit Readiness(Checks checks);

  // To be called about every second; `now` is a time that never jumps. While all is well, it asks the database each time, and makes the
  // dearer checks now and then; otherwise all of them each time, storage excepted.
  void Look(absl::Duration now);

  // Beside Look, which may hang where the database does: what has not been looked at for some seconds is not served.
  void Watch(absl::Duration now);

  // What was found last.
  absl::Status status() const;

  // The same of the database alone: a certificate that has expired keeps nobody from working on it.
  absl::Status database() const;

  // Whether the schema was right when it could last be read. A database that is away for a while says nothing about it.
  bool schema_is_right() const;

  // Whether it was ever found to be in step with the other services; for the thread that looks.
  bool recovered() const { return recovered_; }

 private:
  absl::Status CheckDatabase(absl::Duration now);
  void Set(const absl::Status& database, const absl::Status& certificate) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Checks checks_;
  // Of the thread that looks.
  bool recovered_ = false;
  absl::Duration next_schema_look_ = -absl::InfiniteDuration();
  absl::Duration next_write_ = -absl::InfiniteDuration();
  absl::Duration next_storage_look_ = -absl::InfiniteDuration();

  mutable absl::Mutex mutex_;
  bool first_ ABSL_GUARDED_BY(mutex_) = true;
  bool schema_is_right_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration looked_ ABSL_GUARDED_BY(mutex_);
  absl::Status database_ ABSL_GUARDED_BY(mutex_);
  absl::Status certificate_ ABSL_GUARDED_BY(mutex_);
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace section55::service
