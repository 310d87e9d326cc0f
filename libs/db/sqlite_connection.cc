#include "libs/db/sqlite_connection.h"

#include <sys/stat.h>

#include "libs/base/status.h"

namespace section55::db::internal {
namespace {

// More statements than any service has; only SQL that is put together at run time could pass it.
constexpr size_t kMostStatements = 256;

}  // namespace

Failure ClassifySqlite(int code) {
  switch (code) {
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_ROWID:
      return Failure::kDuplicate;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
    case SQLITE_CONSTRAINT_TRIGGER:  // ON DELETE RESTRICT
      return Failure::kReference;
  }
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Failure::kConflict;
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
      return Failure::kValue;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_PROTOCOL:
    case SQLITE_NOMEM:
    case SQLITE_CORRUPT:  // the file is damaged: no fault of the statement, nor of the event that a follower handles
    case SQLITE_NOTADB:
      return Failure::kUnavailable;
    case SQLITE_INTERRUPT:  // a reader, by its own progress handler
      return Failure::kDeadline;
  }
  return Failure::kInternal;
}

bool IsDamage(int code) { return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB; }

bool SqliteFiles::AreThere() const {
  for (int i = 0; i < 2; ++i) {
    File now;
    if (!Look(i, now) || now.device != known_[i].device || now.inode != known_[i].inode) {
      return false;
    }
  }
  return true;
}

bool SqliteFiles::Look(int i, File& file) const {
  struct stat found = {};
  if (stat(paths_[i].c_str(), &found) != 0) {
    return false;
  }
  file = {found.st_dev, found.st_ino};
  return true;
}

absl::StatusOr<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(const std::string& path, bool create) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(
      path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0), nullptr);
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(handle));
  if (code != SQLITE_OK) {
    return ToStatus(Failure::kUnavailable, handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code));
  }
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, 5000);
  // synchronous=FULL: a commit is on the disk when it returns.
  // temp_store=MEMORY: a savepoint's undo log needs no file.
  // wal_autocheckpoint: in pages. What changes often is carried over into the file once for many changes; at 16 MiB a
  // reader still finds its pages by one table of hashes.
  if (sqlite3_exec(handle,
                   "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
                   "PRAGMA cache_size=-8192; PRAGMA wal_autocheckpoint=4000; PRAGMA journal_size_limit=67108864",
                   nullptr, nullptr, nullptr) != SQLITE_OK) {
    return ToStatus(Failure::kUnavailable, sqlite3_errmsg(handle));
  }
  std::string mode;
  sqlite3_stmt* statement = connection->Prepare("PRAGMA journal_mode");
  if (statement != nullptr && sqlite3_step(statement) == SQLITE_ROW) {
    mode = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
  }
  sqlite3_reset(statement);
  if (mode != "wal") {
    return ToStatus(Failure::kUnavailable, "its file system has no shared memory; put the file on a local disk");
  }
  if (sqlite3_db_readonly(handle, "main") != 0) {
    return ToStatus(Failure::kUnavailable, "it may be read but not written");
  }
  // Opens its log, too.
  if (connection->Run("SELECT 1 FROM sqlite_master LIMIT 1") != SQLITE_OK) {
    return ToStatus(Failure::kUnavailable, sqlite3_errmsg(handle));
  }
  return connection;
}

SqliteConnection::~SqliteConnection() {
  statements_.clear();
  sqlite3_close(handle_);
}

void SqliteConnection::SetDeadline(absl::Time until) {
  if (until_ == absl::InfiniteFuture() && until != until_) {
    constexpr int kSteps = 10'000;  // well under a millisecond
    sqlite3_progress_handler(
        handle_, kSteps, [](void* self) { return IsOver(static_cast<SqliteConnection*>(self)->until_) ? 1 : 0; }, this);
  } else if (until == absl::InfiniteFuture() && until != until_) {
    sqlite3_progress_handler(handle_, 0, nullptr, nullptr);
  }
  until_ = until;
}

sqlite3_stmt* SqliteConnection::Prepare(std::string_view sql) {
  if (const auto found = statements_.find(absl::string_view(sql.data(), sql.size())); found != statements_.end()) {
    return found->second.get();
  }
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, &tail);
  if (statement == nullptr) {
    return nullptr;
  }
  if (sql.find_first_not_of(" \n", tail - sql.data()) != sql.npos) {
    sqlite3_finalize(statement);
    return nullptr;
  }
  if (statements_.size() >= kMostStatements) {
    statements_.clear();
  }
  statements_.emplace(std::string(sql), statement);
  return statement;
}

int SqliteConnection::Run(std::string_view sql) {
  sqlite3_stmt* statement = Prepare(sql);
  if (statement == nullptr) {
    return code();
  }
  sqlite3_step(statement);
  return sqlite3_reset(statement);
}

int SqliteConnection::QuickCheck(std::string& found) {
  sqlite3_stmt* statement = Prepare("PRAGMA quick_check(1)");
  if (statement == nullptr) {
    return code();
  }
  if (sqlite3_step(statement) == SQLITE_ROW) {
    found = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
  }
  return sqlite3_reset(statement);
}

}  // namespace section55::db::internal
