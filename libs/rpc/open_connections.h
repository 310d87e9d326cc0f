// The connections that the library has.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"

namespace section55::rpc {

// Keeps count of the connections that were handed over, whose descriptors are the library's: it closes them when it likes and tells nobody.
// So each is known by what the system names it by, and what is done to one is done to a copy of its descriptor.
//
// Of the listener's thread alone. Times are of the steady clock.
class OpenConnections {
 public:
  // Whom gRPC names by an address and a port.
  using Caller = std::pair<std::string, int>;

  // A stranger is whoever has not said who they are; `most_from_stranger`: see Listener::Options. Strangers are watched by `poller` (epoll).
  explicit OpenConnections(int64_t most_from_stranger) : most_from_stranger_(most_from_stranger) {}
  void set_poller(int poller) { poller_ = poller; }

  size_t size() const { return open_.size(); }
  // How many are open from one address, as far as was noticed.
  int CountOf(const std::string& peer) const;

  void Add(int socket, Caller caller, bool stranger);
  // A descriptor that came anew: if it was one of these, that one was closed.
  void WasClosed(int socket);
  // Looks which are closed: a system call for each, so only now and then, however often it is asked for.
  void Sweep(absl::Duration now);

  // Something has come over this one. True when it was a stranger's, too much, and the connection has been ended.
  bool EndIfTooMuch(int socket);
  // Looks at all strangers, now and then: the system tells of what arrives only while it has not been read, and the library may be faster than
  // we are. Forgets those that are closed. `ended` is given the address of each whose connection has been ended.
  void LookAtStrangers(absl::Duration now, const std::function<void(const std::string& peer)>& ended);
  void IsNoStranger(const Caller& caller);
  const std::string& AddressOf(int socket) const { return open_.at(socket).caller.first; }

  // What comes over it is left unread until then; the later end counts.
  void Pause(const Caller& caller, absl::Duration until);
  // Those whose pause is over are read again.
  void Resume(absl::Duration now);

  // When there is something to do next, looking at strangers or reading again; InfiniteDuration: nothing.
  absl::Duration NextTime() const;

 private:
  struct Open {
    uint64_t cookie;
    Caller caller;
    absl::Duration paused_until = absl::ZeroDuration();
  };
  using Place = absl::flat_hash_map<int, Open>::iterator;

  Place Forget(Place closed);
  template <typename Do>
  bool WithCopyOf(Place connection, Do with_copy);

  const int64_t most_from_stranger_;
  int poller_ = -1;
  absl::flat_hash_map<int, Open> open_;
  absl::flat_hash_map<std::string, int> peers_;      // how many of each
  absl::flat_hash_map<Caller, int> sockets_;         // of all that are open
  absl::flat_hash_set<int> strangers_;               // of these sockets
  std::set<std::pair<absl::Duration, int>> paused_;  // until when, and which
  absl::Duration swept_ = -absl::InfiniteDuration();
  absl::Duration looked_ = -absl::InfiniteDuration();
};

}  // namespace section55::rpc
