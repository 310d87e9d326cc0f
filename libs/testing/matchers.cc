#include "libs/testing/matchers.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "libs/base/status.h"
#include "libs/rpc/server.h"

namespace section55::testing {

absl::Status AsStatus(const absl::Status& status) { return status; }
absl::Status AsStatus(const grpc::Status& status) { return rpc::FromGrpc(status); }

bool NamesField(const absl::Status& status, const std::string& field) {
  const auto bad_request = base::BadRequestOf(status);
  return absl::IsInvalidArgument(status) &&
         std::any_of(bad_request.field_violations().begin(), bad_request.field_violations().end(),
                     [&](const auto& violation) { return violation.field() == field; });
}

std::string ReasonOf(const absl::Status& status) { return base::ErrorInfoOf(status).reason(); }

std::string Difference(const google::protobuf::Message& expected, const google::protobuf::Message& actual) {
  if (expected.GetDescriptor() != actual.GetDescriptor()) {
    return "is a " + actual.GetDescriptor()->full_name() + ", not a " + expected.GetDescriptor()->full_name();
  }
  std::string difference;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  return differencer.Compare(expected, actual) ? "" : difference;
}

std::unique_ptr<google::protobuf::Message> ParseLike(const google::protobuf::Message& like, const std::string& text) {
  std::unique_ptr<google::protobuf::Message> message(like.New());
  if (!google::protobuf::TextFormat::ParseFromString(text, message.get())) {
    std::fprintf(stderr, "no %s in text format: %s\n", like.GetTypeName().c_str(), text.c_str());
    std::abort();
  }
  return message;
}

bool ProtoMatcher::MatchAndExplain(const google::protobuf::Message& actual, std::ostream* out) const {
  const std::string difference =
      expected_ != nullptr ? Difference(*expected_, actual) : Difference(*ParseLike(actual, text_), actual);
  if (out != nullptr) {
    *out << difference;
  }
  return difference.empty();
}

void ProtoMatcher::DescribeTo(std::ostream* out) const {
  *out << "equals " << (expected_ != nullptr ? expected_->ShortDebugString() : text_);
}

void ProtoMatcher::DescribeNegationTo(std::ostream* out) const {
  *out << "differs from " << (expected_ != nullptr ? expected_->ShortDebugString() : text_);
}

}  // namespace section55::testing
