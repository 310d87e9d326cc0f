#include "libs/http/fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace section55::http {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SplitListTest, TrimsAndLeavesOutWhatIsEmpty) {
  EXPECT_THAT(SplitList("", ','), IsEmpty());
  EXPECT_THAT(SplitList(" , ,\t", ','), IsEmpty());
  EXPECT_THAT(SplitList("a, b ,,c", ','), ElementsAre("a", "b", "c"));
}

TEST(SplitListTest, LeavesWhatStandsInQuotesWhole) {
  EXPECT_THAT(SplitList("\"a,b\", W/\"c\"", ','), ElementsAre("\"a,b\"", "W/\"c\""));
  EXPECT_THAT(SplitList("\"a,b", ','), ElementsAre("\"a,b"));
}

TEST(HttpDateTest, WritesOneFormAndReadsThree) {
  const absl::Time time = absl::FromUnixSeconds(784111777);
  EXPECT_EQ(FormatHttpDate(time), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(ParseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT"), time);
  EXPECT_EQ(ParseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT"), time);
  EXPECT_EQ(ParseHttpDate("Sun Nov  6 08:49:37 1994"), time);
  EXPECT_EQ(ParseHttpDate("yesterday"), std::nullopt);
  EXPECT_EQ(ParseHttpDate(""), std::nullopt);
}

}  // namespace
}  // namespace section55::http
