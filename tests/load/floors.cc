#include "tests/load/floors.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "libs/db/migrate.h"

namespace section55::load {
namespace {

void Must(const absl::Status& status) {
  if (!status.ok()) {
    std::fprintf(stderr, "bench: the raw database failed: %s\n", status.ToString().c_str());
    std::exit(1);
  }
}

}  // namespace

double RawWritesPerSecond(db::Database& database, RawWrite write, int callers, size_t bytes, absl::Duration duration) {
  const db::Schema schema = {"load",
                             {{1, "raw", "CREATE TABLE raw (id INTEGER PRIMARY KEY, content BLOB)"}},
                             {{1, "raw", "CREATE TABLE raw (id BIGINT PRIMARY KEY, content MEDIUMBLOB)"}}};
  Must(db::Migrate(database, {schema}, absl::Now(), /*dry_run=*/false).status());
  const std::string content(bytes, 'x');
  Must(database.Write([&](db::Transaction& tx) -> absl::Status {
    if (const absl::Status cleared = tx.Execute("DELETE FROM raw").status(); !cleared.ok()) {
      return cleared;
    }
    for (int id = 0; id < callers; ++id) {
      if (const absl::Status inserted =
              tx.Execute("INSERT INTO raw (id, content) VALUES (?, ?)", {id, db::Bytes{content}}).status();
          !inserted.ok()) {
        return inserted;
      }
    }
    return absl::OkStatus();
  }));
  std::atomic<int64_t> done = 0;
  std::vector<std::thread> threads;
  const absl::Time end = absl::Now() + duration;
  for (int id = 0; id < callers; ++id) {
    threads.emplace_back([&, id] {
      std::string written = content;
      int64_t inserted = id;
      while (absl::Now() < end) {
        // InnoDB writes nothing for a row that stays as it was.
        ++written.front();
        inserted += callers;
        Must(database.Write([&](db::Transaction& tx) -> absl::Status {
          if (write == RawWrite::kInsert) {
            return tx.Execute("INSERT INTO raw (id, content) VALUES (?, ?)", {inserted, db::Bytes{written}}).status();
          }
          std::string read;
          if (write == RawWrite::kReadAndUpdate) {
            Must(tx.Query("SELECT content FROM raw WHERE id = ?", {id},
                          [&](const db::Row& row) { read = std::string(row.Text(0)); }));
          }
          return tx.Execute("UPDATE raw SET content = ? WHERE id = ?", {db::Bytes{written}, id}).status();
        }));
        ++done;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  return static_cast<double>(done) / absl::ToDoubleSeconds(duration);
}

}  // namespace section55::load
