// The ports that speak plain HTTP, publication's register and the metrics, with thousands who only keep their connections.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/clock.h"
#include "tests/fault/choices.h"
#include "tests/fault/raw_http2.h"
#include "tests/fault/target.h"

namespace section55::fault {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// At least; the most that are held are 4096.
constexpr int kIdle = 2000;
constexpr int kSlow = 500;
constexpr int64_t kBackWithinMib = 64;
constexpr int64_t kMostMoreMib = 256;

struct Crowd {
  ~Crowd() {
    for (const int each : sockets) {
      close(each);
    }
  }
  void Join(int port) {
    if (const int one = Connect(port); one >= 0) {
      sockets.push_back(one);
    }
  }
  // What they say next, each of them; those who were hung up on say nothing.
  void Say(std::string_view words) const {
    for (const int each : sockets) {
      [[maybe_unused]] const ssize_t sent = send(each, words.data(), words.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
  }
  std::vector<int> sockets;
};

// The first line of the answer to a new reader; empty when none comes within the time.
std::string Read(int port, std::string_view path, absl::Duration within) {
  const int connection = Connect(port);
  const std::string request = fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
  std::string answer;
  if (send(connection, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    pollfd wait = {connection, POLLIN, 0};
    std::array<char, 256> bytes;
    if (poll(&wait, 1, static_cast<int>(absl::ToInt64Milliseconds(within))) == 1) {
      const ssize_t got = recv(connection, bytes.data(), bytes.size(), 0);
      answer.assign(bytes.data(), got > 0 ? static_cast<size_t>(got) : 0);
    }
  }
  close(connection);
  return answer.substr(0, answer.find("\r\n"));
}

class WebAttackTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    rlimit limit = {};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 16'384);
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  struct Port {
    int number;
    std::string path;
  };
  std::vector<Port> Ports() { return {{target_.web_port(), "/"}, {target_.metrics_port(), "/metrics"}}; }
  // A reader who comes now is answered within a second. Other work on the machine may hold up one of them, hardly three in a row.
  static void ExpectAnswered(const Port& port) {
    std::string answer;
    for (int i = 0; i < 3 && answer.empty(); ++i) {
      answer = Read(port.number, port.path, absl::Seconds(1));
    }
    EXPECT_EQ(answer, "HTTP/1.1 200 OK");
  }

  // Who reads the log for a minute knows what was tried, and from where.
  void ExpectLogged() {
    EXPECT_TRUE(Target::Until([&] { return target_.Log().find("a web request was not read") != std::string::npos; }));
    EXPECT_THAT(target_.Log(), AllOf(HasSubstr("\"peer\":\"127.0.0.1\""), HasSubstr("left_out_before")));
  }

  Choices choices_;
  Target target_{"publication"};
};

TEST_F(WebAttackTest, ThousandsOfIdleAndSlowReadersKeepNobodyWaiting) {
  for (const Port& port : Ports()) {
    SCOPED_TRACE(port.path);
    ExpectAnswered(port);
    for (int round = 0; round < Rounds(); ++round) {
      Crowd idle;
      Crowd slow;
      const int idle_ones = choices_.Between(kIdle, kIdle + 400);
      const int slow_ones = choices_.Between(kSlow, kSlow + 300);
      for (int i = 0; i < idle_ones; ++i) {
        idle.Join(port.number);
      }
      for (int i = 0; i < slow_ones; ++i) {
        slow.Join(port.number);
      }
      EXPECT_EQ(idle.sockets.size() + slow.sockets.size(), static_cast<size_t>(idle_ones + slow_ones));
      idle.Say(fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", "/nothing"));
      slow.Say("GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
      for (int i = 0; i < 10; ++i) {
        slow.Say("a");
        ExpectAnswered(port);
      }
    }
  }
  ExpectLogged();
}

TEST_F(WebAttackTest, HeadersWithoutEnd) {
  for (const Port& port : Ports()) {
    SCOPED_TRACE(port.path);
    ExpectAnswered(port);
    const int64_t before = target_.MemoryMib();
    for (int round = 0; round < Rounds(); ++round) {
      Crowd crowd;
      const int many = choices_.Between(48, 80);
      for (int i = 0; i < many; ++i) {
        crowd.Join(port.number);
      }
      crowd.Say("GET / HTTP/1.1\r\nHost: localhost\r\n");
      std::string headers;
      while (headers.size() < 64 * 1024) {
        headers += "X-" + std::string(choices_.Between(1, 200), 'a') + ": b\r\n";
      }
      for (int i = 0; i < 64; ++i) {
        crowd.Say(headers);
        if (i % 16 == 0) {
          ExpectAnswered(port);
        }
      }
    }
    EXPECT_LE(target_.MostMemoryMib(), before + kMostMoreMib);
    EXPECT_TRUE(Target::Until([&] { return target_.MemoryMib() <= before + kBackWithinMib; }))
        << target_.MemoryMib() << " MiB now, " << before << " before";
  }
  ExpectLogged();
}

}  // namespace
}  // namespace section55::fault
