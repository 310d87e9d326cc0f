#include "libs/base/checks.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "section55/registry/v1/body.pb.h"

namespace section55::base {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> FieldsOf(const absl::Status& status) {
  const google::rpc::BadRequest bad_request = BadRequestOf(status);
  std::vector<std::string> fields;
  for (const auto& violation : bad_request.field_violations()) {
    fields.push_back(violation.field());
  }
  return fields;
}

std::vector<std::string> Check(const std::string& text, size_t max, Presence presence = Presence::kOptional) {
  Violations violations;
  CheckText("text", text, max, presence, violations);
  return FieldsOf(violations.ToStatus());
}

TEST(CheckText, CountsCharactersAndNotBytes) {
  EXPECT_THAT(Check("ŵŷ’", 3), IsEmpty());
  EXPECT_THAT(Check("👮👮👮", 3), IsEmpty());
  EXPECT_THAT(Check("ŵŷ’x", 3), ElementsAre("text"));
}

TEST(CheckText, RequiredMeansMoreThanWhiteSpace) {
  EXPECT_THAT(Check("", 3), IsEmpty());
  EXPECT_THAT(Check("", 3, Presence::kRequired), ElementsAre("text"));
  EXPECT_THAT(Check(" \n\t", 3, Presence::kRequired), ElementsAre("text"));
  EXPECT_THAT(Check("x", 3, Presence::kRequired), IsEmpty());
}

TEST(CheckText, RefusesControlCharacters) {
  EXPECT_THAT(Check("a\nb\tc", 10), IsEmpty());
  EXPECT_THAT(Check("a\r\nb", 10), IsEmpty()) << "as a browser sends it";
  EXPECT_THAT(Check(std::string("a\0b", 3), 10), ElementsAre("text"));
  EXPECT_THAT(Check("a\x7f", 10), ElementsAre("text"));
  EXPECT_THAT(Check("a\xc2\x85", 10), ElementsAre("text")) << "U+0085";
  EXPECT_THAT(Check("a\xc2\xa3", 10), IsEmpty()) << "a pound sign";
  EXPECT_THAT(Check("\xc3\x85", 10), IsEmpty()) << "a letter that ends in the same byte";
}

TEST(CheckEnum, WantsAKnownValue) {
  const auto check = [](int value, Presence presence) {
    Violations violations;
    CheckEnum("kind", value, registry::v1::Body::Kind_IsValid, presence, violations);
    return FieldsOf(violations.ToStatus());
  };
  EXPECT_THAT(check(registry::v1::Body::MAYOR, Presence::kRequired), IsEmpty());
  EXPECT_THAT(check(0, Presence::kOptional), IsEmpty());
  EXPECT_THAT(check(0, Presence::kRequired), ElementsAre("kind"));
  EXPECT_THAT(check(99, Presence::kOptional), ElementsAre("kind"));
}

}  // namespace
}  // namespace section55::base
