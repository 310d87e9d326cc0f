// Copies of SQLite databases, with SQLite's online backup.
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "absl/time/time.h"
#include "libs/base/status.h"
#include "libs/db/internal.h"

namespace section55::db::internal {
namespace {

using Handle = std::unique_ptr<sqlite3, int (*)(sqlite3*)>;

// How long another's lock is waited for; and where an answer is wanted at once, whether there is one.
constexpr int kPatience = 10'000;
constexpr int kAtOnce = 200;

absl::Status Failed(std::string_view what, const std::string& path, std::string_view why) {
  return base::Error(absl::StatusCode::kUnavailable, "DATABASE_UNAVAILABLE", fmt::format("{} {}: {}", path, what, why));
}

absl::StatusOr<Handle> OpenExisting(const std::string& path, int patience) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  Handle handle(raw, sqlite3_close);
  if (code != SQLITE_OK) {
    return Failed("cannot be opened", path, raw != nullptr ? sqlite3_errmsg(raw) : sqlite3_errstr(code));
  }
  sqlite3_busy_timeout(raw, patience);
  return handle;
}

// The first value of what a statement gives; nothing when it gives no row.
absl::StatusOr<std::string> Ask(sqlite3& handle, const std::string& path, const char* sql) {
  std::string answer;
  char* error = nullptr;
  const auto first = [](void* to, int, char** values, char**) {
    auto& text = *static_cast<std::string*>(to);
    if (text.empty() && values[0] != nullptr) {
      text = values[0];
    }
    return 0;
  };
  const int code = sqlite3_exec(&handle, sql, first, &answer, &error);
  const std::unique_ptr<char, void (*)(void*)> text(error, sqlite3_free);
  if (code != SQLITE_OK) {
    return Failed("cannot be used", path, error != nullptr ? error : sqlite3_errstr(code));
  }
  return answer;
}

absl::Status Sync(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && fsync(file) == 0;
  const int error = errno;
  if (file >= 0) {
    close(file);
  }
  return synced ? absl::OkStatus() : Failed("cannot be made durable", path, std::strerror(error));
}

std::string FolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder;
}

bool Exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

absl::Status Rename(const std::string& from, const std::string& to) {
  return rename(from.c_str(), to.c_str()) == 0
             ? absl::OkStatus()
             : Failed(fmt::format("cannot become {}", to), from, std::strerror(errno));
}

}  // namespace

absl::Status CopySqlite(const std::string& path, const std::string& file) {
  ASSIGN_OR_RETURN(const Handle from, OpenExisting(path, kPatience));
  ASSIGN_OR_RETURN(const Handle to, OpenExisting(file, kPatience));
  sqlite3_backup* const backup = sqlite3_backup_init(to.get(), "main", from.get(), "main");
  if (backup == nullptr) {
    return Failed("cannot be written", file, sqlite3_errmsg(to.get()));
  }
  // In one step, which is one snapshot of a database in WAL mode: nobody waits, and nothing is copied twice.
  sqlite3_backup_step(backup, -1);
  if (const int code = sqlite3_backup_finish(backup); code != SQLITE_OK) {
    return Failed("cannot be copied", path, sqlite3_errstr(code));
  }
  // One file without a log beside it.
  RETURN_IF_ERROR(Ask(*to, file, "PRAGMA journal_mode=DELETE").status());
  ASSIGN_OR_RETURN(const std::string check, Ask(*to, file, "PRAGMA integrity_check"));
  if (check != "ok") {
    return base::Error(absl::StatusCode::kDataLoss, "DATABASE_DAMAGED",
                       fmt::format("the database {} is damaged, and no backup is made of it: restore the last good one "
                                   "({})",
                                   path, check));
  }
  return absl::OkStatus();
}

absl::Status CheckSqliteReplaceable(const std::string& path, bool replace) {
  if (!Exists(path)) {
    return absl::OkStatus();
  }
  if (!replace) {
    return base::Error(
        absl::StatusCode::kFailedPrecondition, "DATABASE_EXISTS",
        fmt::format("there is a database {} already: name another, or say --replace, which keeps the old "
                    "one beside it",
                    path));
  }
  absl::StatusOr<Handle> handle = OpenExisting(path, kAtOnce);
  if (!handle.ok()) {
    return handle.status();
  }
  // Refused while anybody else has it open in WAL mode.
  char* error = nullptr;
  const int code =
      sqlite3_exec(handle->get(), "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT", nullptr, nullptr, &error);
  sqlite3_free(error);
  if ((code & 0xff) == SQLITE_BUSY) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "DATABASE_IN_USE",
                       fmt::format("the database {} is in use: stop the service first", path));
  }
  return absl::OkStatus();  // what is no database any more is replaced all the same
}

absl::Status SealSqlite(const std::string& file) {
  ASSIGN_OR_RETURN(const Handle handle, OpenExisting(file, kPatience));
  ASSIGN_OR_RETURN(const std::string mode, Ask(*handle, file, "PRAGMA journal_mode=DELETE"));
  ASSIGN_OR_RETURN(const std::string check, Ask(*handle, file, "PRAGMA integrity_check"));
  return mode == "delete" && check == "ok" ? absl::OkStatus() : Failed("is damaged", file, check);
}

absl::StatusOr<std::string> InstallSqlite(const std::string& path, const std::string& file, absl::Time now) {
  RETURN_IF_ERROR(SealSqlite(file));
  RETURN_IF_ERROR(Sync(file));
  std::string kept;
  const std::string beside = path + absl::FormatTime(".replaced-%Y%m%dT%H%M%SZ", now, absl::UTCTimeZone());
  // A log that was left beside the new file would be taken for its own: it goes first, while the old file is still there to need it.
  for (const char* part : {"-wal", "-shm", ""}) {
    if (Exists(path + part)) {
      RETURN_IF_ERROR(Rename(path + part, beside + part));
      kept = beside;
    }
  }
  RETURN_IF_ERROR(Rename(file, path));
  RETURN_IF_ERROR(Sync(FolderOf(path)));
  return kept;
}

}  // namespace section55::db::internal
