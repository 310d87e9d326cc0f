#include "libs/service/leases.h"

#include <gmock/gmock.h>

#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "service_schema.h"

namespace section55::service {
namespace {

using section55::testing::IsOk;
using ::testing::SizeIs;

constexpr absl::Duration kSecond = absl::Seconds(1);
const absl::Time kWall = absl::FromUnixSeconds(1'767'258'000);

class LeasesTest : public section55::testing::OnBothEngines {
 protected:
  LeasesTest() : OnBothEngines({MigrationSchema()}) {}

  std::string Holder(const std::string& name = "prune") {
    const auto leases = ListLeases(database());
    EXPECT_THAT(leases, IsOk());
    for (const LeaseState& lease : *leases) {
      if (lease.name == name) {
        return lease.holder;
      }
    }
    return "nobody ever";
  }

  Lease a_{database(), "prune", "a:1"};
  Lease b_{database(), "prune", "b:1"};
};

TEST_P(LeasesTest, TheFirstHoldsItAndTheOtherWaits) {
  EXPECT_TRUE(a_.Tend(absl::ZeroDuration(), kWall));
  EXPECT_FALSE(b_.Tend(absl::ZeroDuration(), kWall));
  EXPECT_EQ(Holder(), "a:1");
  EXPECT_EQ(ListLeases(database())->front().expires, kWall + kLeaseLength);
  // As long as it is renewed, it stays; however long that is.
  for (absl::Duration now; now < 10 * kLeaseLength; now += kRenewal) {
    EXPECT_TRUE(a_.Tend(now, kWall + now));
    EXPECT_FALSE(b_.Tend(now, kWall + now));
  }
}

TEST_P(LeasesTest, AnAbandonedOneIsTakenOverByTheCandidatesOwnClock) {
  // The two clocks have nothing to do with each other, neither those that count nor those on the wall.
  EXPECT_TRUE(a_.Tend(absl::Hours(1000), kWall + absl::Hours(5)));
  const absl::Duration start = absl::Seconds(3);
  EXPECT_FALSE(b_.Tend(start, kWall));
  EXPECT_FALSE(b_.Tend(start + kLeaseLength - kSecond, kWall));
  // One sign of life starts the wait anew.
  EXPECT_TRUE(a_.Tend(absl::Hours(1000) + kRenewal, kWall));
  EXPECT_FALSE(b_.Tend(start + kLeaseLength, kWall));
  EXPECT_FALSE(b_.Tend(start + 2 * kLeaseLength - kSecond, kWall));
  EXPECT_TRUE(b_.Tend(start + 2 * kLeaseLength, kWall));
  EXPECT_EQ(Holder(), "b:1");
  // Who had it finds out, and waits like everybody.
  EXPECT_FALSE(a_.Tend(absl::Hours(1000) + 2 * kRenewal, kWall));
  EXPECT_FALSE(a_.Tend(absl::Hours(1000) + 3 * kRenewal, kWall));
}

TEST_P(LeasesTest, ItsHolderTakesItBackAtOnceWhenStartedAgain) {
  EXPECT_TRUE(a_.Tend(absl::ZeroDuration(), kWall));
  Lease again(database(), "prune", "a:1");
  EXPECT_TRUE(again.Tend(absl::ZeroDuration(), kWall));
}

TEST_P(LeasesTest, TwoOfOneNameDoNotTakeItFromEachOtherInTurn) {
  EXPECT_TRUE(a_.Tend(absl::ZeroDuration(), kWall));
  Lease twin(database(), "prune", "a:1");
  EXPECT_TRUE(twin.Tend(absl::ZeroDuration(), kWall));
  EXPECT_FALSE(a_.Tend(kRenewal, kWall)) << "somebody else has changed it";
  EXPECT_TRUE(twin.Tend(kRenewal, kWall));
  EXPECT_FALSE(a_.Tend(2 * kRenewal, kWall));
}

TEST_P(LeasesTest, OneThatIsGivenBackIsFree) {
  EXPECT_TRUE(a_.Tend(absl::ZeroDuration(), kWall));
  EXPECT_FALSE(b_.Tend(absl::ZeroDuration(), kWall));
  a_.Release();
  EXPECT_EQ(Holder(), "");
  EXPECT_TRUE(b_.Tend(kSecond, kWall));
  // Who does not hold it has nothing to give.
  a_.Release();
  EXPECT_EQ(Holder(), "b:1");
  EXPECT_FALSE(a_.Tend(kSecond, kWall));
}

TEST_P(LeasesTest, EachLeaseIsItsOwn) {
  Lease other(database(), "follow inspection-registry", "b:1");
  EXPECT_TRUE(a_.Tend(absl::ZeroDuration(), kWall));
  EXPECT_TRUE(other.Tend(absl::ZeroDuration(), kWall));
  EXPECT_THAT(*ListLeases(database()), SizeIs(2));
}

TEST_P(LeasesTest, WithoutTheDatabaseItIsHeldForItsLengthAndNoLonger) {
  EXPECT_TRUE(a_.Tend(absl::ZeroDuration(), kWall));
  ASSERT_THAT(database().WriteSchema([](db::SchemaTransaction& tx) { return tx.ExecuteScript("DROP TABLE leases"); }),
              IsOk());
  EXPECT_TRUE(a_.Tend(kRenewal, kWall));
  EXPECT_TRUE(a_.Tend(kLeaseLength - kSecond, kWall));
  EXPECT_FALSE(a_.Tend(kLeaseLength, kWall));
  EXPECT_FALSE(b_.Tend(kLeaseLength, kWall)) << "nobody takes what cannot be written";
}

SECTION55_ON_BOTH_ENGINES(LeasesTest);

}  // namespace
}  // namespace section55::service
