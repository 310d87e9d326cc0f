// The filters of list methods.
#include "libs/base/filter.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "section55/deadlines/v1/deadline.pb.h"

namespace section55::base {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What is wrong with the filter; what it asks for as words: "state(1) PENDING 1".
struct Parsed {
  std::vector<std::string> asked;
  std::string refusal;
};

Parsed Parse(std::string_view filter) {
  Violations violations;
  Parsed parsed;
  const auto conditions =
      ParseFilter(filter,
                  {EnumField("state", deadlines::v1::Deadline::State_descriptor(), kEqual | kNotEqual),
                   NameField("inspection", "inspections/{inspection}"), DateField("due_date"),
                   NumberField("day", kInOrder | kNotEqual), TextField("title", kEqual | kHas), BoolField("open")},
                  violations);
  for (const Condition& condition : conditions) {
    parsed.asked.push_back(fmt::format("{}({}) {} {}", condition.field, static_cast<unsigned>(condition.comparison),
                                       condition.text, condition.number));
  }
  const auto bad_request = BadRequestOf(violations.ToStatus());
  for (const auto& violation : bad_request.field_violations()) {
    EXPECT_EQ(violation.field(), "filter");
    parsed.refusal += violation.description();
  }
  EXPECT_TRUE(parsed.asked.empty() || parsed.refusal.empty());
  return parsed;
}

TEST(ParseFilter, ReadsTypedConditionsJoinedByAnd) {
  EXPECT_THAT(Parse("").asked, IsEmpty());
  EXPECT_THAT(Parse("  ").refusal, IsEmpty());
  EXPECT_THAT(Parse("state = \"PENDING\"").asked, ElementsAre("state(1) PENDING 1"));
  EXPECT_THAT(Parse("state!=MET AND inspection=\"inspections/a\"").asked,
              ElementsAre("state(2) MET 2", "inspection(1) a 0"));
  EXPECT_THAT(Parse("due_date >= \"2021-02-01\"  AND due_date<2024-02-29").asked,
              ElementsAre("due_date(32) 2021-02-01 0", "due_date(4) 2024-02-29 0"));
  EXPECT_THAT(Parse("day > -1 AND day <= 56 AND day != 7").asked,
              ElementsAre("day(16) -1 -1", "day(8) 56 56", "day(2) 7 7"));
  EXPECT_THAT(Parse(R"(title : "Llŷn \"AND\" \\ = x" AND title="AND")").asked,
              ElementsAre(R"(title(64) Llŷn "AND" \ = x 0)", "title(1) AND 0"));
  EXPECT_THAT(Parse("open = true").asked, ElementsAre("open(1) true 1"));
  EXPECT_THAT(Parse("open = \"false\"").asked, ElementsAre("open(1) false 0"));
}

TEST(ParseFilter, RefusesEverythingElseAndSaysWhatCanBeAsked) {
  for (const char* filter : {"colour = \"red\"",
                             "state",
                             "state =",
                             "state = \"MET",
                             "state = \"\"",
                             "state = \"MET\\",
                             "state < MET",
                             "state : MET",
                             "state == MET",
                             "state = met",
                             "state = STATE_UNSPECIFIED",
                             "state = OPEN",
                             "open = yes",
                             "open != true",
                             "state = MET OR state = MET",
                             "state = MET and day = 1",
                             "state = MET state != MET",
                             "state = MET AND",
                             "AND state = MET",
                             "state = MET AND state = MET",
                             "= MET",
                             "\"",
                             "(state = MET)",
                             "NOT state = MET",
                             "state = MET\nAND day = 1",
                             "inspection = a",
                             "inspection = inspections/-",
                             "inspection = \"inspections/A\"",
                             "due_date = 2021-02-29",
                             "due_date = 2021-2-1",
                             "due_date = 0000-01-01",
                             "due_date = 2021-02-10T00",
                             "due_date != 2021-02-10",
                             "day = 1x",
                             "day = 9999999999999999999",
                             "day = \"1 \"",
                             "title > a"}) {
    const Parsed parsed = Parse(filter);
    EXPECT_THAT(parsed.asked, IsEmpty()) << filter;
    EXPECT_THAT(
        parsed.refusal,
        HasSubstr("state (!= =) with one of PENDING, MET, MISSED, CANCELLED, TRANSFERRED; inspection (=) with a name "
                  "of the form inspections/{inspection}; due_date"))
        << filter;
  }
  // However long it is, the answer is not.
  EXPECT_LT(Parse(std::string(100'000, 'x')).refusal.size(), 1000u);
  EXPECT_LT(Parse("state = " + std::string(100'000, 'x')).refusal.size(), 1000u);
}

}  // namespace
}  // namespace section55::base
