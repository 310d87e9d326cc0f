// Which connections take too long. Internal.
#pragma once

#include <unordered_set>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace section55::http {

// One connection, as long as its socket is open.
struct Connection {
  int socket = -1;
  bool answering = false;
  absl::Time since = absl::InfinitePast();  // when it began to wait for a request, or to take an answer
};

// Thread-safe.
class Connections {
 public:
  Connections(absl::Duration slowest_request, absl::Duration slowest_answer)
      : slowest_request_(slowest_request), slowest_answer_(slowest_answer) {}

  // A new connection. Those that took too long are hung up on; whoever serves them closes them then.
  Connection* Open(int socket, absl::Time now);
  // Before the socket is closed.
  void Close(Connection* connection);

  void Answering(Connection* connection, absl::Time now);
  void Answered(Connection* connection, absl::Time now);

  // Waits until no answer is under way, or that long.
  void AwaitAnswers(absl::Duration at_most);

 private:
  void HangUpOnTheSlow(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const absl::Duration slowest_request_, slowest_answer_;
  absl::Mutex mutex_;
  std::unordered_set<Connection*> open_ ABSL_GUARDED_BY(mutex_);
  int answering_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time looked_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace section55::http
