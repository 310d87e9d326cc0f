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

TEST(CheckText, RequiredMeansSomethingToSee) {
  for (const char* blank :
       {"\u00A0", "\u200B\uFEFF", "\u2800", "\u3164", "\u202E", "\u00AD", "\U000E0041", " \u3000\n"}) {
    EXPECT_TRUE(IsBlank(blank)) << blank;
    EXPECT_THAT(Check(blank, 9, Presence::kRequired), ElementsAre("text")) << blank;
  }
  for (const char* seen : {".", "ŵ", "\u200Bx", "👮", "1"}) {
    EXPECT_FALSE(IsBlank(seen)) << seen;
    EXPECT_THAT(Check(seen, 9, Presence::kRequired), IsEmpty()) << seen;
  }
}

TEST(CheckText, SaysWhetherTheTextIsFit) {
  Violations violations;
  EXPECT_TRUE(CheckText("text", "a", 1, Presence::kRequired, violations));
  EXPECT_FALSE(CheckText("text", "", 1, Presence::kRequired, violations));
  EXPECT_FALSE(CheckText("text", "ab", 1, Presence::kRequired, violations));
  EXPECT_FALSE(CheckText("text", "\x01", 1, Presence::kRequired, violations));
}

std::vector<std::string> CheckAName(const std::string& name, Presence presence = Presence::kRequired) {
  Violations violations;
  const bool fit = CheckName("name", name, 40, presence, violations);
  EXPECT_EQ(fit, violations.empty()) << name;
  return FieldsOf(violations.ToStatus());
}

TEST(CheckName, NamesOfPeopleAndThingsPass) {
  for (const char* name :
       {"Siân Ŵyn-Gruffŷdd", "O’Neill", "‘Safe to share?’ – a report", "Chief Constable (acting)", "José", "Jose\u0301",
        "Prif Gwnstabl\u00A0Heddlu", "নাম", "می\u200Cخواهم", "ශ්\u200Dරී", "Thames & Avon", "3(b)"}) {
    EXPECT_THAT(CheckAName(name), IsEmpty()) << name;
  }
  EXPECT_THAT(CheckAName("", Presence::kOptional), IsEmpty());
}

TEST(CheckName, WhatSteersTheLineOrHidesIsRefused) {
  for (const char* name : {"a\nb",
                           "a\rb",
                           "a\tb",
                           "a\x7F",
                           "a\u0085"
                           "b",
                           "a\u2028"
                           "b",
                           "a\u2029"
                           "b",  // ends of lines, controls
                           "a\u202A"
                           "b",
                           "a\u202E"
                           "b",
                           "a\u2066"
                           "b",
                           "a\u2069"
                           "b",
                           "a\u200E"
                           "b",
                           "a\u200F",
                           "a\u061C"
                           "b",  // direction
                           "a\u200B"
                           "b",
                           "a\u2060"
                           "b",
                           "\uFEFF"
                           "a",
                           "a\u00AD"
                           "b",
                           "a\U000E0041",
                           "a\uFFF9"
                           "b",  // not to be seen
                           "\u200D"
                           "a",
                           "a\u200D",
                           "a \u200C"
                           "b",
                           "a\u200C b",
                           "a\u200D\u200D"
                           "b"}) {  // joiners of nothing
    EXPECT_THAT(CheckAName(name), ElementsAre("name")) << name;
  }
}

TEST(CheckName, RequiredMeansSomethingToSee) {
  for (const char* name : {"", " ", "\u00A0", "\u3164", "\u2800", "\u0301"}) {
    EXPECT_THAT(CheckAName(name), ElementsAre("name")) << name;
  }
  EXPECT_THAT(CheckAName(std::string(40, 'n')), IsEmpty());
  EXPECT_THAT(CheckAName(std::string(41, 'n')), ElementsAre("name"));
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
