#include "libs/base/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "libs/base/status.h"

namespace section55::base {
namespace {

// "[::1]" -> "::1".
std::string WithoutBrackets(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return std::string(host);
}

}  // namespace

absl::StatusOr<HostPort> ReadHostPort(std::string_view address) {
  constexpr int kLastPort = 65535;
  const size_t colon = address.rfind(':');
  if (colon != std::string_view::npos && colon > 0) {
    HostPort read{.host = std::string(address.substr(0, colon))};
    const char* const end = address.data() + address.size();
    const auto [stop, error] = std::from_chars(address.data() + colon + 1, end, read.port);
    if (error == std::errc() && stop == end && read.port >= 0 && read.port <= kLastPort) {
      return read;
    }
  }
  return absl::InvalidArgumentError(
      fmt::format("cannot listen on \"{}\": write HOST:PORT, for example 127.0.0.1:7101", address));
}

bool IsLoopbackHost(std::string_view host) {
  const std::string bare = WithoutBrackets(host);
  in_addr numeric = {};
  // Numbers only: a name may begin with 127, too.
  return bare == "localhost" || bare == "::1" ||
         (inet_pton(AF_INET, bare.c_str(), &numeric) == 1 && bare.starts_with("127."));
}

bool IsLoopback(std::string_view address) { return IsLoopbackHost(address.substr(0, address.rfind(':'))); }

absl::StatusOr<int> ListenOn(const HostPort& address) {
  addrinfo hints = {};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int lookup =
      getaddrinfo(WithoutBrackets(address.host).c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (lookup != 0) {
    return absl::InvalidArgumentError(
        fmt::format("cannot listen on {}:{}: {}", address.host, address.port, gai_strerror(lookup)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  const int listener = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, found->ai_protocol);
  // Never SO_REUSEPORT: a second process would take half of the callers unnoticed.
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (listener < 0 || bind(listener, found->ai_addr, found->ai_addrlen) != 0 || listen(listener, SOMAXCONN) != 0) {
    const int error = errno;
    if (listener >= 0) {
      close(listener);
    }
    return absl::UnavailableError(
        fmt::format("cannot listen on {}:{}: {}", address.host, address.port, strerror(error)));
  }
  return listener;
}

absl::Status CheckListen(std::string_view address) {
  ASSIGN_OR_RETURN(const HostPort read, ReadHostPort(address));
  ASSIGN_OR_RETURN(const int listener, ListenOn(read));
  close(listener);
  return absl::OkStatus();
}

int PortOf(int socket) {
  sockaddr_storage bound = {};
  socklen_t size = sizeof(bound);
  getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size);
  return ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                                           : reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
}

}  // namespace section55::base
