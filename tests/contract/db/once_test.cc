// A repeated request gets the first answer.
#include <atomic>
#include <functional>
#include <set>

#include "absl/synchronization/barrier.h"
#include "fixture.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "libs/db/idempotency.h"

namespace section55::db {
namespace {

using google::rpc::ErrorInfo;
using ::testing::AllOf;
using ::testing::HasSubstr;

class OnceTest : public testing::OnBothEngines {
 protected:
  OnceTest() : OnBothEngines({MigrationSchema(), TestSchema()}) {}

  struct Call {
    std::string caller = "norfolk", method = "/Save", id = "r1", question = "q";
    absl::Time now = absl::FromUnixSeconds(1'800'000'000);
    absl::Status outcome = absl::OkStatus();
  };

  // A mutation that inserts a row and answers with how many there are.
  absl::StatusOr<std::string> Ask(const Call& call) {
    ErrorInfo request, response;
    (*request.mutable_metadata())["question"] = call.question;
    (*request.mutable_metadata())["z"] = "1";
    (*request.mutable_metadata())["a"] = "2";
    std::string row;
    const RequestKey key{call.caller, call.method, call.id};
    std::string digest;
    RETURN_IF_ERROR(database().Change(
        [&](Transaction& tx, bool& done) -> absl::Status {
          response.Clear();
          ASSIGN_OR_RETURN(done, FindAnswer(tx, key, request, digest, response));
          if (!done) {
            row = std::to_string(++changes_);
            response.set_reason("row " + row);
            before_writing_();
          }
          return absl::OkStatus();
        },
        [&](Transaction& tx) -> absl::Status {
          RETURN_IF_ERROR(StoreAnswer(tx, key, digest, response, call.now));
          RETURN_IF_ERROR(tx.Execute("INSERT INTO items (id) VALUES (?)", {row}).status());
          return call.outcome;
        }));
    return response.reason();
  }

  int64_t Items() { return Number(database(), "SELECT COUNT(*) FROM items"); }

  std::atomic<int> changes_ = 0;
  std::function<void()> before_writing_ = [] {};
};
SECTION55_ON_BOTH_ENGINES(OnceTest);

TEST_P(OnceTest, ARepeatGetsTheFirstAnswerAndChangesNothing) {
  EXPECT_EQ(*Ask({}), "row 1");
  EXPECT_EQ(*Ask({}), "row 1");
  EXPECT_EQ(*Ask({}), "row 1");
  EXPECT_EQ(Items(), 1);
}

TEST_P(OnceTest, AnotherCallerMethodOrIdIsAnotherRequest) {
  EXPECT_EQ(*Ask({}), "row 1");
  EXPECT_EQ(*Ask({.caller = "suffolk"}), "row 2");
  EXPECT_EQ(*Ask({.method = "/Submit"}), "row 3");
  EXPECT_EQ(*Ask({.id = "R1"}), "row 4");
  EXPECT_EQ(*Ask({.id = "r1 "}), "row 5");
  EXPECT_EQ(*Ask({.caller = "suffolk"}), "row 2");
}

TEST_P(OnceTest, WithoutAnIdEveryCallIsNew) {
  EXPECT_EQ(*Ask({.id = ""}), "row 1");
  EXPECT_EQ(*Ask({.id = ""}), "row 2");
}

TEST_P(OnceTest, AnotherRequestUnderTheSameIdIsRefused) {
  EXPECT_EQ(*Ask({}), "row 1");
  const absl::Status status = Ask({.question = "another"}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  ASSERT_EQ(base::BadRequestOf(status).field_violations_size(), 1);
  EXPECT_EQ(base::BadRequestOf(status).field_violations(0).field(), "request_id");
  EXPECT_EQ(Items(), 1);
}

TEST_P(OnceTest, AnIdTooLongIsRefused) {
  EXPECT_TRUE(Ask({.id = std::string(128, 'x')}).ok());
  const absl::Status status = Ask({.id = std::string(129, 'x')}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_EQ(base::BadRequestOf(status).field_violations(0).field(), "request_id");
}

TEST_P(OnceTest, AFailureIsNotRemembered) {
  EXPECT_TRUE(absl::IsNotFound(Ask({.outcome = absl::NotFoundError("")}).status()));
  EXPECT_EQ(Items(), 0);
  EXPECT_EQ(*Ask({}), "row 2");
}

TEST_P(OnceTest, EqualRequestsAtTheSameMomentChangeOnce) {
  for (int round = 0; round < 10; ++round) {
    const std::string id = "round-" + std::to_string(round);
    std::vector<std::string> answers(8);
    OnThreads(8, [&](int thread) {
      const auto answer = Ask({.id = id});
      ASSERT_TRUE(answer.ok()) << answer.status();
      answers[thread] = *answer;
    });
    EXPECT_EQ(std::set<std::string>(answers.begin(), answers.end()).size(), 1u);
    EXPECT_EQ(Items(), round + 1);
  }
}

// Both have found that nobody has answered yet, and both are about to write.
TEST_P(OnceTest, EqualRequestsThatBothDecidedChangeOnce) {
  absl::Barrier* both_decided = new absl::Barrier(2);
  std::atomic<int> decisions = 0;
  before_writing_ = [&] {
    if (++decisions <= 2 && both_decided->Block()) {
      delete both_decided;
    }
  };
  std::vector<std::string> answers(2);
  OnThreads(2, [&](int thread) {
    const auto answer = Ask({});
    ASSERT_TRUE(answer.ok()) << answer.status();
    answers[thread] = *answer;
  });
  EXPECT_EQ(decisions, 2) << "whoever was slower found the answer of the other";
  EXPECT_EQ(answers[0], answers[1]);
  EXPECT_EQ(Items(), 1);
}

TEST_P(OnceTest, ADamagedAnswerIsNeverGiven) {
  ASSERT_TRUE(Ask({}).ok());
  const auto damage = [&](std::string_view change) { ASSERT_EQ(*Execute(database(), change), 1); };
  damage("UPDATE requests SET checksum = checksum + 1");
  const absl::Status status = Ask({}).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_EQ(ReasonOf(status), "STORED_DATA_DAMAGED");
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("requests"), HasSubstr("norfolk /Save r1")));
  damage("UPDATE requests SET checksum = checksum - 1");
  EXPECT_EQ(*Ask({}), "row 1");
  ASSERT_EQ(*Execute(database(), "UPDATE requests SET response = ?", {Bytes{"x"}}), 1);
  EXPECT_TRUE(absl::IsDataLoss(Ask({}).status()));
  EXPECT_EQ(Items(), 1);
}

TEST_P(OnceTest, OldAnswersArePruned) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(Ask({.id = "old-" + std::to_string(i), .now = now - kRequestIdLifetime - absl::Seconds(5 - i)}).ok());
  }
  ASSERT_TRUE(Ask({.id = "kept", .now = now - kRequestIdLifetime}).ok());
  const auto prune = [&](int limit) {
    int64_t pruned = -1;
    const absl::Status status = database().Write([&](Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(pruned, PruneRequests(tx, now, limit));
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    return pruned;
  };
  EXPECT_EQ(prune(3), 3);
  EXPECT_EQ(Number(database(), "SELECT COUNT(*) FROM requests WHERE request_id = 'old-4'"), 1) << "the oldest go first";
  EXPECT_EQ(prune(3), 2);
  EXPECT_EQ(prune(3), 0);
  EXPECT_EQ(*Ask({.id = "kept", .now = now}), "row 6");
}

}  // namespace
}  // namespace section55::db
