// A bounded pool of connections. Private to libs/db.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/db/internal.h"

namespace section55::db::internal {

// Thread-safe. Connections are opened when first needed; the one used last is used next, because its caches are warm.
template <typename Connection>
class Pool {
 public:
  // Given until when there is time to connect.
  using Connect = std::function<absl::StatusOr<std::unique_ptr<Connection>>(absl::Time until)>;

  Pool(int capacity, Connect connect) : capacity_(capacity), connect_(std::move(connect)) {}

  // Holds one connection and gives it back at its end. Not thread-safe.
  class Lease {
   public:
    Lease(Pool* pool, std::unique_ptr<Connection> connection, int64_t age)
        : pool_(pool), connection_(std::move(connection)), age_(age) {}
    Lease(Lease&& other)
        : pool_(std::exchange(other.pool_, nullptr)), connection_(std::move(other.connection_)), age_(other.age_) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (pool_ != nullptr) {
        pool_->Return(std::move(connection_), age_);
      }
    }

    Connection* operator->() const { return connection_.get(); }
    Connection& operator*() const { return *connection_; }

    // Closes the connection instead of giving it back.
    void Drop() { connection_.reset(); }

   private:
    Pool* pool_;
    std::unique_ptr<Connection> connection_;
    const int64_t age_;
  };

  // Waits while all are in use. UNAVAILABLE after a while, or when a new one cannot be opened; DEADLINE_EXCEEDED when it
  // is `until` before that.
  absl::StatusOr<Lease> Acquire(absl::Time until) {
    if (IsOver(until)) {
      return ToStatus(Failure::kDeadline, "there was no time left to begin");
    }
    int64_t age = 0;
    {
      absl::MutexLock lock(&mutex_);
      if (idle_.empty() && leased_ == capacity_) {
        const absl::Time end = absl::Now() + kLongestWait;
        ++waiting_;
        const bool has_room = mutex_.AwaitWithDeadline(absl::Condition(this, &Pool::HasRoom), std::min(end, until));
        --waiting_;
        if (!has_room) {
          return ToStatus(until < end ? Failure::kDeadline : Failure::kUnavailable,
                          fmt::format("all {} connections are in use", capacity_));
        }
      }
      ++leased_;
      age = age_;
      if (!idle_.empty()) {
        Lease lease(this, std::move(idle_.back()), age);
        idle_.pop_back();
        return lease;
      }
    }
    absl::StatusOr<std::unique_ptr<Connection>> connection = connect_(until);
    if (!connection.ok()) {
      Return(nullptr, age);
      return std::move(connection).status();
    }
    return Lease(this, *std::move(connection), age);
  }

  Database::PoolUse Use(std::string_view name) const {
    absl::MutexLock lock(&mutex_);
    return {.pool = name, .in_use = leased_, .most = capacity_, .waiting = waiting_};
  }

  // Closes the connections that nobody uses, and those in use when they are given back.
  void DropAll() {
    std::vector<std::unique_ptr<Connection>> dropped;
    absl::MutexLock lock(&mutex_);
    ++age_;
    dropped.swap(idle_);
  }

 private:
  static constexpr absl::Duration kLongestWait = absl::Seconds(10);

  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !idle_.empty() || leased_ < capacity_; }

  void Return(std::unique_ptr<Connection> connection, int64_t age) {
    absl::MutexLock lock(&mutex_);
    --leased_;
    if (connection != nullptr && age == age_) {
      idle_.push_back(std::move(connection));
    }
  }

  const int capacity_;
  const Connect connect_;
  mutable absl::Mutex mutex_;
  int leased_ ABSL_GUARDED_BY(mutex_) = 0;
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t age_ ABSL_GUARDED_BY(mutex_) = 0;  // one more with each DropAll
  std::vector<std::unique_ptr<Connection>> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace section55::db::internal
