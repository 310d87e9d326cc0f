#include "libs/base/address.h"

#include <gmock/gmock.h>
#include <unistd.h>

namespace section55::base {
namespace {

using ::testing::HasSubstr;

TEST(AddressTest, LoopbackIsThisMachineOnly) {
  for (const char* address : {"127.0.0.1:1", "localhost:1", "[::1]:1", "127.1.2.3:1"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
  for (const char* address :
       {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "example.org:1", "", "localhost.evil.test:1", "127.evil.test:1"}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
  EXPECT_TRUE(IsLoopbackHost("[::1]"));
  EXPECT_FALSE(IsLoopbackHost("127.0.0.1.evil.test"));
}

TEST(AddressTest, HostAndPortAreTakenApart) {
  EXPECT_EQ(ReadHostPort("localhost:80")->host, "localhost");
  EXPECT_EQ(ReadHostPort("[::1]:8080")->host, "[::1]");
  EXPECT_EQ(ReadHostPort("[::1]:8080")->port, 8080);
  EXPECT_EQ(ReadHostPort("0.0.0.0:65535")->port, 65535);
  for (const char* address :
       {"", "localhost", ":80", "localhost:", "localhost:x", "localhost:65536", "localhost:-1", "localhost:8o"}) {
    const absl::Status status = ReadHostPort(address).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << address;
    EXPECT_THAT(std::string(status.message()), HasSubstr("HOST:PORT")) << address;
  }
}

TEST(AddressTest, APortIsTakenOnce) {
  for (const char* any : {"127.0.0.1:0", "[::1]:0"}) {
    HostPort address = *ReadHostPort(any);
    const absl::StatusOr<int> listener = ListenOn(address);
    ASSERT_TRUE(listener.ok()) << listener.status();
    address.port = PortOf(*listener);
    EXPECT_GT(address.port, 0);
    const std::string taken = address.host + ":" + std::to_string(address.port);
    EXPECT_TRUE(absl::IsUnavailable(ListenOn(address).status()));
    EXPECT_EQ(CheckListen(taken).message(), "cannot listen on " + taken + ": Address already in use");
    close(*listener);
    EXPECT_TRUE(CheckListen(taken).ok());
  }
}

}  // namespace
}  // namespace section55::base
