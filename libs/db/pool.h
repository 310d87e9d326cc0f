// A bounded pool of connections. Private to libs/db.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libs/db/internal.h"

namespace section55::db::internal {

// Thread-safe. Connections are opened when first needed; the one used last is used next, because its caches are warm.
template <typename Connection>
class Pool {
 public:
  using Connect = std::function<absl::StatusOr<std::unique_ptr<Connection>>()>;

  Pool(int capacity, Connect connect) : capacity_(capacity), connect_(std::move(connect)) {}

  // Holds one connection and gives it back at its end. Not thread-safe.
  class Lease {
   public:
    Lease(Pool* pool, std::unique_ptr<Connection> connection) : pool_(pool), connection_(std::move(connection)) {}
    Lease(Lease&& other) : pool_(std::exchange(other.pool_, nullptr)), connection_(std::move(other.connection_)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (pool_ != nullptr) {
        pool_->Return(std::move(connection_));
      }
    }

    Connection* operator->() const { return connection_.get(); }
    Connection& operator*() const { return *connection_; }

    // Closes the connection instead of giving it back.
    void Drop() { connection_.reset(); }

   private:
    Pool* pool_;
    std::unique_ptr<Connection> connection_;
  };

  // Waits while all are in use; UNAVAILABLE after a while, or when a new one cannot be opened.
  absl::StatusOr<Lease> Acquire() {
    {
      absl::MutexLock lock(&mutex_);
      if (idle_.empty() && leased_ == capacity_ &&
          !mutex_.AwaitWithTimeout(absl::Condition(this, &Pool::HasRoom), kLongestWait)) {
        return ToStatus(Failure::kUnavailable, fmt::format("all {} connections are in use", capacity_));
      }
      ++leased_;
      if (!idle_.empty()) {
        Lease lease(this, std::move(idle_.back()));
        idle_.pop_back();
        return lease;
      }
    }
    absl::StatusOr<std::unique_ptr<Connection>> connection = connect_();
    if (!connection.ok()) {
      Return(nullptr);
      return std::move(connection).status();
    }
    return Lease(this, *std::move(connection));
  }

  // Closes the connections that nobody uses: when one is found dead, so are the others as a rule.
  void DropIdle() {
    std::vector<std::unique_ptr<Connection>> dropped;
    absl::MutexLock lock(&mutex_);
    dropped.swap(idle_);
  }

 private:
  static constexpr absl::Duration kLongestWait = absl::Seconds(10);

  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !idle_.empty() || leased_ < capacity_; }

  void Return(std::unique_ptr<Connection> connection) {
    absl::MutexLock lock(&mutex_);
    --leased_;
    if (connection != nullptr) {
      idle_.push_back(std::move(connection));
    }
  }

  const int capacity_;
  const Connect connect_;
  absl::Mutex mutex_;
  int leased_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::unique_ptr<Connection>> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace section55::db::internal
