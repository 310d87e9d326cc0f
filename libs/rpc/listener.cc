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
#include <cstddef>
#include <cstring>
#include <list>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/synchronization/mutex.h"
#include "libs/base/address.h"
#include "libs/base/files.h"
#include "libs/base/log.h"
#include "libs/rpc/handover.h"
#include "libs/rpc/metrics.h"
#include "libs/rpc/open_connections.h"
#include "libs/rpc/peer.h"

namespace section55::rpc {
namespace {

// While the system has no descriptor for us, not even the one in reserve.
constexpr absl::Duration kAcceptPause = absl::Milliseconds(100);
constexpr absl::Duration kLogPause = absl::Seconds(10);

absl::Duration SteadyNow() { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); }

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
  using Caller = OpenConnections::Caller;
  struct Silent {
    int socket;
    Caller caller;
    absl::Duration since;
  };
  explicit Impl(Options its_options)
      : options(std::move(its_options)),
        files(options.most_connections + options.most_silent),
        open(options.most_from_stranger) {
    most_silent = std::max(1, std::min(options.most_silent, files.files() / 4));
    most_open = std::max(1, std::min(options.most_connections, files.files() - most_silent));
  }

  void Run();
  void Accept();
  void OnWord(int socket);
  void HandOver(int socket, Caller caller, bool stranger);
  void OnMore(int socket);
  void DoAsAsked();
  bool HasRoom(const std::string& peer);
  void ForgetSilent(const std::string& peer);
  void EndSilence(std::list<Silent>::iterator silent, std::string_view reason);
  void EndOldSilences();
  void MakeRoomForSilent();
  void Refuse(int socket, std::string_view reason, const std::string& peer);
  void Tell(std::string_view reason, const std::string& peer);
  void Watch(int socket, bool listening);
  static Caller CallerOf(const std::string& grpc_peer);
  void Wake() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  const Options options;
  const base::FileShare files;
  int most_silent = 0;
  int most_open = 0;
  sockaddr_storage reachable_at = {};
  int port = 0;
  int listener = -1;
  int poller = -1;
  int reserve = -1;
  std::unique_ptr<Handover> handover;
  std::thread thread;
  std::atomic<int> expected = 0;
  std::atomic<int> open_count = 0;

  absl::Mutex mutex;
  int wake ABSL_GUARDED_BY(mutex) = -1;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  std::vector<Caller> known ABSL_GUARDED_BY(mutex);  // lately
  std::vector<std::pair<Caller, absl::Duration>> to_pause ABSL_GUARDED_BY(mutex);

  // The thread's own.
  bool accepting = true;
  OpenConnections open;
  std::list<Silent> silent;  // the oldest first
  absl::flat_hash_map<int, std::list<Silent>::iterator> silent_by_socket;
  absl::flat_hash_map<std::string, int> silent_of_peer;
  absl::Duration told = -absl::InfiniteDuration();
  int64_t untold = 0;
};

void Listener::Impl::Watch(int socket, bool listening) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = socket;
  epoll_ctl(poller, listening ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, socket, &event);
}

void Listener::Impl::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake, &one, sizeof(one));
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

void Listener::Impl::ForgetSilent(const std::string& peer) {
  if (const auto found = silent_of_peer.find(peer); --found->second == 0) {
    silent_of_peer.erase(found);
  }
}

bool Listener::Impl::HasRoom(const std::string& peer) {
  const auto has = [&] {
    return static_cast<int>(open.size()) < most_open &&
           (options.most_per_peer <= 0 || open.CountOf(peer) < options.most_per_peer);
  };
  if (has()) {
    return true;
  }
  open.Sweep(SteadyNow());
  return has();
}

void Listener::Impl::HandOver(int socket, Caller caller, bool stranger) {
  open.Add(socket, std::move(caller), stranger);
  open_count = static_cast<int>(open.size());
  handover->Give(socket);
}

void Listener::Impl::OnMore(int socket) {
  // Perhaps it was said a moment ago who they are.
  DoAsAsked();
  if (open.EndIfTooMuch(socket)) {
    Tell("TOO_MUCH_FROM_STRANGER", open.AddressOf(socket));
  }
}

void Listener::Impl::DoAsAsked() {
  std::vector<Caller> no_strangers;
  std::vector<std::pair<Caller, absl::Duration>> pauses;
  {
    const absl::MutexLock lock(&mutex);
    no_strangers.swap(known);
    pauses.swap(to_pause);
  }
  for (const Caller& each : no_strangers) {
    open.IsNoStranger(each);
  }
  for (const auto& [caller, until] : pauses) {
    open.Pause(caller, until);
  }
}

void Listener::Impl::EndSilence(std::list<Silent>::iterator ended, std::string_view reason) {
  Watch(ended->socket, false);
  Refuse(ended->socket, reason, ended->caller.first);
  silent_by_socket.erase(ended->socket);
  ForgetSilent(ended->caller.first);
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
  const auto worst = std::max_element(silent_of_peer.begin(), silent_of_peer.end(),
                                      [](const auto& one, const auto& other) { return one.second < other.second; });
  const std::string peer = worst->first;
  EndSilence(std::find_if(silent.begin(), silent.end(), [&](const Silent& each) { return each.caller.first == peer; }),
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
    open.WasClosed(socket);
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    Caller caller(PeerOf(address), PortOf(address));
    if (const int wanted = expected; wanted != 0 && caller.second == wanted) {
      HandOver(socket, std::move(caller), /*stranger=*/false);
      continue;
    }
    MakeRoomForSilent();
    ++silent_of_peer[caller.first];
    silent.push_back({socket, std::move(caller), SteadyNow()});
    silent_by_socket[socket] = std::prev(silent.end());
    Watch(socket, true);
  }
}

void Listener::Impl::OnWord(int socket) {
  const auto found = silent_by_socket.find(socket);
  Caller caller = std::move(found->second->caller);
  silent.erase(found->second);
  silent_by_socket.erase(found);
  ForgetSilent(caller.first);
  Watch(socket, false);
  char first = 0;
  if (recv(socket, &first, 1, MSG_PEEK) != 1) {
    close(socket);  // gone without a word
    return;
  }
  if (!HasRoom(caller.first)) {
    Refuse(socket, static_cast<int>(open.size()) >= most_open ? "TOO_MANY_CONNECTIONS" : "TOO_MANY_FROM_ADDRESS",
           caller.first);
    return;
  }
  HandOver(socket, std::move(caller), /*stranger=*/true);
}

void Listener::Impl::Run() {
  std::array<epoll_event, 64> events = {};
  int woken_by = -1;
  {
    const absl::MutexLock lock(&mutex);
    woken_by = wake;
  }
  while (true) {
    absl::Duration pause = absl::InfiniteDuration();
    if (!silent.empty()) {
      pause = std::max(absl::Milliseconds(1), silent.front().since + options.longest_silence - SteadyNow());
    }
    if (!accepting) {
      pause = std::min(pause, kAcceptPause);
    }
    pause = std::min(pause, std::max(absl::ZeroDuration(), open.NextTime() - SteadyNow()));
    const int timeout = pause == absl::InfiniteDuration() ? -1 : static_cast<int>(absl::ToInt64Milliseconds(pause)) + 1;
    const int count = epoll_wait(poller, events.data(), static_cast<int>(events.size()), timeout);
    if (absl::MutexLock lock(&mutex); stopping) {
      return;
    }
    for (int i = 0; i < count; ++i) {
      const int file = events[i].data.fd;
      if (file == woken_by) {
        uint64_t ignored = 0;
        [[maybe_unused]] const ssize_t got = read(file, &ignored, sizeof(ignored));
        DoAsAsked();
      } else if (silent_by_socket.contains(file)) {
        OnWord(file);
      } else if (file != listener) {
        OnMore(file);
      }
    }
    EndOldSilences();
    open.LookAtStrangers(SteadyNow(), [this](const std::string& peer) { Tell("TOO_MUCH_FROM_STRANGER", peer); });
    open.Resume(SteadyNow());
    open_count = static_cast<int>(open.size());
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
  impl.open.set_poller(impl.poller);
  impl.reserve = Reserve();
  const absl::MutexLock lock(&impl.mutex);
  impl.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (impl.poller < 0 || impl.wake < 0 || impl.reserve < 0) {
    return absl::UnavailableError("cannot listen: this process may not open more files (ulimit -n)");
  }
  return made;
}

void Listener::Start(Take take) {
  impl_->handover = std::make_unique<Handover>(std::move(take));
  {
    const absl::MutexLock lock(&impl_->mutex);
    impl_->Watch(impl_->wake, true);
  }
  impl_->Watch(impl_->listener, true);
  impl_->thread = std::thread([this] { impl_->Run(); });
}

void Listener::Stop() {
  if (impl_ == nullptr || impl_->listener < 0) {
    return;
  }
  // While strangers are still watched, because what one of them sends may be what keeps a thread.
  if (impl_->handover != nullptr) {
    impl_->handover->Stop();
  }
  {
    const absl::MutexLock lock(&impl_->mutex);
    impl_->stopping = true;
    impl_->Wake();
  }
  if (impl_->thread.joinable()) {
    impl_->thread.join();
  }
  for (const Impl::Silent& each : impl_->silent) {
    close(each.socket);
  }
  impl_->silent.clear();
  impl_->silent_by_socket.clear();
  // What Know finds closed it does not write to.
  const absl::MutexLock lock(&impl_->mutex);
  for (int* const file : {&impl_->listener, &impl_->poller, &impl_->wake, &impl_->reserve}) {
    if (*file >= 0) {
      close(std::exchange(*file, -1));
    }
  }
}

int Listener::port() const { return impl_->port; }
const sockaddr_storage& Listener::reachable_at() const { return impl_->reachable_at; }

// What stands after the last colon is no number where there is no port: nobody has the port 0.
Listener::Impl::Caller Listener::Impl::CallerOf(const std::string& grpc_peer) {
  Caller caller(PeerOf(grpc_peer), 0);
  if (!absl::SimpleAtoi(grpc_peer.substr(grpc_peer.rfind(':') + 1), &caller.second)) {
    caller.second = 0;
  }
  return caller;
}

void Listener::Know(const std::string& grpc_peer) {
  const absl::MutexLock lock(&impl_->mutex);
  if (impl_->wake >= 0) {
    impl_->known.push_back(Impl::CallerOf(grpc_peer));
    impl_->Wake();
  }
}

void Listener::Pause(const std::string& grpc_peer, absl::Duration pause) {
  const absl::MutexLock lock(&impl_->mutex);
  if (impl_->wake >= 0) {
    impl_->to_pause.emplace_back(Impl::CallerOf(grpc_peer), SteadyNow() + pause);
    impl_->Wake();
  }
}

void Listener::Expect(int local_port) { impl_->expected = local_port; }
int Listener::open() const { return impl_->open_count; }

}  // namespace section55::rpc
