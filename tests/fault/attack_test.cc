// What anybody can do to a service without a token. Others are served throughout, and afterwards it is as it was before.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tests/fault/choices.h"
#include "tests/fault/raw_http2.h"
#include "tests/fault/target.h"

namespace section55::fault {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::string_view kRegistry = "inspection-registry";
constexpr std::string_view kList = "/section55.registry.v1.InspectionRegistry/ListInspections";
constexpr int kStreams = 100'000;
constexpr char kAttacker[] = "127.0.0.3";
// What an attack may leave behind, and what it may take for a while: mostly under 100 MiB, but several hundred where the service's threads
// get no turn while the attacker's do. Without the limits it was 1.2 GiB.
constexpr int64_t kBackWithinMib = 96;
constexpr int64_t kMostMoreMib = 900;
// Of sixteen connections that were let to bring 5 MiB each, one after the other.
constexpr int64_t kMostOfHeadersMib = 160;

// Bare connections are hung up on or closed at the end.
struct Crowd {
  ~Crowd() { Leave(); }
  void Join(int port, const std::string& from) {
    if (const int one = Connect(port, from); one >= 0) {
      sockets.push_back(one);
    }
  }
  void Leave() {
    for (const int each : sockets) {
      close(each);
    }
    sockets.clear();
  }
  std::vector<int> sockets;
};

class AttackTest : public ::testing::Test {
 protected:
  // Before the attack, with what the first calls take for good.
  void Begin() {
    Bystanders first(target_);
    ASSERT_TRUE(Target::Until([&] { return first.answered() >= 20; }));
    first.Stop();
    memory_ = target_.MemoryMib();
    descriptors_ = target_.Descriptors();
  }
  void ExpectAsBefore() {
    fmt::print("memory: {} MiB before, {} at most, {} now\n", memory_, target_.MostMemoryMib(), target_.MemoryMib());
    EXPECT_LE(target_.MostMemoryMib(), memory_ + kMostMoreMib);
    EXPECT_TRUE(Target::Until([&] { return target_.MemoryMib() <= memory_ + kBackWithinMib; }))
        << target_.MemoryMib() << " MiB now, " << memory_ << " before";
    EXPECT_TRUE(Target::Until([&] { return target_.Descriptors() <= descriptors_ + 8; }))
        << target_.Descriptors() << " descriptors now, " << descriptors_ << " before";
    EXPECT_TRUE(target_.Answers());
    EXPECT_FALSE(target_.process().Await(absl::ZeroDuration()));
  }
  // Who reads the log for a minute knows what was tried, and from where.
  void ExpectStreamsRefused(std::string_view path) {
    const std::string line = fmt::format("\"path\":\"{}\",\"peer\":\"ipv4:{}:", path, kAttacker);
    EXPECT_TRUE(Target::Until([&] { return target_.Log().find(line) != std::string::npos; })) << line;
    EXPECT_THAT(target_.Log(), AllOf(HasSubstr("\"message\":\"streams refused\""), HasSubstr("left_out_before")));
  }
  // Sends for each stream what `frames` says, over one connection after another, until there were `streams`. How many were needed.
  int Flood(int streams, const std::function<std::string(uint32_t)>& frames) {
    int connections = 0;
    for (int sent = 0; sent < streams;) {
      if (++connections > streams / 50) {
        ADD_FAILURE() << "the service lets nobody in";
        break;
      }
      RawHttp2 attacker(target_.port(), kAttacker);
      attacker.Greet();
      const int at_once = choices_.Between(20, 300);
      bool open = true;
      for (uint32_t stream = 1; open && sent < streams;) {
        std::string some;
        for (int i = 0; i < at_once; ++i, stream += 2) {
          some += frames(stream);
        }
        sent += at_once;
        open = attacker.Send(some);
        if (open && choices_.Between(0, 99) == 0) {
          attacker.Drain(choices_.Between(1, 5));  // a moment in which the service gets on
        }
      }
    }
    return connections;
  }

  Choices choices_;
  Target target_{std::string(kRegistry)};
  int64_t memory_ = 0;
  int64_t descriptors_ = 0;
};

TEST_F(AttackTest, AHundredThousandStreamsThatAreOpened) {
  Begin();
  for (int round = 0; round < Rounds(); ++round) {
    Bystanders others(target_);
    const std::string call = RawHttp2::CallOf(kList);
    Flood(kStreams, [&](uint32_t stream) { return RawHttp2::Open(stream, call); });
    others.Stop();
    ExpectAsBefore();
    ExpectStreamsRefused(kList);
  }
}

TEST_F(AttackTest, AHundredThousandStreamsThatAreOpenedAndReset) {
  Begin();
  for (int round = 0; round < Rounds(); ++round) {
    for (const std::string_view path :
         {kList, std::string_view("/grpc.health.v1.Health/Check"), std::string_view("/no/Such")}) {
      SCOPED_TRACE(path);
      Bystanders others(target_);
      const std::string call = RawHttp2::CallOf(path);
      Flood(kStreams / 2, [&](uint32_t stream) {
        return RawHttp2::Open(stream, call) + RawHttp2::Message(stream) + RawHttp2::Reset(stream);
      });
      others.Stop();
      ExpectAsBefore();
      ExpectStreamsRefused(path);
    }
  }
}

TEST_F(AttackTest, StreamsOfHealthAndReflectionThatAreLeftOpen) {
  Begin();
  for (int round = 0; round < Rounds(); ++round) {
    for (const std::string_view path :
         {"/grpc.health.v1.Health/Watch", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"}) {
      SCOPED_TRACE(path);
      Bystanders others(target_);
      const std::string call = RawHttp2::CallOf(path);
      Flood(kStreams / 2, [&](uint32_t stream) { return RawHttp2::Open(stream, call) + RawHttp2::Message(stream); });
      others.Stop();
      ExpectAsBefore();
      ExpectStreamsRefused(path);
    }
  }
}

// One header after the other, and a single one that never ends. Whether the caller acknowledges the limit of headers makes no difference to
// the library.
TEST_F(AttackTest, HeadersWithoutEnd) {
  Begin();
  const std::string endless("\0\x01x\x7f\xff\xff\xff\x7f", 8);  // a value of some 256 MiB follows
  for (int round = 0; round < Rounds(); ++round) {
    Bystanders others(target_);
    for (const bool single : {false, true}) {
      SCOPED_TRACE(single);
      const int bytes = choices_.Between(1000, 8000);
      const std::string filler(bytes, 'a');
      const std::string more = RawHttp2::Header("x-filler", filler);
      const int attackers_at_once = single ? 2 : choices_.Between(12, 16);
      std::vector<std::unique_ptr<RawHttp2>> attackers;
      for (int i = 0; i < attackers_at_once; ++i) {
        RawHttp2& attacker = *attackers.emplace_back(std::make_unique<RawHttp2>(target_.port(), kAttacker));
        attacker.Greet();
        attacker.Send(RawHttp2::SettingsAck());
        attacker.Send(RawHttp2::Frame(1, 0, 1, RawHttp2::CallOf(kList)));
        attacker.Send(single ? RawHttp2::Frame(9, 0, 1, endless) : "");
        // The listener looks now and then, so a fast sender gets a little more through than it may.
        for (int frame = 0;
             frame < 64'000'000 / bytes && attacker.Send(RawHttp2::Frame(9, 0, 1, single ? filler : more)); ++frame) {
        }
        EXPECT_TRUE(attacker.closed()) << "64 MB were taken from nobody in particular";
      }
    }
    others.Stop();
    ExpectAsBefore();
    EXPECT_THAT(target_.Log(), HasSubstr(kAttacker));
    EXPECT_LE(target_.MostMemoryMib(), memory_ + kMostOfHeadersMib);
  }
}

TEST_F(AttackTest, PingsAndSettingsWithoutEnd) {
  Begin();
  for (int round = 0; round < Rounds(); ++round) {
    Bystanders others(target_);
    for (const std::string& frame : {RawHttp2::Ping(), RawHttp2::Frame(4, 0, 0, "")}) {
      RawHttp2 attacker(target_.port());
      attacker.Greet();
      std::string many;
      const int at_once = choices_.Between(200, 2000);
      for (int i = 0; i < at_once; ++i) {
        many += frame;
      }
      for (int i = 0; i < 100'000 / at_once && attacker.Send(many); ++i) {
      }
    }
    others.Stop();
    // The library ends such a connection by itself, and says nothing.
    ExpectAsBefore();
  }
}

TEST(DescriptorsTest, ACrowdOfBareConnectionsLeavesThePortAlive) {
  Choices choices;
  Target target(std::string(kRegistry), {"--probe_seconds=1"}, {"/usr/bin/prlimit", "--nofile=1024:1024"});
  const int64_t before = target.Descriptors();
  for (int round = 0; round < Rounds(); ++round) {
    Bystanders others(target);
    Crowd crowd;
    const int many = choices.Between(1100, 1400);
    for (int i = 0; i < many; ++i) {
      crowd.Join(target.port(), "127.0.0.1");
    }
    EXPECT_GE(crowd.sockets.size(), 1000u);
    EXPECT_TRUE(target.Answers()) << "while they are there";
    crowd.Leave();
    others.Stop();
    EXPECT_TRUE(target.Answers()) << "when they have left";
    EXPECT_TRUE(Target::Until([&] { return target.Descriptors() <= before + 8; })) << target.Descriptors();
    EXPECT_FALSE(target.process().Await(absl::ZeroDuration()));
    EXPECT_THAT(target.Log(), AllOf(HasSubstr("connections refused"), HasSubstr("\"last_peer\":\"127.0.0.1\"")));
  }
}

TEST(DescriptorsTest, OneAddressDoesNotTakeAllConnections) {
  Target target(std::string(kRegistry), {"--max_connections_per_address=40"});
  std::vector<std::unique_ptr<RawHttp2>> greedy;
  Bystanders others(target);
  for (int i = 0; i < 80; ++i) {
    RawHttp2& one = *greedy.emplace_back(std::make_unique<RawHttp2>(target.port(), "127.0.0.2"));
    one.Greet();
  }
  int held = 0;
  for (const auto& each : greedy) {
    each->Drain(1);
    held += each->closed() ? 0 : 1;
  }
  EXPECT_EQ(held, 40);
  others.Stop();
  EXPECT_THAT(target.Log(),
              AllOf(HasSubstr("\"reason\":\"TOO_MANY_FROM_ADDRESS\""), HasSubstr("\"last_peer\":\"127.0.0.2\"")));
  // Who has left is not counted.
  greedy.clear();
  EXPECT_TRUE(Target::Until([&] {
    RawHttp2 again(target.port(), "127.0.0.2");
    return again.Greet();
  }));
}

TEST(DescriptorsTest, AProcessThatAnswersNobodyEnds) {
  Target target(std::string(kRegistry), {"--probe_seconds=1"});
  // Fewer than it has open: nobody can be let in.
  const rlimit none = {4, 4};
  ASSERT_EQ(prlimit(target.process().pid(), RLIMIT_NOFILE, &none, nullptr), 0);
  EXPECT_EQ(target.process().Await(absl::Seconds(60)), 1);
  EXPECT_THAT(target.Log(), HasSubstr("no new connection is answered"));
}

}  // namespace
}  // namespace section55::fault
