#include "libs/rpc/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <list>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "libs/base/address.h"
#include "libs/base/files.h"
#include "libs/base/log.h"
#include "libs/rpc/metrics.h"
#include "libs/rpc/peer.h"

namespace section55::rpc {
namespace {

// To look which connections are closed takes a system call for each, so not for every caller who meets a limit.
constexpr absl::Duration kSweepPause = absl::Milliseconds(50);
// While the system has no descriptor for us, not even the one in reserve.
constexpr absl::Duration kAcceptPause = absl::Milliseconds(100);
constexpr absl::Duration kLogPause = absl::Seconds(10);

absl::Duration SteadyNow() { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); }

// What names a socket for as long as the machine runs; descriptors are used again. 0: no socket.
uint64_t CookieOf(int socket) {
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  return getsockopt(socket, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

// With a reset, so that nothing of the connection stays behind here.
void HangUp(int socket) {
  const linger at_once = {1, 0};
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close(socket);
}

int PortOf(const sockaddr_storage& address) {
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

sockaddr_storage ReachableAt(int listener) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  if (address.ss_family == AF_INET6) {
    auto& ip = reinterpret_cast<sockaddr_in6&>(address);
    if (IN6_IS_ADDR_UNSPECIFIED(&ip.sin6_addr)) {
      ip.sin6_addr = in6addr_loopback;
    }
  } else if (auto& ip = reinterpret_cast<sockaddr_in&>(address); ip.sin_addr.s_addr == htonl(INADDR_ANY)) {
    ip.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  return address;
}

int Reserve() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

}  // namespace

struct Listener::Impl {
  struct Peer {
    int open = 0;
    int silent = 0;
  };
  using Peers = absl::flat_hash_map<std::string, Peer>;
  struct Silent {
    int socket;
    std::string peer;
    absl::Duration since;
  };
  struct Open {
    uint64_t cookie;
    std::string peer;
  };

  explicit Impl(Options its_options)
      : options(std::move(its_options)), files(options.most_connections + options.most_silent) {
    most_silent = std::max(1, std::min(options.most_silent, files.files() / 4));
    most_open = std::max(1, std::min(options.most_connections, files.files() - most_silent));
  }

  void Run();
  void Accept();
  void OnWord(int socket);
  void HandOver(int socket, std::string peer);
  bool HasRoom(const std::string& peer);
  void Sweep();
  void Forget(const std::string& peer, int Peer::*count);
  void EndSilence(std::list<Silent>::iterator silent, std::string_view reason);
  void EndOldSilences();
  void MakeRoomForSilent();
  void Refuse(int socket, std::string_view reason, const std::string& peer);
  void Tell(std::string_view reason, const std::string& peer);
  void Watch(int socket, bool listening);

  const Options options;
  const base::FileShare files;
  int most_silent = 0;
  int most_open = 0;
  sockaddr_storage reachable_at = {};
  int port = 0;
  int listener = -1;
  int poller = -1;
  int stop = -1;
  int reserve = -1;
  Take take;
  std::thread thread;
  std::atomic<int> expected = 0;
  std::atomic<int> open_count = 0;

  // The thread's own.
  bool accepting = true;
  absl::flat_hash_map<int, Open> open;
  std::list<Silent> silent;  // the oldest first
  absl::flat_hash_map<int, std::list<Silent>::iterator> silent_by_socket;
  Peers peers;
  absl::Duration swept = -absl::InfiniteDuration();
  absl::Duration told = -absl::InfiniteDuration();
  int64_t untold = 0;
};

void Listener::Impl::Watch(int socket, bool listening) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = socket;
  epoll_ctl(poller, listening ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, socket, &event);
}

void Listener::Impl::Tell(std::string_view reason, const std::string& peer) {
  CountRefusedConnection(std::string(reason));
  ++untold;
  if (const absl::Duration now = SteadyNow(); now - told >= kLogPause) {
    told = now;
    base::Log(base::Severity::kWarning, "connections refused",
              {{"reason", reason},
               {"last_peer", std::string_view(peer)},
               {"connections", std::exchange(untold, 0)},
               {"open", static_cast<int64_t>(open.size())}});
  }
}

void Listener::Impl::Refuse(int socket, std::string_view reason, const std::string& peer) {
  HangUp(socket);
  Tell(reason, peer);
}

void Listener::Impl::Forget(const std::string& peer, int Peer::*count) {
  const auto found = peers.find(peer);
  if (found == peers.end()) {
    return;
  }
  --(found->second.*count);
  if (found->second.open <= 0 && found->second.silent <= 0) {
    peers.erase(found);
  }
}

void Listener::Impl::Sweep() {
  if (SteadyNow() - swept < kSweepPause) {
    return;
  }
  for (auto each = open.begin(); each != open.end();) {
    if (CookieOf(each->first) == each->second.cookie) {
      ++each;
      continue;
    }
    Forget(each->second.peer, &Peer::open);
    open.erase(each++);
  }
  open_count = static_cast<int>(open.size());
  swept = SteadyNow();
}

bool Listener::Impl::HasRoom(const std::string& peer) {
  const auto full = [&] { return static_cast<int>(open.size()) >= most_open; };
  const auto too_many = [&] {
    const auto found = peers.find(peer);
    return options.most_per_peer > 0 && found != peers.end() && found->second.open >= options.most_per_peer;
  };
  if (full() || too_many()) {
    Sweep();
  }
  return !full() && !too_many();
}

void Listener::Impl::HandOver(int socket, std::string peer) {
  ++peers[peer].open;
  open.insert_or_assign(socket, Open{CookieOf(socket), std::move(peer)});
  open_count = static_cast<int>(open.size());
  take(socket);
}

void Listener::Impl::EndSilence(std::list<Silent>::iterator ended, std::string_view reason) {
  Watch(ended->socket, false);
  Refuse(ended->socket, reason, ended->peer);
  silent_by_socket.erase(ended->socket);
  Forget(ended->peer, &Peer::silent);
  silent.erase(ended);
}

void Listener::Impl::EndOldSilences() {
  const absl::Duration now = SteadyNow();
  while (!silent.empty() && now - silent.front().since >= options.longest_silence) {
    EndSilence(silent.begin(), "SILENT");
  }
}

void Listener::Impl::MakeRoomForSilent() {
  if (static_cast<int>(silent.size()) < most_silent) {
    return;
  }
  const auto worst = std::max_element(peers.begin(), peers.end(), [](const auto& one, const auto& other) {
    return one.second.silent < other.second.silent;
  });
  const std::string peer = worst->first;
  EndSilence(std::find_if(silent.begin(), silent.end(), [&](const Silent& each) { return each.peer == peer; }),
             "TOO_MANY_SILENT");
}

void Listener::Impl::Accept() {
  // Not for ever: those who speak are to be heard in between.
  constexpr int kAtOnce = 64;
  for (int i = 0; i < kAtOnce; ++i) {
    sockaddr_storage address = {};
    socklen_t size = sizeof(address);
    const int socket = accept4(listener, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return;
      }
      if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) {
        continue;  // this one caller has gone already
      }
      // The descriptor in reserve lets us at least say no, or the caller would wait in vain and the kernel wake us again and again.
      Tell("NO_DESCRIPTORS", "");
      close(reserve);
      const int refused = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (refused >= 0) {
        HangUp(refused);
      }
      reserve = Reserve();
      if (refused < 0) {
        accepting = false;
        Watch(listener, false);
        return;
      }
      continue;
    }
    // A descriptor that comes back was closed by whom it was handed to.
    if (const auto closed = open.find(socket); closed != open.end()) {
      Forget(closed->second.peer, &Peer::open);
      open.erase(closed);
      open_count = static_cast<int>(open.size());
    }
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    std::string peer = PeerOf(address);
    if (const int wanted = expected; wanted != 0 && PortOf(address) == wanted) {
      HandOver(socket, std::move(peer));
      continue;
    }
    MakeRoomForSilent();
    ++peers[peer].silent;
    silent.push_back({socket, std::move(peer), SteadyNow()});
    silent_by_socket[socket] = std::prev(silent.end());
    Watch(socket, true);
  }
}

void Listener::Impl::OnWord(int socket) {
  const auto found = silent_by_socket.find(socket);
  if (found == silent_by_socket.end()) {
    return;
  }
  std::string peer = std::move(found->second->peer);
  silent.erase(found->second);
  silent_by_socket.erase(found);
  Forget(peer, &Peer::silent);
  Watch(socket, false);
  char first = 0;
  if (recv(socket, &first, 1, MSG_PEEK) != 1) {
    close(socket);  // gone without a word
    return;
  }
  if (!HasRoom(peer)) {
    Refuse(socket, static_cast<int>(open.size()) >= most_open ? "TOO_MANY_CONNECTIONS" : "TOO_MANY_FROM_ADDRESS", peer);
    return;
  }
  HandOver(socket, std::move(peer));
}

void Listener::Impl::Run() {
  std::array<epoll_event, 64> events = {};
  while (true) {
    absl::Duration pause = absl::InfiniteDuration();
    if (!silent.empty()) {
      pause = std::max(absl::Milliseconds(1), silent.front().since + options.longest_silence - SteadyNow());
    }
    if (!accepting) {
      pause = std::min(pause, kAcceptPause);
    }
    const int timeout = pause == absl::InfiniteDuration() ? -1 : static_cast<int>(absl::ToInt64Milliseconds(pause)) + 1;
    const int count = epoll_wait(poller, events.data(), static_cast<int>(events.size()), timeout);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd == stop) {
        return;
      }
      if (events[i].data.fd != listener) {
        OnWord(events[i].data.fd);
      }
    }
    EndOldSilences();
    if (!accepting) {
      accepting = true;
      Watch(listener, true);
    }
    // Last, because a descriptor that this round closes may come back here under the same number.
    if (std::any_of(events.begin(), events.begin() + std::max(count, 0),
                    [this](const epoll_event& event) { return event.data.fd == listener; })) {
      Accept();
    }
  }
}

Listener::Listener() = default;
Listener::~Listener() { Stop(); }

absl::StatusOr<std::unique_ptr<Listener>> Listener::Listen(Options options) {
  const auto address = base::ReadHostPort(options.address);
  if (!address.ok()) {
    return address.status();
  }
  const auto socket = base::ListenOn(*address);
  if (!socket.ok()) {
    return socket.status();
  }
  std::unique_ptr<Listener> made(new Listener());
  made->impl_ = std::make_unique<Impl>(std::move(options));
  Impl& impl = *made->impl_;
  impl.listener = *socket;
  impl.port = base::PortOf(impl.listener);
  impl.reachable_at = ReachableAt(impl.listener);
  impl.poller = epoll_create1(EPOLL_CLOEXEC);
  impl.stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  impl.reserve = Reserve();
  if (impl.poller < 0 || impl.stop < 0 || impl.reserve < 0) {
    return absl::UnavailableError("cannot listen: this process may not open more files (ulimit -n)");
  }
  return made;
}

void Listener::Start(Take take) {
  impl_->take = std::move(take);
  impl_->Watch(impl_->stop, true);
  impl_->Watch(impl_->listener, true);
  impl_->thread = std::thread([this] { impl_->Run(); });
}

void Listener::Stop() {
  if (impl_ == nullptr || impl_->listener < 0) {
    return;
  }
  if (impl_->thread.joinable()) {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(impl_->stop, &one, sizeof(one));
    impl_->thread.join();
  }
  for (const Impl::Silent& each : impl_->silent) {
    close(each.socket);
  }
  impl_->silent.clear();
  impl_->silent_by_socket.clear();
  for (int* const file : {&impl_->listener, &impl_->poller, &impl_->stop, &impl_->reserve}) {
    if (*file >= 0) {
      close(std::exchange(*file, -1));
    }
  }
}

int Listener::port() const { return impl_->port; }
const sockaddr_storage& Listener::reachable_at() const { return impl_->reachable_at; }
void Listener::Expect(int local_port) { impl_->expected = local_port; }
int Listener::open() const { return impl_->open_count; }

}  // namespace section55::rpc
