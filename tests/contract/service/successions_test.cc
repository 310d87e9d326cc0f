// What came in the place of what, and whose people may do what for whom, on both engines.
#include "libs/service/successions.h"

#include <gmock/gmock.h>

#include "libs/base/status.h"
#include "libs/service/directory.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "service_schema.h"

namespace section55::service {
namespace {

using access::Identity;
using common::v1::AccessRule;
using section55::testing::IsOk;
using section55::testing::StatusIs;

const absl::Time kDay = absl::FromUnixSeconds(1'841'356'800);

class SuccessionsTest : public section55::testing::OnBothEngines {
 protected:
  SuccessionsTest() : OnBothEngines({MigrationSchema()}) {}

  void Save(const char* predecessor, const char* successor, absl::Time from = kDay) {
    EXPECT_THAT(database().Write([&](db::Transaction& tx) {
      return SaveSuccession(tx, {predecessor, successor, from, std::string("an \0 event", 10)});
    }),
                IsOk());
  }

  static std::shared_ptr<const Identity> Author(std::initializer_list<const char*> bodies) {
    auto identity = std::make_shared<Identity>();
    for (const char* body : bodies) {
      identity->grants.push_back({AccessRule::AUTHOR, body});
    }
    return identity;
  }

  static absl::StatusOr<std::string> NoForce(db::Transaction&, std::string_view) { return absl::NotFoundError(""); }

  Directory directory_{database(), NoForce};
};

TEST_P(SuccessionsTest, AreKeptAndReplaced) {
  Save("bodies/norfolk-pcc", "bodies/norfolk-board");
  Save("bodies/norfolk-pcc", "bodies/east-board", kDay + absl::Microseconds(1));
  EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const auto found, FindSuccession(tx, "bodies/norfolk-pcc"));
    EXPECT_TRUE(found.has_value());
    EXPECT_EQ(found->successor, "bodies/east-board");
    EXPECT_EQ(found->from, kDay + absl::Microseconds(1));
    EXPECT_EQ(found->event, std::string("an \0 event", 10));
    ASSIGN_OR_RETURN(const auto none, FindSuccession(tx, "bodies/Norfolk-pcc"));
    EXPECT_FALSE(none.has_value()) << "names have case";
    return absl::OkStatus();
  }),
              IsOk());
}

TEST_P(SuccessionsTest, AllAreReadInTheOrderOfTheirDays) {
  Save("bodies/a", "bodies/b", kDay + absl::Hours(24));
  Save("bodies/z", "bodies/a", kDay);
  std::vector<Succession> all;
  ASSERT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(all, AllSuccessions(tx));
    return absl::OkStatus();
  }),
              IsOk());
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].predecessor, "bodies/z");
  EXPECT_EQ(all[1].successor, "bodies/b");
  EXPECT_EQ(all[1].event, std::string("an \0 event", 10));
}

TEST_P(SuccessionsTest, DamageIsDataLoss) {
  Save("bodies/norfolk-pcc", "bodies/norfolk-board");
  ASSERT_THAT(database().Write([&](db::Transaction& tx) {
    return tx.Execute("UPDATE successions SET event = ?", {db::Bytes{"another"}}).status();
  }),
              IsOk());
  EXPECT_THAT(database().Read([&](db::Transaction& tx) { return FindSuccession(tx, "bodies/norfolk-pcc").status(); }),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_P(SuccessionsTest, AGrantIsGoodForTheSuccessorFromItsFirstInstant) {
  Save("bodies/norfolk-pcc", "bodies/norfolk-board");
  const auto author = Author({"bodies/norfolk-pcc"});
  EXPECT_FALSE(directory_.WithInherited(author, kDay - absl::Microseconds(1), true)
                   ->Holds(AccessRule::AUTHOR, "bodies/norfolk-board"));
  const auto heir = directory_.WithInherited(author, kDay, false);
  EXPECT_TRUE(heir->Holds(AccessRule::AUTHOR, "bodies/norfolk-board"));
  EXPECT_TRUE(heir->Holds(AccessRule::AUTHOR, "bodies/norfolk-pcc"));
  EXPECT_FALSE(heir->Holds(AccessRule::APPROVER, "bodies/norfolk-board")) << "the same role and no other";
  const auto stranger = Author({"bodies/suffolk-pcc"});
  EXPECT_EQ(directory_.WithInherited(stranger, kDay, false), stranger) << "nothing to copy";
}

// A database that counts who reads, and is away when told so.
class CountedDatabase : public section55::testing::DatabaseFront {
 public:
  using DatabaseFront::DatabaseFront;
  absl::Status Lookup(db::Body body, absl::Time until) override {
    ++lookups;
    EXPECT_LT(until, absl::InfiniteFuture()) << "a call would wait for as long as the database is silent";
    return away ? absl::UnavailableError("away") : DatabaseFront::Lookup(body, until);
  }
  int lookups = 0;
  bool away = false;
};

TEST_P(SuccessionsTest, WhatIsKnownStaysGoodWhileTheDatabaseIsAwayAndNotEveryCallAsks) {
  Save("bodies/norfolk-pcc", "bodies/norfolk-board");
  CountedDatabase counted(database());
  Directory directory(counted, NoForce);
  const auto author = Author({"bodies/norfolk-pcc"});
  EXPECT_TRUE(directory.WithInherited(author, kDay, true)->Holds(AccessRule::AUTHOR, "bodies/norfolk-board"));
  counted.away = true;
  EXPECT_TRUE(directory.WithInherited(author, kDay, true)->Holds(AccessRule::AUTHOR, "bodies/norfolk-board"));
  const int before = counted.lookups;
  const absl::Time start = absl::Now();
  for (int i = 0; i < 1000; ++i) {
    directory.WithInherited(author, kDay, false);
  }
  EXPECT_LE(counted.lookups - before, absl::ToInt64Seconds(absl::Now() - start) + 1);
}

TEST_P(SuccessionsTest, ChainsAreFollowedAndCirclesEnd) {
  Save("bodies/a", "bodies/b");
  Save("bodies/b", "bodies/c");
  Save("bodies/c", "bodies/a");
  const auto heir = directory_.WithInherited(Author({"bodies/a"}), kDay, true);
  EXPECT_EQ(heir->grants.size(), 3u);
  EXPECT_TRUE(heir->Holds(AccessRule::AUTHOR, "bodies/c"));
}

TEST_P(SuccessionsTest, NewsIsReadWhenItIsAskedForAfresh) {
  const auto author = Author({"bodies/norfolk-pcc"});
  EXPECT_EQ(directory_.WithInherited(author, kDay, true), author);
  Save("bodies/norfolk-pcc", "bodies/norfolk-board");
  EXPECT_TRUE(directory_.WithInherited(author, kDay, true)->Holds(AccessRule::AUTHOR, "bodies/norfolk-board"));
}

SECTION55_ON_BOTH_ENGINES(SuccessionsTest);

}  // namespace
}  // namespace section55::service
