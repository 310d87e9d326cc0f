#include "libs/base/status.h"

#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "libs/rpc/server.h"
#include "libs/testing/matchers.h"

namespace section55::rpc {
namespace {

using section55::testing::EqualsProto;
using section55::testing::HasReason;
using section55::testing::IsOk;
using section55::testing::StatusIs;
using section55::testing::ViolationOn;

// What the trailers cost: the message percent-encoded at its worst, the details in base64.
size_t TrailerSize(const grpc::Status& status) {
  size_t size = (status.error_details().size() + 2) / 3 * 4;
  for (const char c : status.error_message()) {
    size += c >= 0x20 && c < 0x7f && c != '%' ? 1 : 3;
  }
  return size;
}

TEST(StatusTest, OkIsOk) {
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  EXPECT_THAT(FromGrpc(grpc::Status::OK), IsOk());
}

TEST(StatusTest, TheWholeErrorComesBack) {
  const absl::Status sent = base::EtagMismatch("bodies/a/responses/b", "v7");
  const absl::Status received = FromGrpc(ToGrpc(sent));
  EXPECT_EQ(received.code(), sent.code());
  EXPECT_EQ(received.message(), sent.message());
  // Message by message: the bytes of a map's entries have no order of their own.
  EXPECT_THAT(base::ErrorInfoOf(received), EqualsProto(base::ErrorInfoOf(sent)));
  EXPECT_EQ(base::ErrorInfoOf(received).metadata().at("current_etag"), "v7");
}

TEST(StatusTest, EveryErrorHasAReason) {
  EXPECT_THAT(ToGrpc(absl::UnavailableError("away")), HasReason("UNAVAILABLE"));
}

TEST(StatusTest, FewViolationsComeBackWhole) {
  base::Violations violations;
  violations.Add("response.name", "is required");
  violations.Add("page_size", "must not be negative");
  EXPECT_EQ(FromGrpc(ToGrpc(violations.ToStatus())), violations.ToStatus());
}

TEST(StatusTest, ManyViolationsAreCutAndCounted) {
  base::Violations violations;
  for (int i = 0; i < 500; ++i) {
    violations.Add("response.answers[" + std::to_string(i) + "].text", "is required for every recommendation");
  }
  const grpc::Status sent = ToGrpc(violations.ToStatus());
  EXPECT_LT(TrailerSize(sent), 4000u);
  const absl::Status received = FromGrpc(sent);
  EXPECT_THAT(received, ViolationOn("response.answers[0].text"));
  EXPECT_THAT(received, HasReason("INVALID_FIELD"));
  const auto bad_request = base::BadRequestOf(received);
  ASSERT_GT(bad_request.field_violations_size(), 10);
  const int kept = bad_request.field_violations_size() - 1;
  EXPECT_EQ(bad_request.field_violations(kept).description(), "and " + std::to_string(500 - kept) + " more");
}

TEST(StatusTest, LongTextsStayWithinTheTrailers) {
  // Three bytes a character, each of which travels as three more.
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    text += "\xe2\x82\xac";
  }
  base::Violations violations;
  violations.Add(text, text);
  violations.Add("name", text);
  for (const absl::Status& status :
       {violations.ToStatus(), base::Error(absl::StatusCode::kAborted, "LONG", text, {{"a", text}, {"b", text}}),
        base::Error(absl::StatusCode::kAborted, "LONG", "short", {{text, text}, {text + "2", text}})}) {
    const grpc::Status sent = ToGrpc(status);
    EXPECT_LT(TrailerSize(sent), 4000u);
    EXPECT_THAT(sent, StatusIs(status.code()));
    // Cut between characters: what is left is UTF-8, or protobuf would refuse it.
    google::rpc::Status details;
    ASSERT_TRUE(details.ParseFromString(sent.error_details()));
    EXPECT_FALSE(details.details().empty());
    EXPECT_EQ(details.message(), sent.error_message());
  }
}

}  // namespace
}  // namespace section55::rpc
