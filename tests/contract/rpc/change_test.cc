// What a change asks for before its answer is kept.
#include "libs/rpc/change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "db_schema.h"
#include "libs/base/status.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "section55/registry/v1/inspection_registry.pb.h"

namespace section55::rpc {
namespace {

using ::testing::ElementsAre;
using testing::HasReason;
using ::testing::IsEmpty;
using testing::IsOk;

class ChangeTest : public testing::OnBothEngines {
 protected:
  ChangeTest() : OnBothEngines({db::MigrationSchema()}) {}

  // A change of nothing but its answer. `conflicts`: how often it is tried in vain.
  absl::Status Change(const std::string& request_id, int conflicts = 0) {
    access::Identity caller;
    caller.actor = "people/ann";
    const access::Scope scope;
    const std::string method = "section55.registry.v1.InspectionRegistry/CreateForce";
    const Call call{caller,
                    scope,
                    request_id,
                    method,
                    absl::FromUnixSeconds(1'800'000'000),
                    absl::InfiniteFuture(),
                    [] { return false; },
                    [this](size_t bytes) {
                      asked_.push_back(bytes);
                      return room_;
                    }};
    registry::v1::CreateForceRequest request;
    request.set_request_id(request_id);
    answer_.Clear();
    return rpc::Change(
        call, database(), request, answer_,
        [&](db::Transaction&) {
          answer_.set_name("forces/norfolk");
          return absl::OkStatus();
        },
        [&](db::Transaction& tx) {
          ++applied_;
          return conflicts-- > 0 ? tx.Conflict() : absl::OkStatus();
        });
  }

  absl::Status room_;
  std::vector<size_t> asked_;
  int applied_ = 0;
  registry::v1::Force answer_;
};
SECTION55_ON_BOTH_ENGINES(ChangeTest);

TEST_P(ChangeTest, AKeptAnswerAsksForItsRoomOnce) {
  ASSERT_THAT(Change("one", /*conflicts=*/2), IsOk());
  EXPECT_EQ(applied_, 3);
  EXPECT_THAT(asked_, ElementsAre(answer_.ByteSizeLong()));
  // What is kept already takes no more.
  ASSERT_THAT(Change("one"), IsOk());
  EXPECT_EQ(answer_.name(), "forces/norfolk");
  EXPECT_THAT(asked_, ElementsAre(answer_.ByteSizeLong()));
}

TEST_P(ChangeTest, WhatIsNotKeptAsksForNone) {
  ASSERT_THAT(Change(""), IsOk());
  EXPECT_EQ(applied_, 1);
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_P(ChangeTest, WhatHasNoRoomChangesNothing) {
  room_ = base::Error(absl::StatusCode::kResourceExhausted, "TOO_MUCH_KEPT", "");
  EXPECT_THAT(Change("one"), HasReason("TOO_MUCH_KEPT"));
  EXPECT_EQ(applied_, 0);
  room_ = absl::OkStatus();
  EXPECT_THAT(Change("one"), IsOk());
  EXPECT_EQ(applied_, 1);
}

}  // namespace
}  // namespace section55::rpc
