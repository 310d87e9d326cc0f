#include "libs/service/loops.h"

#include <gmock/gmock.h>

#include "libs/testing/databases.h"
#include "service_schema.h"

namespace section55::service {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Loops::DatabaseState kWell = {.schema_is_right = true, .answers = true};
constexpr Loops::DatabaseState kAway = {.schema_is_right = true, .answers = false};
constexpr Loops::DatabaseState kWrongSchema = {.schema_is_right = false, .answers = false};
const absl::Time kWall = absl::FromUnixSeconds(1'767'258'000);

class LoopsTest : public section55::testing::OnBothEngines {
 protected:
  LoopsTest() : OnBothEngines({MigrationSchema()}) {
    for (Loops* loops : {&a_, &b_}) {
      std::vector<std::string>& done = loops == &a_ ? a_done_ : b_done_;
      for (const std::string name : {"web", "follow", "prune"}) {
        loops->Add({.name = name,
                    .start = [&done, name] { done.push_back("+" + name); },
                    .stop = [&done, name] { done.push_back("-" + name); },
                    .leased = name != "web"});
      }
    }
  }
  static std::vector<std::string> Take(std::vector<std::string>& done) { return std::exchange(done, {}); }

  Loops a_{database(), "a:1"};
  Loops b_{database(), "b:1"};
  std::vector<std::string> a_done_;
  std::vector<std::string> b_done_;
};

TEST_P(LoopsTest, RunWhileTheSchemaIsRight) {
  absl::Duration now;
  a_.Tend(kWrongSchema, now, kWall);
  EXPECT_THAT(Take(a_done_), IsEmpty());
  EXPECT_THAT(*ListLeases(database()), IsEmpty()) << "nor is a lease taken for work that is not done";
  a_.Tend(kWell, now, kWall);
  EXPECT_THAT(Take(a_done_), ElementsAre("+web", "+follow", "+prune"));
  a_.Tend(kWell, now += absl::Seconds(1), kWall);
  EXPECT_THAT(Take(a_done_), IsEmpty());
  a_.Tend(kWrongSchema, now += absl::Seconds(1), kWall);
  EXPECT_THAT(Take(a_done_), ElementsAre("-prune", "-follow", "-web"));
  a_.Tend(kWell, now += absl::Seconds(1), kWall);
  EXPECT_THAT(Take(a_done_), ElementsAre("+web", "+follow", "+prune"));
  a_.Stop();
  EXPECT_THAT(Take(a_done_), ElementsAre("-prune", "-follow", "-web"));
  a_.Stop();
  EXPECT_THAT(Take(a_done_), IsEmpty());
}

TEST_P(LoopsTest, ALeasedLoopRunsInOneReplica) {
  absl::Duration now;
  a_.Tend(kWell, now, kWall);
  b_.Tend(kWell, now, kWall);
  EXPECT_THAT(Take(b_done_), ElementsAre("+web"));
  for (; now < 3 * kLeaseLength; now += absl::Seconds(1)) {
    a_.Tend(kWell, now, kWall + now);
    b_.Tend(kWell, now, kWall + now);
  }
  EXPECT_THAT(Take(b_done_), IsEmpty());
  const auto status = b_.Status();
  ASSERT_EQ(status.size(), 3u);
  EXPECT_EQ(status.at(0).name(), "web");
  EXPECT_EQ(status.at(0).holder(), "");
  EXPECT_FALSE(status.at(0).has_expire_time());
  EXPECT_TRUE(status.at(0).running_here());
  EXPECT_EQ(status.at(2).name(), "prune");
  EXPECT_EQ(status.at(2).holder(), "a:1");
  EXPECT_TRUE(status.at(2).has_expire_time());
  EXPECT_FALSE(status.at(2).running_here());

  // A graceful stop hands over at the other's next look.
  a_.Stop();
  for (int i = 0; i <= kRenewal / absl::Seconds(1); ++i) {
    b_.Tend(kWell, now += absl::Seconds(1), kWall + now);
  }
  EXPECT_THAT(Take(b_done_), ElementsAre("+follow", "+prune"));
  EXPECT_EQ(b_.Status().at(2).holder(), "b:1");
}

TEST_P(LoopsTest, AReplicaThatDiesIsReplaced) {
  absl::Duration now;
  a_.Tend(kWell, now, kWall);
  b_.Tend(kWell, now, kWall);
  Take(a_done_);
  Take(b_done_);
  // A hangs: B takes over when nothing has happened for the length of the lease, and looks no oftener than it renews.
  for (; now < kLeaseLength - absl::Seconds(1); now += absl::Seconds(1)) {
    b_.Tend(kWell, now, kWall);
  }
  EXPECT_THAT(Take(b_done_), IsEmpty());
  for (; now <= kLeaseLength + kRenewal; now += absl::Seconds(1)) {
    b_.Tend(kWell, now, kWall);
  }
  EXPECT_THAT(Take(b_done_), ElementsAre("+follow", "+prune"));
  // A wakes up and finds that it has lost them.
  a_.Tend(kWell, now, kWall);
  EXPECT_THAT(Take(a_done_), ElementsAre("-follow", "-prune"));
}

TEST_P(LoopsTest, WithoutTheDatabaseTheyRunForAsLongAsTheirLeases) {
  a_.Tend(kAway, absl::ZeroDuration(), kWall);
  EXPECT_THAT(Take(a_done_), ElementsAre("+web")) << "no lease without a database";
  a_.Tend(kWell, absl::Seconds(1), kWall);
  EXPECT_THAT(Take(a_done_), ElementsAre("+follow", "+prune"));
  a_.Tend(kAway, kLeaseLength, kWall);
  EXPECT_THAT(Take(a_done_), IsEmpty());
  a_.Tend(kAway, kLeaseLength + absl::Seconds(1), kWall);
  EXPECT_THAT(Take(a_done_), ElementsAre("-follow", "-prune"));
  a_.Tend(kWell, kLeaseLength + absl::Seconds(2), kWall);
  EXPECT_THAT(Take(a_done_), ElementsAre("+follow", "+prune"));
}

SECTION55_ON_BOTH_ENGINES(LoopsTest);

}  // namespace
}  // namespace section55::service
