// One connection to an SQLite file, and which file that is. Private to libs/db.
#pragma once

#include <sqlite3.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/internal.h"

namespace section55::db::internal {

// The one place that knows SQLite's codes (extended result codes).
Failure ClassifySqlite(int code);

// Whether the code says that the file is damaged.
bool IsDamage(int code);

// Which files a database's path leads to: the database itself and its log, which hold what was committed between them. Thread-safe
// but for Remember.
class SqliteFiles {
 public:
  explicit SqliteFiles(const std::string& path) : paths_{path, path + "-wal"} {}

  // Takes those that are there now for the right ones; false when there are none.
  bool Remember() { return Look(0, known_[0]) && Look(1, known_[1]); }

  // Whether the paths still lead to them.
  bool AreThere() const;

 private:
  struct File {
    dev_t device = 0;
    ino_t inode = 0;
  };

  bool Look(int i, File& file) const;

  const std::string paths_[2];
  File known_[2];
};

// A connection and its prepared statements. Used by one thread at a time.
class SqliteConnection {
 public:
  static absl::StatusOr<std::unique_ptr<SqliteConnection>> Open(const std::string& path, bool create);
  ~SqliteConnection();
  SqliteConnection(const SqliteConnection&) = delete;

  // From here on a statement ends when it is `until`. (Not for the writer: an interrupted change would undo those of all
  // that share its transaction.)
  void SetDeadline(absl::Time until);

  // The prepared statement for `sql`, or nullptr when it is no good: code() says why, SQLITE_OK if it is not exactly
  // one statement.
  sqlite3_stmt* Prepare(std::string_view sql);

  // Runs a statement that has neither values nor rows that matter.
  int Run(std::string_view sql);

  int RunScript(std::string_view sql) {
    return sqlite3_exec(handle_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
  }

  // Reads the structure of the whole file: `found` is "ok" or the first thing that is wrong with it.
  int QuickCheck(std::string& found);

  // Whether a transaction is open. SQLite itself ends it after some errors (disk full, I/O, out of memory).
  bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
  int64_t changes() const { return sqlite3_changes64(handle_); }
  int code() const { return sqlite3_extended_errcode(handle_); }
  const char* error() const { return sqlite3_errmsg(handle_); }

  void EndTransaction() {
    if (in_transaction()) {
      Run("ROLLBACK");
    }
  }

 private:
  struct Finalise {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };

  explicit SqliteConnection(sqlite3* handle) : handle_(handle) {}

  sqlite3* const handle_;
  absl::Time until_ = absl::InfiniteFuture();
  absl::flat_hash_map<std::string, std::unique_ptr<sqlite3_stmt, Finalise>> statements_;
};

}  // namespace section55::db::internal
