#include "libs/db/database.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <iterator>

#include "libs/base/status.h"
#include "libs/db/internal.h"

namespace section55::db {
namespace {

constexpr std::string_view kSqlite = "sqlite:";
constexpr std::string_view kMysql = "mysql://";
constexpr std::string_view kSocket = "socket=";

absl::Status Unusable(std::string_view url, std::string_view why) {
  return base::Error(absl::StatusCode::kInvalidArgument, "DATABASE_URL",
                     fmt::format("the database URL \"{}\" cannot be used: {}", url, why));
}

// `url` with what stands between the user's name and the host, if anything, made unreadable.
std::string WithoutPassword(std::string_view url) {
  const size_t begin = url.find("://");
  const size_t at = url.rfind('@');
  if (begin == url.npos || at == url.npos || at < begin) {
    return std::string(url);
  }
  const size_t colon = url.find(':', begin + 3);
  return colon < at ? fmt::format("{}***{}", url.substr(0, colon + 1), url.substr(at)) : std::string(url);
}

absl::StatusOr<internal::MysqlAddress> ParseMysql(std::string_view url) {
  constexpr std::string_view kForms = "write mysql://USER@HOST[:PORT]/NAME or mysql://USER@/NAME?socket=PATH";
  const std::string shown = WithoutPassword(url);
  std::string_view rest = url.substr(kMysql.size());
  internal::MysqlAddress address;
  const size_t at = rest.rfind('@');
  if (at == rest.npos || at == 0) {
    return Unusable(shown, kForms);
  }
  address.user = rest.substr(0, at);
  if (address.user.find(':') != std::string::npos) {
    return Unusable(shown,
                    "a password does not belong in it; put the password in a file and name that as password file");
  }
  rest.remove_prefix(at + 1);
  const size_t slash = rest.find('/');
  if (slash == rest.npos) {
    return Unusable(shown, kForms);
  }
  std::string_view host = rest.substr(0, slash);
  rest.remove_prefix(slash + 1);
  if (const size_t query = rest.find('?'); query != rest.npos) {
    std::string_view option = rest.substr(query + 1);
    if (!option.starts_with(kSocket) || option.size() == kSocket.size()) {
      return Unusable(shown, kForms);
    }
    address.socket = option.substr(kSocket.size());
    rest = rest.substr(0, query);
  }
  address.name = rest;
  // A colon inside brackets belongs to an IPv6 address.
  if (const size_t colon = host.rfind(':'); colon != host.npos && host.find(']', colon) == host.npos) {
    const std::string_view port = host.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc() || end != port.data() + port.size() || address.port < 1 || address.port > 65535) {
      return Unusable(shown, "its port is not a number from 1 to 65535");
    }
    host = host.substr(0, colon);
  }
  address.host = host;
  if (address.name.empty() || address.name.find('/') != std::string::npos ||
      address.host.empty() == address.socket.empty()) {
    return Unusable(shown, kForms);
  }
  return address;
}

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

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> Open(const Options& options) {
  const std::string_view url = options.url;
  if (options.connections < 1) {
    return Unusable(WithoutPassword(url), "the number of its connections must be at least 1");
  }
  if (url.starts_with(kSqlite)) {
    const std::string path(url.substr(kSqlite.size()));
    if (path.empty() || path.starts_with(":memory:")) {
      return Unusable(url, "name a file, as in sqlite:/var/lib/section55/authoring.db");
    }
    return internal::OpenSqlite(path, options);
  }
  if (url.starts_with(kMysql)) {
    ASSIGN_OR_RETURN(internal::MysqlAddress address, ParseMysql(url));
    ASSIGN_OR_RETURN(std::string password, ReadPassword(options.password_file));
    return internal::OpenMysql(address, password, options);
  }
  return Unusable(WithoutPassword(url), "it must begin with \"sqlite:\" or \"mysql://\"");
}

}  // namespace section55::db
