#include "libs/rpc/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace section55::rpc {
namespace {

// "[::1]:80" -> "::1".
std::string HostOf(std::string_view address) {
  std::string_view host = address.substr(0, address.rfind(':'));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return std::string(host);
}

bool IsPort(std::string_view text) {
  constexpr int kLastPort = 65535;
  int port = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 0 && port <= kLastPort;
}

}  // namespace

bool IsLoopback(std::string_view address) {
  const std::string host = HostOf(address);
  in_addr numeric = {};
  // Numbers only: a name may begin with 127, too.
  return host == "localhost" || host == "::1" ||
         (inet_pton(AF_INET, host.c_str(), &numeric) == 1 && host.starts_with("127."));
}

absl::Status CheckListen(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || !IsPort(std::string_view(address).substr(colon + 1))) {
    return absl::InvalidArgumentError(
        fmt::format("cannot listen on \"{}\": write HOST:PORT, for example 127.0.0.1:7101", address));
  }
  addrinfo hints = {};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int lookup = getaddrinfo(HostOf(address).c_str(), address.substr(colon + 1).c_str(), &hints, &found);
  if (lookup != 0) {
    return absl::InvalidArgumentError(fmt::format("cannot listen on {}: {}", address, gai_strerror(lookup)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  const int probe = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, found->ai_protocol);
  // As gRPC does: a port whose last connections are still winding down is free.
  const int on = 1;
  setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const bool free = probe >= 0 && bind(probe, found->ai_addr, found->ai_addrlen) == 0 && listen(probe, 1) == 0;
  const int error = errno;
  if (probe >= 0) {
    close(probe);
  }
  if (!free) {
    return absl::UnavailableError(fmt::format("cannot listen on {}: {}", address, strerror(error)));
  }
  return absl::OkStatus();
}

}  // namespace section55::rpc
