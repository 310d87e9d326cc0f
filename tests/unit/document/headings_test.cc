#include "libs/document/headings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace section55::document {
namespace {

using ::testing::ElementsAre;

std::vector<int> Shown(int offset, const std::vector<int>& written) {
  HeadingLevels levels(offset);
  std::vector<int> shown;
  for (int level : written) shown.push_back(levels.Next(level));
  return shown;
}

TEST(HeadingLevels, StandBeneathTheSection) {
  EXPECT_THAT(Shown(0, {1, 2, 3, 2, 1}), ElementsAre(1, 2, 3, 2, 1));
  EXPECT_THAT(Shown(2, {1, 2, 3, 2, 1}), ElementsAre(3, 4, 5, 4, 3));
}

TEST(HeadingLevels, NeverSkip) {
  EXPECT_THAT(Shown(2, {4, 6, 4}), ElementsAre(3, 4, 3));
  EXPECT_THAT(Shown(1, {1, 4, 4, 2, 6}), ElementsAre(2, 3, 3, 3, 4));
}

TEST(HeadingLevels, NeverRiseAboveTheSection) { EXPECT_THAT(Shown(2, {3, 2, 1, 2}), ElementsAre(3, 3, 3, 4)); }

TEST(HeadingLevels, NeverPassSix) { EXPECT_THAT(Shown(4, {1, 2, 3, 4}), ElementsAre(5, 6, 6, 6)); }

TEST(HeadingLevels, AnOffsetOutOfRangeIsBroughtIntoIt) {
  EXPECT_THAT(Shown(-3, {1, 2}), ElementsAre(1, 2));
  EXPECT_THAT(Shown(99, {1, 2}), ElementsAre(6, 6));
}

TEST(HeadingLevels, HoldForEverySequenceOfFour) {
  for (int offset = 0; offset <= 5; ++offset) {
    for (int n = 0; n < 6 * 6 * 6 * 6; ++n) {
      int previous = offset;
      for (int shown : Shown(offset, {n % 6 + 1, n / 6 % 6 + 1, n / 36 % 6 + 1, n / 216 + 1})) {
        ASSERT_GT(shown, offset);
        ASSERT_LE(shown, 6);
        ASSERT_LE(shown, previous + 1);
        previous = shown;
      }
    }
  }
}

}  // namespace
}  // namespace section55::document
