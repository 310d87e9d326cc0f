#include "services/response-authoring/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace section55::authoring {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Told(std::string_view before, std::string_view after) {
  std::vector<std::string> told;
  for (const v1::Words& words : CompareWords(before, after)) {
    const char* mark = words.kind() == v1::Words::SAME ? "=" : words.kind() == v1::Words::REMOVED ? "-" : "+";
    told.push_back(mark + words.text());
  }
  return told;
}

TEST(CompareWords, TellsWhatIsInBothRemovedAndAdded) {
  EXPECT_THAT(Told("", ""), IsEmpty());
  EXPECT_THAT(Told("We agree.", "We agree."), ElementsAre("=We agree."));
  EXPECT_THAT(Told("", "We agree."), ElementsAre("+We agree."));
  EXPECT_THAT(Told("We agree.", ""), ElementsAre("-We agree."));
  EXPECT_THAT(Told("We will review cases.", "We will now review all cases."),
              ElementsAre("=We will ", "+now ", "=review ", "+all ", "=cases."));
  EXPECT_THAT(Told("one two three", "one 2 three"), ElementsAre("=one ", "-two ", "+2 ", "=three"));
  EXPECT_THAT(Told("one\n\ntwo", "one two"), ElementsAre("-one\n\n", "+one ", "=two")) << "white space is part of it";
  EXPECT_THAT(Told("a longer text before", "a text"), ElementsAre("=a ", "-longer text before", "+text"));
}

// Whatever is compared, both texts come back whole.
TEST(CompareWords, LosesNothing) {
  std::mt19937 random(55);
  const auto text = [&] {
    std::string made;
    for (size_t left = random() % 40; left > 0; --left) {
      const char* const words[] = {"a", "b", "c", " ", "\n", "the ", "ŵ ", "\t"};
      made += words[random() % 8];
    }
    return made;
  };
  for (int i = 0; i < 3000; ++i) {
    const std::string before = text(), after = text();
    std::string earlier, later;
    for (const v1::Words& words : CompareWords(before, after)) {
      earlier += words.kind() == v1::Words::ADDED ? "" : words.text();
      later += words.kind() == v1::Words::REMOVED ? "" : words.text();
    }
    ASSERT_EQ(earlier, before);
    ASSERT_EQ(later, after);
  }
}

TEST(CompareWords, OfLongTextsWithNothingInCommonIsNoWork) {
  std::string before, after;
  for (int i = 0; i < 20'000; ++i) {
    before += "x" + std::to_string(i) + " ";
    after += "y" + std::to_string(i) + " ";
  }
  EXPECT_EQ(Told(before, after).size(), 2u);
  EXPECT_EQ(Told(before + "same end", "same " + before + "same end").size(), 2u) << "what is alike costs nothing";
}

}  // namespace
}  // namespace section55::authoring
