#include "libs/base/status.h"

#include <gtest/gtest.h>

#include "absl/status/statusor.h"

namespace section55::base {
namespace {

TEST(StatusTest, AnErrorHasAReasonAndFacts) {
  const absl::Status status = EtagMismatch("bodies/a", "v7");
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "ETAG_MISMATCH");
  EXPECT_EQ(ErrorInfoOf(status).domain(), "section55");
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("resource"), "bodies/a");
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("current_etag"), "v7");
  EXPECT_EQ(ErrorInfoOf(absl::UnknownError("x")).reason(), "");
}

TEST(StatusTest, EveryViolationIsTold) {
  Violations violations;
  EXPECT_TRUE(violations.ToStatus().ok());
  violations.Add("name", "is required");
  violations.Add("text", "is too long");
  const absl::Status status = violations.ToStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "name: is required; text: is too long");
  EXPECT_EQ(ErrorInfoOf(status).reason(), "INVALID_FIELD");
  ASSERT_EQ(BadRequestOf(status).field_violations_size(), 2);
  EXPECT_EQ(BadRequestOf(status).field_violations(1).field(), "text");
}

TEST(StatusTest, ADetailIsBesideTheMessage) {
  const absl::Status status = WithDetail(NotFound("bodies/a"), "Access denied for user 'clerk'");
  EXPECT_EQ(DetailOf(status), "Access denied for user 'clerk'");
  EXPECT_EQ(status.message(), NotFound("bodies/a").message());
  EXPECT_EQ(ErrorInfoOf(status).reason(), "NOT_FOUND");
  EXPECT_EQ(DetailOf(NotFound("bodies/a")), "");
  EXPECT_EQ(WithDetail(NotFound("bodies/a"), ""), NotFound("bodies/a"));
}

absl::StatusOr<int> Twice(absl::StatusOr<int> number) {
  ASSIGN_OR_RETURN(const int value, std::move(number));
  RETURN_IF_ERROR(value < 0 ? absl::OutOfRangeError("negative") : absl::OkStatus());
  return 2 * value;
}

TEST(StatusTest, TheMacrosLeaveWithTheError) {
  EXPECT_EQ(*Twice(4), 8);
  EXPECT_EQ(Twice(absl::NotFoundError("x")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Twice(-1).status().code(), absl::StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace section55::base
