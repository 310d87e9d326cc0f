#include "libs/rpc/open_connections.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <vector>

namespace section55::rpc {
namespace {

constexpr absl::Duration kSweepPause = absl::Milliseconds(50);
constexpr absl::Duration kLookPause = absl::Milliseconds(250);
// More bytes than wait for a connection that is not read, unless they are one large request.
constexpr int kFarMore = 256 * 1024;
// What every socket begins with.
constexpr int kAnything = 1;

// What names a socket for as long as the machine runs; descriptors are used again. 0: no socket.
uint64_t CookieOf(int socket) {
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  return getsockopt(socket, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

// How many bytes have come over a connection so far; 0 where the system does not count them.
int64_t BroughtOver(int socket) {
  tcp_info info = {};
  socklen_t size = sizeof(info);
  return getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? static_cast<int64_t>(info.tcpi_bytes_received)
                                                                      : 0;
}

void SetLeastToRead(int socket, int bytes) { setsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes)); }

}  // namespace

int OpenConnections::CountOf(const std::string& peer) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? 0 : found->second;
}

void OpenConnections::Add(int socket, Caller caller, bool stranger) {
  ++peers_[caller.first];
  sockets_[caller] = socket;
  if (stranger) {
    strangers_.insert(socket);
    // Told of each arrival once, and not any more when the library has closed it.
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLET;
    event.data.fd = socket;
    epoll_ctl(poller_, EPOLL_CTL_ADD, socket, &event);
  }
  open_.insert_or_assign(socket, Open{CookieOf(socket), std::move(caller)});
}

OpenConnections::Place OpenConnections::Forget(Place closed) {
  const auto& [socket, was] = *closed;
  if (const auto peer = peers_.find(was.caller.first); peer != peers_.end() && --peer->second <= 0) {
    peers_.erase(peer);
  }
  if (const auto found = sockets_.find(was.caller); found != sockets_.end() && found->second == socket) {
    sockets_.erase(found);
  }
  strangers_.erase(socket);
  paused_.erase({was.paused_until, socket});
  const auto next = std::next(closed);
  open_.erase(closed);
  return next;
}

void OpenConnections::WasClosed(int socket) {
  if (const auto found = open_.find(socket); found != open_.end()) {
    Forget(found);
  }
}

void OpenConnections::Sweep(absl::Duration now) {
  if (now - swept_ < kSweepPause) {
    return;
  }
  swept_ = now;
  for (auto each = open_.begin(); each != open_.end();) {
    each = CookieOf(each->first) == each->second.cookie ? std::next(each) : Forget(each);
  }
}

// False when the descriptor is somebody else's by now, or there is none for a copy.
template <typename Do>
bool OpenConnections::WithCopyOf(Place connection, Do with_copy) {
  const int copy = fcntl(connection->first, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) {
    return false;
  }
  const bool same = CookieOf(copy) == connection->second.cookie;
  if (same) {
    with_copy(copy);
  }
  close(copy);
  return same;
}

bool OpenConnections::EndIfTooMuch(int socket) {
  const auto found = open_.find(socket);
  if (found == open_.end() || !strangers_.contains(socket) || BroughtOver(socket) <= most_from_stranger_) {
    return false;
  }
  return WithCopyOf(found, [](int copy) {
    // Ends the connection with a reset, and throws away what came and was not read.
    const sockaddr nowhere = {.sa_family = AF_UNSPEC, .sa_data = {}};
    connect(copy, &nowhere, sizeof(nowhere));
  });
}

void OpenConnections::LookAtStrangers(absl::Duration now, const std::function<void(const std::string& peer)>& ended) {
  if (strangers_.empty() || now - looked_ < kLookPause) {
    return;
  }
  looked_ = now;
  const std::vector<int> some(strangers_.begin(), strangers_.end());
  for (const int socket : some) {
    if (const auto found = open_.find(socket); CookieOf(socket) != found->second.cookie) {
      Forget(found);
    } else if (EndIfTooMuch(socket)) {
      ended(found->second.caller.first);
    }
  }
}

void OpenConnections::IsNoStranger(const Caller& caller) {
  const auto socket = sockets_.find(caller);
  if (socket == sockets_.end() || strangers_.erase(socket->second) == 0) {
    return;
  }
  if (CookieOf(socket->second) == open_.at(socket->second).cookie) {
    epoll_ctl(poller_, EPOLL_CTL_DEL, socket->second, nullptr);
  }
}

void OpenConnections::Pause(const Caller& caller, absl::Duration until) {
  const auto socket = sockets_.find(caller);
  const auto found = socket == sockets_.end() ? open_.end() : open_.find(socket->second);
  if (found == open_.end() || until <= found->second.paused_until) {
    return;
  }
  // What has come does not count as having come until there is this much of it, which is how the library leaves it where it is.
  if (WithCopyOf(found, [](int copy) { SetLeastToRead(copy, kFarMore); })) {
    paused_.erase({found->second.paused_until, found->first});
    found->second.paused_until = until;
    paused_.emplace(until, found->first);
  }
}

void OpenConnections::Resume(absl::Duration now) {
  while (!paused_.empty() && paused_.begin()->first <= now) {
    // No harm is done where the number is somebody else's by now.
    SetLeastToRead(paused_.begin()->second, kAnything);
    paused_.erase(paused_.begin());
  }
}

absl::Duration OpenConnections::NextTime() const {
  return std::min(strangers_.empty() ? absl::InfiniteDuration() : looked_ + kLookPause,
                  paused_.empty() ? absl::InfiniteDuration() : paused_.begin()->first);
}

}  // namespace section55::rpc
