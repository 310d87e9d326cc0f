#include "libs/http/connections.h"

#include <sys/socket.h>

#include <algorithm>

namespace section55::http {

Connection* Connections::Open(int socket, absl::Time now) {
  auto* const connection = new Connection{.socket = socket, .since = now};
  const absl::MutexLock lock(&mutex_);
  HangUpOnTheSlow(now);
  open_.insert(connection);
  return connection;
}

void Connections::Close(Connection* connection) {
  const absl::MutexLock lock(&mutex_);
  if (connection->answering) {
    --answering_;
  }
  open_.erase(connection);
  delete connection;
}

void Connections::Answering(Connection* connection, absl::Time now) {
  const absl::MutexLock lock(&mutex_);
  connection->answering = true;
  connection->since = now;
  ++answering_;
}

void Connections::Answered(Connection* connection, absl::Time now) {
  const absl::MutexLock lock(&mutex_);
  if (connection->answering) {
    connection->answering = false;
    --answering_;
  }
  connection->since = now;
}

void Connections::AwaitAnswers(absl::Duration at_most) {
  const absl::MutexLock lock(&mutex_);
  const auto idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return answering_ == 0; };
  mutex_.AwaitWithTimeout(absl::Condition(&idle), at_most);
}

void Connections::HangUpOnTheSlow(absl::Time now) {
  // Not for every connection: to look at all of them costs something.
  constexpr int kLooksWithin = 16;
  if (now - looked_ < std::min(slowest_request_, slowest_answer_) / kLooksWithin) {
    return;
  }
  looked_ = now;
  for (const Connection* connection : open_) {
    if (now - connection->since >= (connection->answering ? slowest_answer_ : slowest_request_)) {
      shutdown(connection->socket, SHUT_RDWR);
    }
  }
}

}  // namespace section55::http
