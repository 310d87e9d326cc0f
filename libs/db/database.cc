#include "libs/db/database.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "libs/base/status.h"
#include "libs/db/internal.h"

namespace section55::db {
namespace {

constexpr std::string_view kSqlite = "sqlite:";
constexpr std::string_view kMysql = "mysql://";

}  // namespace

namespace internal {

absl::StatusOr<std::string> ReadPassword(const std::string& file) {
  if (file.empty()) {
    return std::string();
  }
  std::ifstream stream(file, std::ios::binary);
  std::string password{std::istreambuf_iterator<char>(stream), {}};
  if (!stream.good() && !stream.eof()) {
    return base::Error(
        absl::StatusCode::kInvalidArgument, "DATABASE_URL",
        fmt::format("the database password file {} cannot be read: create it, or let this user read it", file));
  }
  while (!password.empty() && (password.back() == '\n' || password.back() == '\r')) {
    password.pop_back();
  }
  return password;
}

}  // namespace internal

absl::Status Database::Ping(absl::Time until) {
  return Lookup(
      [&](Transaction& tx) {
        // SQLite answers "SELECT 1" without a look at its file.
        return tx.Query(engine() == Engine::kSqlite ? "SELECT 1 FROM sqlite_master LIMIT 1" : "SELECT 1", {},
                        [](const Row&) {});
      },
      until);
}

absl::StatusOr<std::unique_ptr<Database>> Open(const Options& options) {
  const std::string_view url = options.url;
  if (options.connections < 1) {
    return internal::UnusableUrl(internal::WithoutPassword(url), "the number of its connections must be at least 1");
  }
  if (url.starts_with(kSqlite)) {
    const std::string path(url.substr(kSqlite.size()));
    if (path.empty() || path.starts_with(":memory:")) {
      return internal::UnusableUrl(url, "name a file, as in sqlite:/var/lib/section55/authoring.db");
    }
    return internal::OpenSqlite(path, options);
  }
  if (url.starts_with(kMysql)) {
    ASSIGN_OR_RETURN(internal::MysqlAddress address, internal::ParseMysqlUrl(url));
    ASSIGN_OR_RETURN(std::string password, internal::ReadPassword(options.password_file));
    return internal::OpenMysql(address, password, options);
  }
  return internal::UnusableUrl(internal::WithoutPassword(url), "it must begin with \"sqlite:\" or \"mysql://\"");
}

}  // namespace section55::db
