// Where a connection comes from, as far as limits care.
#pragma once

#include <sys/socket.h>

#include <string>

namespace section55::rpc {

// The address without its port: "192.0.2.1"; of an IPv6 address the first 64 bits, "2001:db8:1:2::/64", because whoever has one of them
// has them all. An IPv4 address that came as IPv6 is the IPv4 address. Empty: neither.
std::string PeerOf(const sockaddr_storage& address);
// The same of what gRPC says: "ipv4:192.0.2.1:40000", "ipv6:%5B2001:db8::1%5D:40000".
std::string PeerOf(const std::string& grpc_peer);

}  // namespace section55::rpc
