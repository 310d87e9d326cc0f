#include "libs/rpc/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace section55::rpc {
namespace {

std::string TextOf(int family, const void* address) {
  std::array<char, INET6_ADDRSTRLEN> text = {};
  return inet_ntop(family, address, text.data(), text.size()) == nullptr ? std::string() : std::string(text.data());
}

std::string PeerOf(in6_addr address) {
  constexpr size_t kMappedAt = 12;
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    return TextOf(AF_INET, address.s6_addr + kMappedAt);
  }
  std::fill(address.s6_addr + sizeof(address) / 2, address.s6_addr + sizeof(address), 0);
  return TextOf(AF_INET6, &address) + "/64";
}

}  // namespace

std::string PeerOf(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    return TextOf(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  }
  return address.ss_family == AF_INET6 ? PeerOf(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr) : "";
}

std::string PeerOf(const std::string& grpc_peer) {
  const size_t colon = grpc_peer.find(':');
  const size_t port = grpc_peer.rfind(':');
  if (colon == std::string::npos || port <= colon) {
    return "";
  }
  std::string host = grpc_peer.substr(colon + 1, port - colon - 1);
  for (const std::string_view bracket : {"%5B", "%5D", "[", "]"}) {
    if (const size_t at = host.find(bracket); at != std::string::npos) {
      host.erase(at, bracket.size());
    }
  }
  if (const size_t zone = host.find('%'); zone != std::string::npos) {
    host.erase(zone);
  }
  in6_addr address = {};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1 ? PeerOf(address) : host;
}

}  // namespace section55::rpc
