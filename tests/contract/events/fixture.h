// What the tests of libs/events share: payloads, and tables of effects and subjects.
#pragma once

#include <gmock/gmock.h>
#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "events_schema.h"
#include "jobs_schema.h"
#include "libs/base/status.h"
#include "libs/events/event_log.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"

namespace section55::events {

inline google::protobuf::StringValue Payload(const std::string& text) {
  google::protobuf::StringValue payload;
  payload.set_value(text);
  return payload;
}

inline std::string TextOf(const Event& event) {
  google::protobuf::StringValue payload;
  EXPECT_TRUE(event.payload().UnpackTo(&payload)) << event.payload().type_url();
  return payload.value();
}

inline Origin About(const std::string& subject, const std::string& tenant = "bodies/norfolk-pcc") {
  return {.tenant = tenant,
          .subject = subject,
          .actor = "people/ann",
          .cause = "request-1",
          .time = absl::FromUnixSeconds(1'767'258'000)};
}

// One event in a transaction of its own.
inline absl::Status AppendOne(EventLog& log, db::Database& database, const std::string& subject,
                              const std::string& text, const std::string& tenant = "bodies/norfolk-pcc") {
  return database.Write([&](db::Transaction& tx) { return log.Append(tx, About(subject, tenant), Payload(text)); });
}

// Whether `condition` comes true within half a minute. For what tells nobody that it has changed.
inline bool Eventually(const std::function<bool()>& condition) {
  const absl::Time end = absl::Now() + absl::Seconds(30);
  while (!condition()) {
    if (absl::Now() > end) return false;
  }
  return true;
}

// The tables of the tests: effects of events in the order in which they were had, and subjects that change.
inline db::Schema TestSchema() {
  return {"test",
          {{1, "effects",
            "CREATE TABLE effects (id INTEGER PRIMARY KEY, subject TEXT NOT NULL, value TEXT NOT NULL) STRICT"},
           {2, "subjects", "CREATE TABLE subjects (id TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT"}},
          {{1, "effects",
            "CREATE TABLE effects (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, subject VARCHAR(100) NOT NULL, "
            "value VARCHAR(100) NOT NULL) ENGINE = InnoDB"},
           {2, "subjects",
            "CREATE TABLE subjects (id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, "
            "version BIGINT NOT NULL) ENGINE = InnoDB"}}};
}

inline std::vector<db::Schema> Schemas() { return {MigrationSchema(), jobs::MigrationSchema(), TestSchema()}; }

inline absl::Status AddEffect(db::Transaction& tx, const std::string& subject, const std::string& value) {
  return tx.Execute("INSERT INTO effects (subject, value) VALUES (?, ?)", {subject, value}).status();
}

inline std::vector<std::string> Effects(db::Database& database) {
  std::vector<std::string> effects;
  const absl::Status read = database.Read([&](db::Transaction& tx) {
    effects.clear();
    return tx.Query("SELECT value FROM effects ORDER BY id", {},
                    [&](const db::Row& row) { effects.emplace_back(row.Text(0)); });
  });
  EXPECT_THAT(read, testing::IsOk());
  return effects;
}

// A database whose Write is held up or fails as the test wants: before it has run, or after it was committed.
class FlakyDatabase : public testing::DatabaseFront {
 public:
  // `before_write` runs before each Write.
  explicit FlakyDatabase(
      db::Database& real, std::function<void()> before_write = [] {})
      : DatabaseFront(real), before_write_(std::move(before_write)) {}

  absl::Status Write(db::Body body, absl::Time until) override {
    before_write_();
    if (fail_before.exchange(false)) return absl::UnavailableError("the database is away");
    const absl::Status written = DatabaseFront::Write(body, until);
    if (written.ok() && fail_after.exchange(false)) {
      return base::Error(absl::StatusCode::kUnavailable, "COMMIT_OUTCOME_UNKNOWN", "the connection was lost");
    }
    return written;
  }
  std::atomic<bool> fail_before = false;
  std::atomic<bool> fail_after = false;

 private:
  const std::function<void()> before_write_;
};

}  // namespace section55::events
