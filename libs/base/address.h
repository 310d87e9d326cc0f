// The addresses that a process listens on or connects to. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace section55::base {

// "HOST:PORT" taken apart.
struct HostPort {
  std::string host;  // as it was written, with the brackets of an IPv6 address
  int port = 0;
};

// INVALID_ARGUMENT: one sentence.
absl::StatusOr<HostPort> ReadHostPort(std::string_view address);

// Whether a host, IPv6 with or without brackets, is this machine; never for a name that only begins like it.
bool IsLoopbackHost(std::string_view host);
// Whether "HOST:PORT" can be reached from this machine only.
bool IsLoopback(std::string_view address);

// A socket that listens, does not block and is not inherited; the caller closes it. A port whose last connections are still winding down
// is free. INVALID_ARGUMENT, UNAVAILABLE: one sentence.
absl::StatusOr<int> ListenOn(const HostPort& address);

// OK when something could listen on "HOST:PORT" now; otherwise the sentence that says why not, for libraries that do not say.
absl::Status CheckListen(std::string_view address);

// The port that a socket has.
int PortOf(int socket);

}  // namespace section55::base
