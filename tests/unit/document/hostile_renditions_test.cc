// No text makes any writer of documents slow or its file large, whatever its Markdown asks for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <functional>
#include <map>
#include <string>

#include "libs/document/check.h"
#include "libs/document/html.h"
#include "libs/document/json.h"
#include "libs/document/pdf.h"
#include "libs/document/plain_text.h"
#include "libs/document/word.h"
#include "tests/unit/document/rendition_text.h"
#include "tests/unit/document/sample_document.h"
#include "tests/unit/document/word_checker.h"

namespace section55::document {
namespace {

using ::testing::IsEmpty;

// As long as a text of a response may be.
constexpr size_t kMostCharacters = 50'000;

std::string Filled(const std::string& piece) {
  std::string text;
  while (text.size() + piece.size() <= kMostCharacters) text += piece;
  return text;
}

// Processor time of this thread, which does all the work: what others do meanwhile adds nothing.
double SecondsOf(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  const double begin = now();
  work();
  return now() - begin;
}

TEST(HostileRenditions, EveryWriterStaysWithinBounds) {
  std::vector<std::string> texts = {
      // Nesting, and everything that closes late or never.
      Filled("> "), Filled("- "), Filled("- - - - - - - - a\n"), Filled("> > > > > > > > a\n\n"), Filled("**a"),
      Filled("*a **b "), Filled("[a]("), Filled("[a](https://b) "), Filled("![a](b) "), Filled("`a"), Filled("``` \n"),
      Filled("<!--"), Filled("<b>"),
      // Many of something.
      Filled("a\n\n"), Filled("# a\n"), Filled("###### a\n\n"), Filled("---\n\n"), Filled("1. a\n"), Filled("a\\\n"),
      Filled("1. a\n\n   - b\n\n"), Filled("    code\n"),
      // Tables: wide, long, of empty cells, of one long cell.
      Filled("|").substr(0, 400) + "\n" + Filled("|-").substr(0, 798) + "|\n" + Filled("| a |\n").substr(0, 600),
      "|a|b|c|\n|-|-|-|\n" + Filled("|1|2|3|\n").substr(0, 40'000),
      "|a|\n|-|\n|" + Filled("word ").substr(0, 40'000) + "|\n",
      // Letters: one word, marks upon marks, right to left, joined, of no font, invisible.
      Filled("x"), Filled("\u0301"), Filled("e\u0301\u0323"), Filled("\u05d0 a "), Filled("\u202ea\u202c"),
      Filled("\u0628"), Filled("\U0001F469\u200d\U0001F680 "), Filled("\U000E0041"), Filled("\u200b"),
      Filled("\u0915\u094d\u0937"), Filled("\xff")};
  for (std::string& text : texts) {
    text += "\n\nThe end.\n";
    const Document document{.author = "A body", .title = "A text", .content = {ProseOf(text)}};
    const std::string expected = Seen(RenderPlainText(document));
    const std::map<std::string, std::function<std::string()>> writers = {
        {"HTML", [&] { return RenderArticle(document); }},
        {"JSON", [&] { return RenderJson(document); }},
        {"mail", [&] { return RenderMail(document); }},
        {"Word", [&] { return RenderWord(document).value_or(""); }},
        {"PDF", [&] { return RenderPdf(document).value_or(""); }},
    };
    std::map<std::string, std::string> made;
    for (const auto& [name, write] : writers) {
      SCOPED_TRACE(name + " of " + text.substr(0, 24));
      constexpr double kMostSeconds = 10;  // On an idle machine the slowest takes two.
      EXPECT_LT(SecondsOf([&] { made[name] = write(); }), kMostSeconds);
      EXPECT_FALSE(made[name].empty());
      EXPECT_LT(made[name].size(), 60 * text.size() + 400'000);
    }
    SCOPED_TRACE(text.substr(0, 24));
    EXPECT_EQ(Seen(TextBetweenTags(made["HTML"])), expected);
    EXPECT_EQ(Seen(TextOfWord(made["Word"])), expected);
    EXPECT_THAT(FaultsOfWord(made["Word"]), IsEmpty());
  }
}

}  // namespace
}  // namespace section55::document
