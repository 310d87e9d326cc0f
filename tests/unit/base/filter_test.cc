// The filters of list methods.
#include "libs/base/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace section55::base {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::map<std::string, std::string> Parse(const std::string& filter, bool& refused) {
  Violations violations;
  auto wanted = ParseFilter(filter, {"state", "inspection"}, violations);
  refused = !violations.empty();
  return wanted;
}

TEST(ParseFilter, TakesEqualitiesJoinedByAnd) {
  bool refused = true;
  EXPECT_THAT(Parse("", refused), IsEmpty());
  EXPECT_FALSE(refused);
  EXPECT_THAT(Parse("state = \"OPEN\"", refused), ElementsAre(Pair("state", "OPEN")));
  EXPECT_THAT(Parse("state=OPEN AND inspection=\"inspections/a\"", refused),
              ElementsAre(Pair("inspection", "inspections/a"), Pair("state", "OPEN")));
  EXPECT_FALSE(refused);
}

TEST(ParseFilter, RefusesEverythingElse) {
  for (const char* filter : {"colour = \"red\"", "state", "state =", "state = \"OPEN", "state = \"\"", "state != OPEN",
                             "state = OPEN OR state = OPEN", "state = OPEN state = OPEN", "state = OPEN AND",
                             "state = OPEN AND state = OPEN", "= OPEN", "\"", "state = ="}) {
    bool refused = false;
    Parse(filter, refused);
    EXPECT_TRUE(refused) << filter;
  }
}

}  // namespace
}  // namespace section55::base
