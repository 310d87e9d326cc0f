#include "services/response-authoring/pasted_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace section55::authoring {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Example {
  const char* name;
  std::string pasted, markdown;
};
void PrintTo(const Example& example, std::ostream* out) { *out << example.name; }

class NormaliseTextTest : public ::testing::TestWithParam<Example> {};

TEST_P(NormaliseTextTest, BringsItIntoMarkdownAndLeavesItThere) {
  const NormalisedText once = NormaliseText(GetParam().pasted);
  EXPECT_EQ(once.text, GetParam().markdown);
  EXPECT_EQ(once.changes.empty(), GetParam().pasted == GetParam().markdown);
  const NormalisedText twice = NormaliseText(once.text);
  EXPECT_EQ(twice.text, once.text);
  EXPECT_THAT(twice.changes, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Pasted, NormaliseTextTest,
    ::testing::Values(
        Example{"Bullets", "We will:\n• review cases\n• train staff.", "We will:\n\n- review cases\n- train staff."},
        Example{"BulletsWithTabs", "•\tone\n•\ttwo", "- one\n- two"},
        Example{"BulletsWithoutSpace", "•one\n•two", "- one\n- two"},
        Example{"WordSymbolFont", "\uf0b7 one\n\uf0a7 two", "- one\n  - two"},
        Example{"SecondLevelByItsBullet", "• one\n◦ one a\n◦ one b\n• two", "- one\n  - one a\n  - one b\n- two"},
        Example{"SecondLevelOfWord", "•\tone\no\tone a\n•\ttwo", "- one\n  - one a\n- two"},
        Example{"SecondLevelByIndent", "• one\n    • one a\n• two", "- one\n  - one a\n- two"},
        Example{"ThirdLevel", "• a\n  ◦ b\n    ▪ c\n• d", "- a\n  - b\n    - c\n- d"},
        Example{"DashesAreBullets", "– one\n– two", "- one\n- two"}, Example{"ADashBeforeAWordIsNone", "–one", "–one"},
        Example{"BulletOnALineOfItsOwn", "•\nReview cases.\n•\nTrain staff.", "- Review cases.\n- Train staff."},
        Example{"BulletsWithinALine", "We will: • review • train", "We will:\n\n- review\n- train"},
        Example{"ABulletThatSeparatesStays", "Norwich • Ipswich", "Norwich • Ipswich"},
        Example{"LinesOfAPdf",
                "• The force will review each case of the last year within\nthree months of the report.\n• Next.",
                "- The force will review each case of the last year within three months of the report.\n- Next."},
        Example{"WhatFollowsAListIsAParagraph", "• one.\n• two.\nWe agree.", "- one.\n- two.\n\nWe agree."},
        Example{"AnIndentIsNoCode", "We agree.\n\n    The force will act.", "We agree.\n\nThe force will act."},
        Example{"ATabIsNoCode", "\tThe force will act.", "The force will act."},
        Example{"AHashBeforeANumberIsNoHeading", "# 5 of the report", "\\# 5 of the report"},
        Example{"AHeadingStays", "# Our answer\n\nText.", "# Our answer\n\nText."},
        Example{"AYearIsNoList", "2021. The force began.", "2021\\. The force began."},
        Example{"ANumberedListStays", "1. one\n2. two", "1. one\n2. two"},
        Example{"TabsInALine", "By June\t\t2021", "By June 2021"},
        Example{"RunsOfSpaces", "one  two     three", "one two three"},
        Example{"NoBreakSpaces", "one\u00a0two\u202fthree", "one two three"},
        Example{"SpacesAtTheEnd", "one  \ntwo ", "one\ntwo"},
        Example{"SoftHyphensAndZeroWidths", "re\u00adview\u200b\ufeff", "review"},
        Example{"LigaturesOfAPdf", "\ufb01ve o\ufb03cers \ufb02ed", "five officers fled"},
        Example{"LineEndsOfWindows", "one\r\ntwo\r\n", "one\ntwo\n"},
        Example{"VerticalTabsOfWord", "one\x0btwo\x0cthree", "one\ntwo\n\nthree"},
        Example{"OtherControlCharacters", "o\x07ne\x7f", "one"},
        Example{"EmptyLines", "\n\none\n\n\n\ntwo\n\n", "one\n\ntwo\n"},
        Example{"ParagraphsLineByLine",
                "This paragraph of a document in Word is longer than any program that breaks lines would make a line "
                "of text.\nSo is it.",
                "This paragraph of a document in Word is longer than any program that breaks lines would make a line "
                "of text.\n\nSo "
                "is it."},
        Example{"MarkdownStays",
                "Text\nthat goes on.\n\n- a\n  - b\n\n  more of a\n- c\nlazily\n\n1. x\n   - y\n\n**Bold**, `code`.",
                "Text\nthat goes on.\n\n- a\n  - b\n\n  more of a\n- c\nlazily\n\n1. x\n   - y\n\n**Bold**, `code`."},
        Example{"AWelshTextStays", "Mae’r heddlu yn cytuno â’r argymhelliad: ŵ ŷ.",
                "Mae’r heddlu yn cytuno â’r argymhelliad: ŵ ŷ."},
        Example{"CodeStays", "```\n\t• x\n    y\n```\n", "```\n\t• x\n    y\n```\n"},
        Example{"TablesStay", "| a  | b |\n|----|---|\n| 1  | 2 |", "| a  | b |\n|----|---|\n| 1  | 2 |"},
        Example{"ARuleStays", "one\n\n* * *\n\n---\n\ntwo", "one\n\n* * *\n\n---\n\ntwo"}, Example{"Nothing", "", ""},
        Example{"OnlySpaces", " \t\n ", ""}),
    [](const auto& info) { return info.param.name; });

TEST(NormaliseText, SaysWhatItDid) {
  EXPECT_THAT(NormaliseText("•\tone").changes, ElementsAre(HasSubstr("Bullet characters")));
  EXPECT_THAT(NormaliseText("# 5 of\n\n    x\ty").changes,
              ElementsAre(HasSubstr("Indented lines"), HasSubstr("# before a number"), HasSubstr("Tabs")));
  EXPECT_THAT(NormaliseText("o\ufb03ce\r\n").changes, ElementsAre(HasSubstr("Ligatures"), HasSubstr("Line ends")));
}

// Whatever is pasted, what came of it is not changed again, and no word is lost.
TEST(NormaliseText, IsIdempotentAndLosesNoWordWhateverItIsGiven) {
  const char* const pieces[] = {"•",    "◦",   "- ",  "* ",   "1. ", "2021. ", "# 5 ", "\t",
                                "    ", "  ",  "\n",  "\n\n", "a",   "Word",   ". ",   "o\t",
                                "– ",   "```", "|x|", "\r\n", "---", "-",      " ",    "\u00a0"};
  std::mt19937 random(55);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (size_t left = random() % 12 + 1; left > 0; --left) {
      text += pieces[random() % std::size(pieces)];
    }
    const NormalisedText once = NormaliseText(text);
    const NormalisedText twice = NormaliseText(once.text);
    ASSERT_EQ(twice.text, once.text) << "of " << ::testing::PrintToString(text);
    const auto letters = [](const std::string& of) {
      std::string found;
      for (const char c : of) {
        found += std::isalnum(static_cast<unsigned char>(c)) != 0 ? std::string(1, c) : "";
      }
      return found;
    };
    std::string before = letters(text), after = letters(once.text);
    // "o" before a tab is a bullet.
    std::erase(before, 'o');
    std::erase(after, 'o');
    ASSERT_EQ(after, before) << "of " << ::testing::PrintToString(text);
  }
}

TEST(LooksPasted, TellsWhatIsNotPublishedAsItLooks) {
  for (const char* text : {"• one", "x\n\n    y", "# 5 of", "a\tb", "a    b", "\uf0b7 x"}) {
    EXPECT_TRUE(LooksPasted(text)) << text;
  }
  for (const char* text :
       {"", "We agree.", "- a\n  - b", "1. a\n    - b", "One.  Two.", "# Heading", "a\r\nb", "Norwich • Ipswich"}) {
    EXPECT_FALSE(LooksPasted(text)) << text;
  }
}

}  // namespace
}  // namespace section55::authoring
