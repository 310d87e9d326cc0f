// A Unix socket to listen on, for who is let into its folder: a proxy on the same machine that adds TLS.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace section55::http {

// The path in "unix:/run/section55/publication.sock"; nothing for any other address.
std::optional<std::string> UnixSocketPath(std::string_view address);

// A socket that listens, does not block and is not inherited; the caller closes it. Its owner and group may connect (mode 0660). One that
// a process left behind which has ended is replaced. INVALID_ARGUMENT, UNAVAILABLE: one sentence.
absl::StatusOr<int> ListenOnUnixSocket(const std::string& path);

}  // namespace section55::http
