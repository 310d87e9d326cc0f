#include "libs/service/readiness.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace section55::service {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ReadinessTest : public ::testing::Test {
 protected:
  // Looks after another second, and says what was changed.
  std::vector<std::string> Look(absl::Duration later = absl::Seconds(1)) {
    changes_.clear();
    readiness_.Look(now_ += later);
    return changes_;
  }

  absl::Status schema_;
  absl::Status database_;
  int schema_looks_ = 0;
  int database_looks_ = 0;
  std::vector<std::string> changes_;
  absl::Duration now_;
  Readiness readiness_{{.schema =
                            [this] {
                              ++schema_looks_;
                              return schema_;
                            },
                        .database =
                            [this] {
                              ++database_looks_;
                              return database_;
                            },
                        .changed =
                            [this](const absl::Status& status) {
                              changes_.push_back(status.ok() ? "serving" : std::string(status.message()));
                            }}};
};

TEST_F(ReadinessTest, SaysOnceThatAllIsWell) {
  EXPECT_FALSE(readiness_.schema_is_right()) << "not before anybody has looked";
  EXPECT_THAT(Look(), ElementsAre("serving"));
  EXPECT_TRUE(readiness_.schema_is_right());
  for (int i = 0; i < 29; ++i) {
    EXPECT_THAT(Look(), IsEmpty());
  }
  EXPECT_EQ(database_looks_, 29) << "the database is asked each time";
  EXPECT_EQ(schema_looks_, 1);
  Look();
  EXPECT_EQ(schema_looks_, 2) << "and after its schema now and then";
}

TEST_F(ReadinessTest, AnOldSchemaIsSaidAndLookedAtUntilItIsRight) {
  schema_ = absl::FailedPreconditionError("run migrate");
  EXPECT_THAT(Look(), ElementsAre("run migrate"));
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_FALSE(readiness_.schema_is_right());
  EXPECT_EQ(schema_looks_, 2);
  schema_ = absl::OkStatus();
  EXPECT_THAT(Look(), ElementsAre("serving"));
  EXPECT_TRUE(readiness_.schema_is_right());
}

TEST_F(ReadinessTest, ASchemaThatBecomesWrongIsNoticed) {
  EXPECT_THAT(Look(), ElementsAre("serving"));
  schema_ = absl::FailedPreconditionError("newer than this program");
  EXPECT_THAT(Look(absl::Seconds(30)), ElementsAre("newer than this program"));
  EXPECT_FALSE(readiness_.schema_is_right());
}

TEST_F(ReadinessTest, ADatabaseThatIsNotThereYetIsWaitedFor) {
  schema_ = absl::UnavailableError("no database");
  EXPECT_THAT(Look(), ElementsAre("no database"));
  EXPECT_FALSE(readiness_.schema_is_right());
  schema_ = absl::FailedPreconditionError("run migrate");
  EXPECT_THAT(Look(), ElementsAre("run migrate"));
  schema_ = absl::OkStatus();
  EXPECT_THAT(Look(), ElementsAre("serving"));
}

TEST_F(ReadinessTest, ADatabaseThatGoesAwaySaysNothingOfItsSchema) {
  EXPECT_THAT(Look(), ElementsAre("serving"));
  database_ = schema_ = absl::UnavailableError("no database");
  EXPECT_THAT(Look(), ElementsAre("no database"));
  EXPECT_TRUE(readiness_.schema_is_right()) << "loops try by themselves until it is back";
  // It comes back as another one, perhaps: the schema is looked at before anything is served.
  database_ = absl::OkStatus();
  schema_ = absl::FailedPreconditionError("run migrate");
  EXPECT_THAT(Look(), ElementsAre("run migrate"));
  EXPECT_FALSE(readiness_.schema_is_right());
}

}  // namespace
}  // namespace section55::service
