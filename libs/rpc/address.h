// The addresses that a process listens on. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace section55::rpc {

// Whether "HOST:PORT" can be reached from this machine only.
bool IsLoopback(std::string_view address);

// OK when a server can listen on "HOST:PORT" now; otherwise the sentence that says why not. gRPC itself would only say
// that it did not start.
absl::Status CheckListen(const std::string& address);

}  // namespace section55::rpc
