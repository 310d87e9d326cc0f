// What the tests of libs/jobs share: a table of effects, workers that note what they do, databases that fail.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "jobs_schema.h"
#include "libs/base/clock.h"
#include "libs/base/status.h"
#include "libs/jobs/queue.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"

namespace section55::jobs {

using testing::IsOk;
using testing::StatusIs;

inline const absl::Time kStart = absl::FromUnixSeconds(1'767'258'000);

inline db::Schema TestSchema() {
  return {"test",
          {{1, "effects", "CREATE TABLE effects (id INTEGER PRIMARY KEY, value TEXT NOT NULL) STRICT"}},
          {{1, "effects",
            "CREATE TABLE effects (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, value VARCHAR(100) NOT NULL) "
            "ENGINE = InnoDB"}}};
}

inline absl::Status AddEffect(db::Transaction& tx, std::string_view value) {
  return tx.Execute("INSERT INTO effects (value) VALUES (?)", {value}).status();
}

// Whether `condition` comes true soon: before a queue would look at the table of its own accord.
inline bool Eventually(const std::function<bool()>& condition) {
  const absl::Time end = absl::Now() + absl::Seconds(20);
  while (!condition()) {
    if (absl::Now() > end) {
      return false;
    }
  }
  return true;
}

// A database that counts what is asked of it, and fails as the test wants.
class WatchedDatabase : public testing::DatabaseFront {
 public:
  using DatabaseFront::DatabaseFront;

  absl::Status Lookup(db::Body body, absl::Time until) override { return Count(DatabaseFront::Lookup(body, until)); }
  absl::Status Read(db::Body body, absl::Time until) override { return Count(DatabaseFront::Read(body, until)); }
  absl::Status Write(db::Body body, absl::Time until) override {
    ++calls;
    if (away) {
      return base::Error(absl::StatusCode::kUnavailable, "DATABASE_UNAVAILABLE", "the database is away");
    }
    if (lost_before.fetch_sub(1) > 0) {
      return base::Error(absl::StatusCode::kUnavailable, "DATABASE_UNAVAILABLE", "the connection was lost");
    }
    const absl::Status written = DatabaseFront::Write(body, until);
    if (written.ok() && lost_after.fetch_sub(1) > 0) {
      return base::Error(absl::StatusCode::kUnavailable, "COMMIT_OUTCOME_UNKNOWN", "the connection was lost");
    }
    return written;
  }
  std::atomic<int> calls = 0;
  std::atomic<bool> away = false;    // for writing
  std::atomic<int> lost_before = 0;  // this many writes fail before they run
  std::atomic<int> lost_after = 0;   // this many fail after they are committed

 private:
  absl::Status Count(absl::Status status) {
    ++calls;
    return status;
  }
};

class JobsFixture : public testing::OnBothEngines {
 protected:
  JobsFixture() : OnBothEngines({MigrationSchema(), TestSchema()}), clock_(kStart) {}

  static Job MakeJob(std::string key, absl::Time due = kStart, std::string payload = "") {
    return {.kind = "note",
            .key = std::move(key),
            .tenant = "bodies/norfolk-pcc",
            .due = due,
            .payload = std::move(payload)};
  }

  absl::Status Schedule(Queue& queue, const Job& job) {
    return database().Write([&](db::Transaction& tx) { return queue.Schedule(tx, job); });
  }
  absl::Status Cancel(Queue& queue, std::string_view key) {
    return database().Write([&](db::Transaction& tx) { return queue.Cancel(tx, "note", key); });
  }

  // A worker whose effect is its key and payload; asks `before` first.
  using Opinion = std::function<absl::Status(const Job& job)>;
  static Worker Noting(Opinion before = nullptr) {
    Worker worker;
    worker.run = [before](const Job& job) -> absl::StatusOr<Effect> {
      if (before) {
        RETURN_IF_ERROR(before(job));
      }
      return [value = job.key + job.payload](db::Transaction& tx) { return AddEffect(tx, value); };
    };
    return worker;
  }

  std::vector<std::string> Effects() {
    std::vector<std::string> effects;
    const absl::Status read = database().Read([&](db::Transaction& tx) {
      effects.clear();
      return tx.Query("SELECT value FROM effects ORDER BY id", {},
                      [&](const db::Row& row) { effects.emplace_back(row.Text(0)); });
    });
    EXPECT_THAT(read, IsOk());
    return effects;
  }
  bool WaitForEffects(const std::vector<std::string>& wanted) {
    return Eventually([&] { return Effects() == wanted; });
  }

  std::vector<admin::v1::Job> Jobs(Queue& queue) {
    const absl::StatusOr<std::vector<admin::v1::Job>> jobs = queue.List("", false, {}, 1000);
    EXPECT_THAT(jobs, IsOk());
    return jobs.value_or(std::vector<admin::v1::Job>());
  }
  // Waits until the only job was tried this often and waits again.
  bool WaitForAttempts(Queue& queue, int attempts) {
    return Eventually([&] {
      const std::vector<admin::v1::Job> jobs = Jobs(queue);
      return jobs.size() == 1 && jobs[0].attempts() == attempts && jobs[0].holder().empty();
    });
  }

  base::DrivenClock clock_;
};

}  // namespace section55::jobs
