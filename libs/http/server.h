// A small web server for what can only be read: GET and HEAD, no bodies, plain HTTP. For the world outside it belongs behind a proxy
// that adds TLS.
//
//   ASSIGN_OR_RETURN(std::unique_ptr<http::Server> server, http::Server::Listen({.address = "127.0.0.1:8055"},
//       [](const http::Request& request) -> http::Response { return {.body = PageFor(request.path)}; }));
//   RETURN_IF_ERROR(server->Start());
//
// The handler says what there is; the server does HTTP, the same for all who use it: HEAD, one strong ETag for each coding, Vary, gzip,
// If-Match, If-None-Match, If-Modified-Since, If-Range, single ranges of the plain bytes, Date, 304, 206, 405, 412, 416. A request with a
// body is refused and its connection closed, so that nothing in it is ever taken for a second request.
//
// Connections wait in epoll and cost no thread: thousands of idle or slow ones keep nobody else from being answered.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/http/message.h"

namespace section55::http {

// Called from several threads at once. May block shortly, as a read of the database does: the connections of its thread wait
// meanwhile. An exception is answered with 500.
using Handler = std::function<Response(const Request& request)>;

struct Options {
  // HOST:PORT, "[::1]:8055"; port 0 picks a free one. Or "unix:/PATH" (unix_socket.h).
  std::string address = {};
  int threads = 8;
  // Connections held at once; more wait to be accepted. Fewer where the system gives the process fewer descriptors.
  int most_connections = 4096;
  // Connections held from one address; more are closed at once. 0: no limit, for where everybody comes through a proxy.
  int most_connections_per_peer = 0;
  // A connection on which nothing happens for so long is closed; whole seconds.
  absl::Duration idle = absl::Seconds(30);
  // Within this time a request must have arrived whole, counted from the connection or from the end of the answer before, and within
  // the next an answer must have been taken. Looked at when somebody else connects: who holds a connection longer harms nobody before.
  absl::Duration slowest_request = absl::Seconds(60);
  absl::Duration slowest_answer = absl::Minutes(10);
  // Bytes for the request line and the headers of one request; more is answered with 414 or 431. At least 2 KiB.
  size_t most_header_bytes = 16 * 1024;
  // Compressed forms that are kept.
  size_t most_compressed_bytes = 32 * 1024 * 1024;
  // Sent with every answer, refusals too.
  Fields headers = {};
};

// Thread-safe, but for Start and Stop, which one thread calls.
class Server {
 public:
  // Takes the address; who connects waits until Start. INVALID_ARGUMENT or UNAVAILABLE: one sentence for the operator.
  static absl::StatusOr<std::unique_ptr<Server>> Listen(Options options, Handler handler);

  // Stops.
  ~Server();

  // Answers, on threads of its own. After Stop it takes the same port again.
  absl::Status Start();

  // Finishes the answers under way (for 5 seconds at most), closes all connections and the port.
  void Stop();

  int port() const;

  // "127.0.0.1:8055": the host of the options and the real port.
  std::string address() const;

 private:
  Server();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace section55::http
