// Connections before the library has them.
#include "libs/rpc/listener.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "libs/rpc/peer.h"
#include "libs/rpc/self_probe.h"
#include "libs/testing/matchers.h"

namespace section55::rpc {
namespace {

using section55::testing::IsOk;

TEST(PeerTest, AddressesWithoutPorts) {
  EXPECT_EQ(PeerOf("ipv4:192.0.2.1:40000"), "192.0.2.1");
  EXPECT_EQ(PeerOf("ipv6:%5B::ffff:192.0.2.1%5D:40000"), "192.0.2.1");
  EXPECT_EQ(PeerOf("ipv6:%5B2001:db8:1:2:3:4:5:6%5D:40000"), "2001:db8:1:2::/64");
  EXPECT_EQ(PeerOf("ipv6:[2001:db8:1:2:ffff::1]:40000"), "2001:db8:1:2::/64");
  EXPECT_EQ(PeerOf("inproc"), "");
}

// A caller; the test's own socket.
class Caller {
 public:
  explicit Caller(int port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  ~Caller() { close(socket_); }
  Caller(const Caller&) = delete;
  void Speak(size_t bytes = 1) const { send(socket_, std::string(bytes, 'x').data(), bytes, MSG_NOSIGNAL); }
  // As gRPC says it.
  std::string Name() const {
    sockaddr_in address = {};
    socklen_t size = sizeof(address);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    return "ipv4:127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  // Waits until the other side has hung up.
  bool HungUp() const {
    char byte = 0;
    return recv(socket_, &byte, 1, 0) <= 0;
  }

 private:
  const int socket_;
};

class ListenerTest : public ::testing::Test {
 protected:
  ~ListenerTest() override {
    listener_->Stop();
    for (const int each : taken_) {
      close(each);
    }
  }
  void Listen(Listener::Options options) {
    options.address = "127.0.0.1:0";
    auto listener = Listener::Listen(options);
    ASSERT_THAT(listener.status(), IsOk());
    listener_ = *std::move(listener);
    listener_->Start([this](int socket) {
      const absl::MutexLock lock(&mutex_);
      taken_.push_back(socket);
    });
  }
  // Until so many were handed over; the test's own time limit ends a wait in vain.
  void AwaitTaken(size_t count) {
    const absl::MutexLock lock(&mutex_);
    const auto there = [&] { return taken_.size() >= count; };
    mutex_.Await(absl::Condition(&there));
    EXPECT_EQ(taken_.size(), count);
  }
  int LastTaken() {
    const absl::MutexLock lock(&mutex_);
    return taken_.back();
  }

  absl::Mutex mutex_;
  std::vector<int> taken_;
  std::unique_ptr<Listener> listener_;
};

TEST_F(ListenerTest, WhoSpeaksIsHandedOverAndWhoDoesNotIsHungUpOn) {
  Listen({.longest_silence = absl::Milliseconds(50)});
  const Caller silent(listener_->port());
  const Caller speaking(listener_->port());
  speaking.Speak();
  AwaitTaken(1);
  EXPECT_TRUE(silent.HungUp());
  AwaitTaken(1);
}

TEST_F(ListenerTest, ACrowdThatSaysNothingMakesRoomForWhoDoes) {
  Listen({.most_silent = 4});
  std::vector<std::unique_ptr<Caller>> crowd;
  for (int i = 0; i < 8; ++i) {
    crowd.push_back(std::make_unique<Caller>(listener_->port()));
  }
  EXPECT_TRUE(crowd.front()->HungUp()) << "the oldest";
  const Caller speaking(listener_->port());
  speaking.Speak();
  AwaitTaken(1);
}

TEST_F(ListenerTest, TheLimitOfAnAddressHoldsUntilOneIsClosed) {
  Listen({.most_per_peer = 2});
  const Caller one(listener_->port());
  const Caller two(listener_->port());
  one.Speak();
  two.Speak();
  AwaitTaken(2);
  const Caller three(listener_->port());
  three.Speak();
  EXPECT_TRUE(three.HungUp());
  close(LastTaken());
  {
    const absl::MutexLock lock(&mutex_);
    taken_.pop_back();
  }
  // Closed ones are looked for only so often: some callers may still meet the limit.
  for (size_t taken = 1; taken < 2;) {
    const Caller again(listener_->port());
    again.Speak();
    const absl::MutexLock lock(&mutex_);
    const auto there = [&] { return taken_.size() >= 2; };
    mutex_.AwaitWithTimeout(absl::Condition(&there), absl::Milliseconds(100));
    taken = taken_.size();
  }
}

TEST_F(ListenerTest, WhoBringsMuchWithoutSayingWhoTheyAreIsHungUpOn) {
  constexpr size_t kMost = 1000;
  Listen({.most_from_stranger = kMost});
  const Caller known(listener_->port());
  known.Speak();
  AwaitTaken(1);
  const int theirs = LastTaken();
  listener_->Know(known.Name());
  known.Speak(2 * kMost);

  const Caller stranger(listener_->port());
  stranger.Speak(kMost);
  AwaitTaken(2);
  stranger.Speak();
  EXPECT_TRUE(stranger.HungUp());

  // What the known one brought is all there.
  char bytes[1 + 2 * kMost];
  EXPECT_EQ(recv(theirs, bytes, sizeof(bytes), MSG_WAITALL), static_cast<ssize_t>(sizeof(bytes)));
}

TEST_F(ListenerTest, WhoIsPausedWaitsAndLosesNothing) {
  Listen({});
  const Caller caller(listener_->port());
  caller.Speak();
  AwaitTaken(1);
  pollfd theirs = {LastTaken(), POLLIN, 0};
  char bytes[2];
  ASSERT_EQ(recv(theirs.fd, bytes, 1, 0), 1);
  const auto paused = [&] {
    int least = 0;
    socklen_t size = sizeof(least);
    return getsockopt(theirs.fd, SOL_SOCKET, SO_RCVLOWAT, &least, &size) == 0 && least > 1;
  };
  listener_->Pause(caller.Name(), absl::Hours(1));
  while (!paused()) {
    std::this_thread::yield();
  }
  caller.Speak(2);
  EXPECT_EQ(poll(&theirs, 1, 0), 0);
  EXPECT_EQ(recv(theirs.fd, bytes, 2, MSG_PEEK), 2) << "it is there all the same";
  // A large request gets through; an earlier end changes nothing.
  listener_->Pause(caller.Name(), absl::ZeroDuration());
  caller.Speak(1'000'000);
  EXPECT_EQ(poll(&theirs, 1, -1), 1);

  const Caller other(listener_->port());
  other.Speak();
  AwaitTaken(2);
  pollfd of_other = {LastTaken(), POLLIN, 0};
  ASSERT_EQ(recv(of_other.fd, bytes, 1, 0), 1);
  listener_->Pause(other.Name(), absl::Milliseconds(20));
  other.Speak();
  EXPECT_EQ(poll(&of_other, 1, -1), 1) << "when the pause is over";
}

// As gRPC does: it reads in the thread that brings the connection, until nothing more comes.
TEST(HandoverTest, WhoNeverPausesHoldsUpNobodyAndIsHungUpOn) {
  absl::Mutex mutex;
  int taken = 0;
  auto listener = Listener::Listen({.address = "127.0.0.1:0", .most_from_stranger = 1000});
  ASSERT_THAT(listener.status(), IsOk());
  (*listener)->Start([&](int socket) {
    {
      const absl::MutexLock lock(&mutex);
      ++taken;
    }
    pollfd one = {socket, POLLIN, 0};
    for (char byte = 0; poll(&one, 1, -1) == 1 && recv(socket, &byte, 1, 0) == 1;) {
    }
    close(socket);
  });
  std::vector<std::unique_ptr<Caller>> callers;
  for (int i = 1; i <= 4; ++i) {
    callers.push_back(std::make_unique<Caller>((*listener)->port()));
    callers.back()->Speak();
    const absl::MutexLock lock(&mutex);
    const auto there = [&] { return taken == i; };
    mutex.Await(absl::Condition(&there));
  }
  for (const auto& each : callers) {
    each->Speak(1000);
    EXPECT_TRUE(each->HungUp());
  }
}

TEST(SelfProbeTest, NobodyThereIsAFailure) {
  auto listener = Listener::Listen({.address = "127.0.0.1:0"});
  ASSERT_THAT(listener.status(), IsOk());
  std::vector<int> announced;
  // It listens, and does not answer: the connection waits in the kernel.
  EXPECT_FALSE(ProbeOnce((*listener)->reachable_at(), absl::Milliseconds(50), [&](int port) {
                 announced.push_back(port);
               }).ok());
  ASSERT_EQ(announced.size(), 2u);
  EXPECT_GT(announced[0], 0);
  EXPECT_EQ(announced[1], 0);
}

TEST(SelfProbeTest, OnlyFailuresInARowCount) {
  absl::Mutex mutex;
  int looks = 0;
  int deaf = 0;
  {
    SelfProbe probe({.look =
                         [&] {
                           const absl::MutexLock lock(&mutex);
                           // Two failures, one answer, and failures for ever.
                           return ++looks == 3 ? absl::OkStatus() : absl::UnavailableError("nobody there");
                         },
                     .every = absl::Milliseconds(1),
                     .failures = 3,
                     .deaf =
                         [&](const absl::Status&) {
                           const absl::MutexLock lock(&mutex);
                           EXPECT_EQ(looks, 6);
                           ++deaf;
                         }});
    const absl::MutexLock lock(&mutex);
    const auto enough = [&] { return looks >= 10; };
    mutex.Await(absl::Condition(&enough));
  }
  EXPECT_EQ(deaf, 1);
}

}  // namespace
}  // namespace section55::rpc
