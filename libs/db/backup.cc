#include "libs/db/backup.h"

#include <fmt/format.h>

#include <fstream>

#include "libs/base/status.h"
#include "libs/db/internal.h"

namespace section55::db {
namespace {

constexpr std::string_view kSqlite = "sqlite:";

bool IsSqlite(const Options& options) { return options.url.starts_with(kSqlite); }

std::string PathOf(const Options& options) { return options.url.substr(kSqlite.size()); }

}  // namespace

absl::Status CopyDatabase(const Options& options, const std::string& file) {
  if (IsSqlite(options)) {
    return internal::CopySqlite(PathOf(options), file);
  }
  ASSIGN_OR_RETURN(const internal::MysqlAddress address, internal::ParseMysqlUrl(options.url));
  ASSIGN_OR_RETURN(const std::string password, internal::ReadPassword(options.password_file));
  ASSIGN_OR_RETURN(const std::unique_ptr<Database> database, Open(options));
  // A migration in the middle of it would make the copy one of no state at all: this waits for one, and one for this.
  return database->WriteSchema([&](SchemaTransaction&) { return internal::DumpMysql(address, password, file); });
}

absl::Status SealCopy(const std::string& file) { return internal::SealSqlite(file); }

std::string TextInCopy(const std::string& file, std::string_view before) {
  std::ifstream stream(file, std::ios::binary);
  std::string line;
  while (std::getline(stream, line)) {
    if (line.starts_with(before)) {
      std::string next;
      std::getline(stream, next);
      return line.substr(before.size()) + next;
    }
  }
  return {};
}

absl::Status CheckReplaceable(const Options& options, bool replace) {
  if (IsSqlite(options)) {
    return internal::CheckSqliteReplaceable(PathOf(options), replace);
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Database> database, Open(options));
  int64_t tables = 0;
  RETURN_IF_ERROR(database->Lookup([&](Transaction& tx) {
    return tx.Query("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()", {},
                    [&](const Row& row) { tables = row.Int64(0); });
  }));
  if (tables > 0) {
    return base::Error(
        absl::StatusCode::kFailedPrecondition, "DATABASE_EXISTS",
        fmt::format("the database of {} is not empty: make an empty one, name it in --database, and start "
                    "the service with it; the old one stays as it is",
                    internal::WithoutPassword(options.url)));
  }
  return absl::OkStatus();
}

absl::StatusOr<Options> PrepareCopy(const Options& options, const std::string& file) {
  Options prepared = options;
  if (IsSqlite(options)) {
    prepared.url = fmt::format("{}{}", kSqlite, file);
    return prepared;
  }
  ASSIGN_OR_RETURN(const internal::MysqlAddress address, internal::ParseMysqlUrl(options.url));
  ASSIGN_OR_RETURN(const std::string password, internal::ReadPassword(options.password_file));
  RETURN_IF_ERROR(internal::LoadMysql(address, password, file));
  return prepared;
}

absl::StatusOr<std::string> InstallCopy(const Options& options, const std::string& file, absl::Time now) {
  if (IsSqlite(options)) {
    return internal::InstallSqlite(PathOf(options), file, now);
  }
  return std::string();
}

}  // namespace section55::db
