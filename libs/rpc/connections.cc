#include "libs/rpc/connections.h"

#include <grpc/grpc.h>
#include <grpc/support/alloc.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/numbers.h"

namespace section55::rpc {
namespace {

using nlohmann::json;

// Taken over from the library, which allocated it. Null when it is not there.
json Taken(char* allocated) {
  json read = allocated == nullptr ? json() : json::parse(allocated, nullptr, /*allow_exceptions=*/false);
  gpr_free(allocated);
  return read;
}

// What stands at a path, or nothing. Numbers of 64 bits are strings in this JSON.
std::string TextAt(const json& from, const char* path) {
  const json::json_pointer place(path);
  return from.is_object() && from.contains(place) && from[place].is_string() ? from[place].get<std::string>() : "";
}

int64_t NumberAt(const json& from, const char* path) {
  int64_t number = 0;
  return absl::SimpleAtoi(TextAt(from, path), &number) ? number : 0;
}

// The ids in a list of references.
std::vector<int64_t> IdsIn(const json& answer, const char* list, const char* path) {
  std::vector<int64_t> ids;
  if (answer.is_object() && answer.contains(list)) {
    for (const json& each : answer[list]) {
      ids.push_back(NumberAt(each, path));
    }
  }
  return ids;
}

}  // namespace

Troubled MostTroubled() {
  constexpr intptr_t kPage = 500;
  Troubled most;
  for (const int64_t server : IdsIn(Taken(grpc_channelz_get_servers(0)), "server", "/ref/serverId")) {
    std::vector<int64_t> page;
    for (int64_t first = 0; first == 0 || page.size() == kPage; first = page.back() + 1) {
      page = IdsIn(Taken(grpc_channelz_get_server_sockets(server, first, kPage)), "socketRef", "/socketId");
      for (const int64_t id : page) {
        const json socket = Taken(grpc_channelz_get_socket(id));
        const int64_t streams =
            NumberAt(socket, "/socket/data/streamsStarted") - NumberAt(socket, "/socket/data/streamsSucceeded");
        if (streams > most.streams) {
          const std::string name = TextAt(socket, "/socket/ref/name");  // "chttp2 ipv4:192.0.2.1:40000"
          most = {name.substr(name.rfind(' ') + 1), streams};
        }
      }
    }
  }
  return most;
}

}  // namespace section55::rpc
