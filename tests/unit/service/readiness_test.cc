#include "libs/service/readiness.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace section55::service {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

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
  absl::Status write_;
  int writes_ = 0;
  absl::Status storage_;
  int storage_looks_ = 0;
  absl::Status certificate_;
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
                        .write =
                            [this] {
                              ++writes_;
                              return write_;
                            },
                        .storage =
                            [this] {
                              ++storage_looks_;
                              return storage_;
                            },
                        .certificate = [this] { return certificate_; },
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
  EXPECT_EQ(database_looks_, 30) << "the database is asked each time";
  EXPECT_EQ(writes_, 6) << "and changed every five seconds";
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

TEST_F(ReadinessTest, ADatabaseThatTakesNoChangesIsNotServedUntilItDoes) {
  EXPECT_THAT(Look(), ElementsAre("serving"));
  write_ = absl::UnavailableError("the disk is full");
  for (int i = 0; i < 4; ++i) {
    EXPECT_THAT(Look(), IsEmpty());
  }
  EXPECT_THAT(Look(), ElementsAre("the disk is full"));
  EXPECT_FALSE(readiness_.database().ok());
  EXPECT_TRUE(readiness_.schema_is_right());
  const int before = writes_;
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_EQ(writes_, before + 1) << "now it is tried each time";
  write_ = absl::OkStatus();
  EXPECT_THAT(Look(), ElementsAre("serving"));
}

TEST_F(ReadinessTest, ADamagedDatabaseIsNoticedAtTheFirstLookAndLater) {
  storage_ = absl::UnavailableError("damaged");
  EXPECT_THAT(Look(), ElementsAre("damaged"));
  // As libs/db does it: once damage is known, Ping says so until it is gone.
  database_ = storage_;
  EXPECT_THAT(Look(), IsEmpty());
  storage_ = database_ = absl::OkStatus();
  EXPECT_THAT(Look(), ElementsAre("serving"));
  Look(absl::Minutes(9));
  EXPECT_EQ(storage_looks_, 1);
  storage_ = absl::UnavailableError("damaged");
  EXPECT_THAT(Look(absl::Minutes(1)), ElementsAre("damaged"));
  EXPECT_EQ(storage_looks_, 2);
}

TEST_F(ReadinessTest, ACertificateThatHasExpiredIsNotServedWhileTheDatabaseIsWorkedOn) {
  EXPECT_THAT(Look(), ElementsAre("serving"));
  certificate_ = absl::UnavailableError("expired");
  EXPECT_THAT(Look(), ElementsAre("expired"));
  EXPECT_FALSE(readiness_.status().ok());
  EXPECT_TRUE(readiness_.database().ok());
  certificate_ = absl::OkStatus();
  EXPECT_THAT(Look(), ElementsAre("serving"));
}

// The thread that looks may hang with the database.
TEST_F(ReadinessTest, WhatIsNotLookedAtIsNotServed) {
  readiness_.Watch(now_ + absl::Hours(1));
  EXPECT_THAT(changes_, IsEmpty()) << "nobody has said yet that it serves";
  EXPECT_THAT(Look(), ElementsAre("serving"));
  changes_.clear();
  readiness_.Watch(now_ + absl::Seconds(5));
  EXPECT_THAT(changes_, IsEmpty());
  readiness_.Watch(now_ + absl::Seconds(6));
  EXPECT_THAT(changes_, ElementsAre("the database does not answer"));
  readiness_.Watch(now_ + absl::Seconds(7));
  EXPECT_THAT(changes_, SizeIs(1));
  EXPECT_THAT(Look(absl::Seconds(8)), ElementsAre("serving"));
}

}  // namespace
}  // namespace section55::service
