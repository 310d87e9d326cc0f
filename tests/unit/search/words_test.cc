#include "libs/search/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace section55::search {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> Folded(std::string_view text) {
  std::vector<std::string> folded;
  for (const Word& word : WordsOf(text)) {
    folded.push_back(word.folded);
  }
  return folded;
}

TEST(Words, CaseAndAccentsDoNotCount) {
  EXPECT_THAT(Folded("Ŵŷ TŶ tŷ Café CAFE\u0301 naïve"), ElementsAre("wy", "ty", "ty", "cafe", "cafe", "naive"));
  EXPECT_THAT(Folded("oﬃce Straße ＰＣＣ"), ElementsAre("office", "strasse", "pcc"));
}

TEST(Words, AreParted) {
  EXPECT_THAT(Folded("the force’s “follow-up”—now"), ElementsAre("the", "force", "s", "follow", "up", "now"));
  EXPECT_THAT(Folded("force's"), ElementsAre("force", "s"));
  EXPECT_THAT(Folded("55(5B), 2021/22"), ElementsAre("55", "5b", "2021", "22"));
  EXPECT_THAT(Folded("recom\u00ADmen\u200Ddation"), ElementsAre("recommendation"));
  EXPECT_THAT(Folded(" …*[](){}<>\n\t"), IsEmpty());
  EXPECT_THAT(Folded("a\xff"
                     "b"),
              ElementsAre("a", "b"));
}

TEST(Words, AreSpeltSoThatDifferentLettersStayDifferent) {
  EXPECT_THAT(Folded("unique"), ElementsAre("uniqque"));
  EXPECT_THAT(Folded("Жж я"), ElementsAre("qx000436qx000436", "qx00044f"));
  EXPECT_THAT(Folded("q x000436"), ElementsAre("qq", "x000436"));
}

TEST(Words, LongOnesAreCut) {
  const std::string longest(kLongestWord, 'a');
  EXPECT_THAT(Folded(longest + "b"), ElementsAre(longest));
  EXPECT_THAT(Folded(longest.substr(2) + "яb"), ElementsAre(longest.substr(2)));
}

TEST(Words, KnowWhereTheyStand) {
  const std::vector<Word> words = WordsOf("“Tŷ” e\u0301");
  ASSERT_THAT(words, SizeIs(2));
  EXPECT_EQ(words[0].begin, 3u);
  EXPECT_EQ(words[0].end, 6u);
  EXPECT_EQ(words[1].begin, 10u);
  EXPECT_EQ(words[1].end, 13u);
}

TEST(Terms, WordsPhrasesPrefixes) {
  EXPECT_THAT(ParseTerms("Domestic abuse"), ElementsAre(Term{{"domestic"}}, Term{{"abuse"}}));
  EXPECT_THAT(ParseTerms("\"Domestic abuse\" now"), ElementsAre(Term{{"domestic", "abuse"}}, Term{{"now"}}));
  EXPECT_THAT(ParseTerms("“domestic abuse”"), ElementsAre(Term{{"domestic", "abuse"}}));
  EXPECT_THAT(ParseTerms("follow-up i'r"), ElementsAre(Term{{"follow", "up"}}, Term{{"i", "r"}}));
  EXPECT_THAT(ParseTerms("recommend* multi-ag*"),
              ElementsAre(Term{{"recommend"}, true}, Term{{"multi"}}, Term{{"ag"}, true}));
}

TEST(Terms, HostileTextIsNoError) {
  EXPECT_THAT(ParseTerms("* \" ' -- ; ( ) + - ~ < > @ \\"), IsEmpty());
  EXPECT_THAT(ParseTerms("\"not closed at"), ElementsAre(Term{{"not", "closed", "at"}}));
  EXPECT_THAT(ParseTerms("a AND NOT b\""), ElementsAre(Term{{"a"}}, Term{{"and"}}, Term{{"not"}}, Term{{"b"}}));
  EXPECT_THAT(ParseTerms("\"a*\""), ElementsAre(Term{{"a"}}));
  EXPECT_THAT(ParseTerms(std::string("a\0b", 3)), ElementsAre(Term{{"a"}}, Term{{"b"}}));
  std::string many;
  for (int i = 0; i < 100; ++i) {
    many += "w" + std::to_string(i) + "* ";
  }
  EXPECT_THAT(ParseTerms(many), SizeIs(kMostTerms));
}

TEST(Passages, AreWhereTermsStand) {
  const std::string text = "Tŷ: the Domestic  abuse, abusers.";
  const std::vector<Passage> passages = PassagesOf(text, ParseTerms("ty \"domestic abuse\" abus*"));
  ASSERT_THAT(passages, SizeIs(3));
  EXPECT_EQ(text.substr(passages[0].begin, passages[0].end - passages[0].begin), "Tŷ");
  EXPECT_EQ(text.substr(passages[1].begin, passages[1].end - passages[1].begin), "Domestic  abuse");
  EXPECT_EQ(text.substr(passages[2].begin, passages[2].end - passages[2].begin), "abusers");
  EXPECT_THAT(PassagesOf(text, {}), IsEmpty());
}

}  // namespace
}  // namespace section55::search
