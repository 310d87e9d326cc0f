// Takes connections before gRPC does, whose own listener gives up for good when descriptors run out, and counts them.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/limits.h"

namespace section55::rpc {

// Listens, and hands over each connection on which its caller has begun to speak. Who says nothing costs a descriptor and is hung up on
// after a while, the oldest of the peer with the most first when there are many; nobody learns more than that the connection was reset.
// When there is no room the next connection is accepted and closed at once: a caller hears it, and can go elsewhere.
//
// What is handed over stays under watch until a call over it has said who it is: gRPC 1.51 keeps whatever is sent to it as headers that never
// end, so a stranger who brings more than any first request is hung up on.
//
// Thread-safe but for Start and Stop, which one thread calls.
class Listener {
 public:
  struct Options {
    std::string address = {};  // HOST:PORT; port 0 picks a free one
    // Connections at once; fewer where the system gives us fewer descriptors.
    int most_connections = 4096;
    // Of them from one address (see peer.h); 0: no limit, for where everybody comes through a proxy.
    int most_per_peer = 512;
    // Beside them, those that have said nothing yet, and for how long they may.
    int most_silent = 256;
    absl::Duration longest_silence = absl::Seconds(10);
    // Bytes that a connection may bring, TLS and all, before one of its calls has said who it is: room for the largest request.
    int64_t most_from_stranger = base::kLargestMessage + base::kMebibyte;
  };
  // Gets the descriptor, which is then its own to close; called from several threads at once (handover.h).
  using Take = std::function<void(int socket)>;

  // Takes the address; who connects waits until Start. INVALID_ARGUMENT, UNAVAILABLE: one sentence for the operator.
  static absl::StatusOr<std::unique_ptr<Listener>> Listen(Options options);
  // Stops.
  ~Listener();

  void Start(Take take);
  // Closes the port and what was not handed over. After it, nothing is.
  void Stop();

  int port() const;
  // Where this process reaches itself: the address listened on, or loopback where that is every address.
  const sockaddr_storage& reachable_at() const;

  // A call over the connection from this address and port, "ipv4:192.0.2.1:40000" as gRPC says it, has said who it is.
  void Know(const std::string& grpc_peer);

  // What comes over the connection from this address and port is left unread for so long, at most (a large request is read all the same). Its
  // calls wait where they cost nothing, and their caller notices no more than that. Asked again, the later end counts.
  void Pause(const std::string& grpc_peer, absl::Duration pause);

  // The next connection from this local port is our own look at ourselves: it is let in however full it is. 0: none is.
  void Expect(int local_port);

  // Connections that were handed over and are still open, as far as was noticed: closed ones are looked for when a limit is met.
  int open() const;

 private:
  Listener();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace section55::rpc
