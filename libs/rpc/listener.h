// Takes connections before gRPC does, whose own listener gives up for good when descriptors run out, and counts them.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace section55::rpc {

// Listens, and hands over each connection on which its caller has begun to speak. Who says nothing costs a descriptor and is hung up on
// after a while, the oldest of the peer with the most first when there are many; nobody learns more than that the connection was reset.
// When there is no room the next connection is accepted and closed at once: a caller hears it, and can go elsewhere.
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
  };
  // Gets the descriptor, which is then its own to close; called from the thread of the listener.
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
