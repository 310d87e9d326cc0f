#include "libs/rpc/connections.h"

#include <grpc/grpc.h>
#include <grpc/support/alloc.h>

#include <charconv>
#include <string_view>
#include <vector>

namespace section55::rpc {
namespace {

constexpr std::string_view kServerId = "\"serverId\":\"";
constexpr std::string_view kSocketId = "\"socketId\":\"";

// Taken over from the library, which allocated it. Empty for null.
std::string Text(char* allocated) {
  std::string text = allocated == nullptr ? "" : allocated;
  gpr_free(allocated);
  return text;
}

// What stands between the key and the next quotation mark, from `at` on, which moves behind it. Numbers of 64 bits are strings in this
// JSON, so that is all there is to read.
std::string_view Next(std::string_view json, std::string_view key, size_t& at) {
  const size_t found = json.find(key, at);
  if (found == std::string_view::npos) {
    at = json.size();
    return "";
  }
  const size_t begin = found + key.size();
  at = std::min(json.find('"', begin), json.size());
  return json.substr(begin, at - begin);
}

int64_t Number(std::string_view text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

int64_t NumberOf(std::string_view json, std::string_view key) {
  size_t at = 0;
  return Number(Next(json, key, at));
}

std::vector<int64_t> AllOf(std::string_view json, std::string_view key) {
  std::vector<int64_t> numbers;
  for (size_t at = 0; at < json.size();) {
    if (const std::string_view text = Next(json, key, at); !text.empty()) {
      numbers.push_back(Number(text));
    }
  }
  return numbers;
}

}  // namespace

Troubled MostTroubled() {
  constexpr intptr_t kPage = 500;
  Troubled most;
  for (const int64_t server : AllOf(Text(grpc_channelz_get_servers(0)), kServerId)) {
    std::vector<int64_t> page;
    for (int64_t first = 0; first == 0 || page.size() == kPage; first = page.back() + 1) {
      page = AllOf(Text(grpc_channelz_get_server_sockets(server, first, kPage)), kSocketId);
      for (const int64_t id : page) {
        const std::string socket = Text(grpc_channelz_get_socket(id));
        const int64_t streams = NumberOf(socket, "\"streamsStarted\":\"") - NumberOf(socket, "\"streamsSucceeded\":\"");
        if (streams > most.streams) {
          size_t at = 0;
          const std::string_view name = Next(socket, "\"name\":\"", at);  // "chttp2 ipv4:192.0.2.1:40000"
          most = {std::string(name.substr(name.rfind(' ') + 1)), streams};
        }
      }
    }
  }
  return most;
}

}  // namespace section55::rpc
