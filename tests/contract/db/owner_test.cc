// Whose a database is.
#include "libs/db/owner.h"

#include <atomic>

#include "fixture.h"

namespace section55::db {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'767'258'000);

class OwnerTest : public testing::OnBothEngines {
 protected:
  absl::Status Check(std::string_view service, std::string_view deployment) {
    return CheckOwner(database(), service, deployment);
  }
  absl::Status BeginFor(std::string_view service, std::string_view deployment) {
    return Begin(database(), service, deployment, kNow);
  }
  void Script(std::string_view sql) {
    ASSERT_TRUE(database().WriteSchema([&](SchemaTransaction& tx) { return tx.ExecuteScript(sql); }).ok());
  }
};

TEST_P(OwnerTest, ADatabaseIsThatOfWhoBeganIt) {
  ASSERT_TRUE(BeginFor("publication", "live").ok());
  EXPECT_TRUE(Check("publication", "live").ok());
  const auto owner = ReadOwner(database());
  ASSERT_TRUE(owner.ok() && owner->has_value()) << owner.status();
  EXPECT_EQ((*owner)->service, "publication");
  EXPECT_EQ((*owner)->deployment, "live");
  EXPECT_EQ((*owner)->created, kNow);
  ASSERT_TRUE(Migrate(database(), {TestSchema()}, kNow, false).ok());
  test_database().Reopen();
  EXPECT_TRUE(Check("publication", "live").ok());

  for (const absl::Status& status : {Check("response-authoring", "live"), Check("publication", "trial"),
                                     BeginFor("response-authoring", "live"), BeginFor("publication", "trial")}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_EQ(ReasonOf(status), "DATABASE_OF_ANOTHER");
    EXPECT_THAT(std::string(status.message()), HasSubstr("that of publication in the deployment live"));
  }
  EXPECT_EQ(ReasonOf(BeginFor("publication", "live")), "DATABASE_BEGUN");
  EXPECT_TRUE(Check("publication", "live").ok()) << "still";
}

TEST_P(OwnerTest, AnEmptyOneIsNotBegunByItself) {
  const absl::Status status = Check("publication", "live");
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_EQ(ReasonOf(status), "DATABASE_EMPTY");
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("restore a backup"), HasSubstr("migrate --new")));
  EXPECT_FALSE(ReadOwner(database())->has_value());
}

TEST_P(OwnerTest, WhatHoldsTheTablesOfOthersIsLeftAlone) {
  Script("CREATE TABLE orders (id INTEGER PRIMARY KEY)");
  EXPECT_EQ(ReasonOf(Check("publication", "live")), "DATABASE_UNKNOWN");
  EXPECT_EQ(ReasonOf(BeginFor("publication", "live")), "DATABASE_UNKNOWN");
  EXPECT_FALSE(ReadOwner(database())->has_value());
}

// On MySQL the table is there before the row is.
TEST_P(OwnerTest, ABeginningThatWasCutShortIsBegunAgain) {
  ASSERT_TRUE(BeginFor("publication", "live").ok());
  ASSERT_TRUE(Execute(database(), "DELETE FROM owner").ok());
  EXPECT_EQ(ReasonOf(Check("publication", "live")), "DATABASE_EMPTY");
  EXPECT_TRUE(BeginFor("publication", "live").ok());
  EXPECT_TRUE(Check("publication", "live").ok());
}

TEST_P(OwnerTest, OfTwoThatBeginOneHasIt) {
  const auto other = Open(test_database().options());
  ASSERT_TRUE(other.ok());
  Database* const processes[] = {&database(), other->get()};
  const std::string services[] = {"publication", "response-authoring"};
  std::atomic<int> begun = 0;
  OnThreads(2, [&](int i) {
    const absl::Status status = Begin(*processes[i], services[i], "live", kNow);
    begun += status.ok() ? 1 : 0;
    EXPECT_TRUE(status.ok() || ReasonOf(status) == "DATABASE_OF_ANOTHER") << status;
  });
  EXPECT_EQ(begun, 1);
}

SECTION55_ON_BOTH_ENGINES(OwnerTest);

}  // namespace
}  // namespace section55::db
