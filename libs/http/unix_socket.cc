#include "libs/http/unix_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace section55::http {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr mode_t kOwnerAndGroup = 0660;

// Whether a process listens there.
bool IsAlive(const sockaddr_un& address) {
  const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const bool refused = connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 &&
                       (errno == ECONNREFUSED || errno == ENOENT);
  close(client);
  return !refused;
}

}  // namespace

std::optional<std::string> UnixSocketPath(std::string_view address) {
  return address.starts_with(kUnix) ? std::optional(std::string(address.substr(kUnix.size()))) : std::nullopt;
}

absl::StatusOr<int> ListenOnUnixSocket(const std::string& path) {
  sockaddr_un address = {};
  if (path.empty() || path.front() != '/' || path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(fmt::format(
        "cannot listen on \"unix:{}\": write unix:/PATH, with at most {} bytes", path, sizeof(address.sun_path) - 1));
  }
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  struct stat there = {};
  if (lstat(path.c_str(), &there) == 0 && S_ISSOCK(there.st_mode) && !IsAlive(address)) {
    unlink(path.c_str());
  }
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0 || bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      chmod(path.c_str(), kOwnerAndGroup) != 0 || listen(listener, SOMAXCONN) != 0) {
    const int error = errno;
    if (listener >= 0) {
      close(listener);
    }
    return absl::UnavailableError(fmt::format("cannot listen on unix:{}: {}", path, strerror(error)));
  }
  return listener;
}

}  // namespace section55::http
