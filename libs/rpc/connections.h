// What the library knows of the connections that it holds.
#pragma once

#include <cstdint>
#include <string>

namespace section55::rpc {

// The connection of this process's servers of whose streams the most came to nothing: those that are open, and that ended without both
// sides having said all.
struct Troubled {
  std::string peer;     // "ipv4:192.0.2.1:40000"; empty when there is none
  int64_t streams = 0;  // so many of them
};

// Reads what the library counts for its diagnosis (channelz), some microseconds a connection: not for every call. Thread-safe.
Troubled MostTroubled();

}  // namespace section55::rpc
