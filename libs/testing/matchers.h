// Matchers for statuses (absl::Status, absl::StatusOr<T>, grpc::Status) and messages.
//
//   EXPECT_THAT(status, IsOk());
//   EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound));
//   EXPECT_THAT(status, AllOf(HasReason("ETAG_MISMATCH"), StatusIs(absl::StatusCode::kAborted)));
//   EXPECT_THAT(status, ViolationOn("response.answers[1].text"));
//   EXPECT_THAT(response, EqualsProto(expected));                   // or a text-format string
#pragma once

#include <gmock/gmock.h>
#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace section55::testing {

absl::Status AsStatus(const absl::Status& status);
absl::Status AsStatus(const grpc::Status& status);
template <typename T>
absl::Status AsStatus(const absl::StatusOr<T>& result) {
  return result.status();
}

// Whether an INVALID_ARGUMENT names this field.
bool NamesField(const absl::Status& status, const std::string& field);
std::string ReasonOf(const absl::Status& status);
// The difference between two messages; empty when there is none.
std::string Difference(const google::protobuf::Message& expected, const google::protobuf::Message& actual);
// A message of the type of `like` in text format. Ends the test program when it does not parse.
std::unique_ptr<google::protobuf::Message> ParseLike(const google::protobuf::Message& like, const std::string& text);

MATCHER(IsOk, "") {
  const absl::Status status = AsStatus(arg);
  *result_listener << status.ToString();
  return status.ok();
}

MATCHER_P(StatusIs, code, "") {
  const absl::Status status = AsStatus(arg);
  *result_listener << status.ToString();
  return status.code() == code;
}

MATCHER_P(HasReason, reason, "") {
  const absl::Status status = AsStatus(arg);
  *result_listener << status.ToString() << " with reason \"" << ReasonOf(status) << "\"";
  return ReasonOf(status) == reason;
}

MATCHER_P(ViolationOn, field, "") {
  const absl::Status status = AsStatus(arg);
  *result_listener << status.ToString();
  return NamesField(status, field);
}

// Of the message of a status.
MATCHER_P(MessageIs, matcher, "") {
  const absl::Status status = AsStatus(arg);
  const std::string message(status.message().data(), status.message().size());
  return ::testing::ExplainMatchResult(matcher, message, result_listener);
}

// A plain class and no MATCHER_P: messages are compared by reference, whatever their type.
class ProtoMatcher {
 public:
  using is_gtest_matcher = void;
  explicit ProtoMatcher(const google::protobuf::Message& expected) : expected_(expected.New()) {
    expected_->CopyFrom(expected);
  }
  explicit ProtoMatcher(std::string text) : text_(std::move(text)) {}

  bool MatchAndExplain(const google::protobuf::Message& actual, std::ostream* out) const;
  void DescribeTo(std::ostream* out) const;
  void DescribeNegationTo(std::ostream* out) const;

 private:
  std::shared_ptr<google::protobuf::Message> expected_;
  std::string text_;
};

inline ProtoMatcher EqualsProto(const google::protobuf::Message& expected) { return ProtoMatcher(expected); }
inline ProtoMatcher EqualsProto(std::string text) { return ProtoMatcher(std::move(text)); }
inline ProtoMatcher EqualsProto(const char* text) { return ProtoMatcher(std::string(text)); }

}  // namespace section55::testing
