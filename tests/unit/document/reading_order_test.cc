// The reading order of the page is the order of the blocks: the text of the HTML equals the plain text, white space
// aside.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "libs/document/html.h"
#include "libs/document/json.h"
#include "libs/document/markdown.h"
#include "libs/document/plain_text.h"
#include "tests/unit/document/html_text.h"

namespace section55::document {
namespace {

constexpr char kResponse[] = R"(# Ymateb y Comisiynydd

The **Safe to share?** report was published on 17 December 2020.<br>
See [the report](https://example.org/safe-to-share "title") or https://example.org/gŵyl.

Key findings
------------

- data sharing
  - victims & witnesses
  - “immigration status”

    a second paragraph

- nothing else

4. Recommendation 4
   > We accept it.
5. Recommendation 5

#### Progress

| Recommendation | Owner | Due |
|----------------|-------|-----|
| 4 | Chief constable | *immediately* |
| 5 | both | 6 months | surplus |

    code <here>

***

![A chart](chart.png) The end.
)";

TEST(PlainText, IsTheWordsInOrder) {
  EXPECT_EQ(RenderPlainText(ParseMarkdown(kResponse)), R"(Ymateb y Comisiynydd

The Safe to share? report was published on 17 December 2020.<br> See the report or https://example.org/gŵyl.

Key findings

data sharing
victims & witnesses
“immigration status”
a second paragraph
nothing else

Recommendation 4
We accept it.
Recommendation 5

Progress

Recommendation	Owner	Due
4	Chief constable	immediately
5	both	6 months | surplus |

code <here>

A chart The end.)");
}

TEST(ReadingOrder, OfAWholeResponse) {
  const Blocks blocks = ParseMarkdown(kResponse);
  EXPECT_EQ(Collapse(TextOfHtml(RenderHtml(blocks, {.heading_offset = 2}))), Collapse(RenderPlainText(blocks)));
}

// Any mixture of what is special in Markdown and HTML: the page is well formed, holds only what it may, and reads as
// the blocks do; and every rendition is the same the second time.
TEST(ReadingOrder, OfTenThousandRandomTexts) {
  const std::vector<std::string> kPieces = {
      "a",        "b ",          "ŵ",           "“",           " ",       "\n",           "\n\n",
      "- ",       "1. ",         "4) ",         "> ",          "# ",      "### ",         "*",
      "**",       "_",           "`",           "```\n",       "[",       "](",           ")",
      "![",       "<",           ">",           "<b ",         "</b>",    "<!--",         "-->",
      "<script>", "javascript:", "&",           "&lt;",        "&#1;",    "&#xFFFE;",     "\xEF\xBF\xBF",
      "|",        "|-|-|\n",     "    ",        "\t",          "\\",      "https://x.yz", "#frag",
      "\"",       "'",           "---",         "===\n",       "mailto:", "<a@b.c>",      "\xC5",
      "\xFF",     "[x]: #y\n",   "[x]",         "=\"x",        "onload",  "~~",           "(",
      "http",     "data:",       "| c | d |\n", "|---|---|\n", "<div>\n", "  \n"};
  std::mt19937 random(55);  // Always the same texts.
  for (int i = 0; i < 10'000; ++i) {
    std::string markdown;
    for (int n = random() % 40; n > 0; --n) markdown += kPieces[random() % kPieces.size()];
    const Blocks blocks = ParseMarkdown(markdown);
    const std::string html = RenderHtml(blocks);
    ASSERT_EQ(Collapse(TextOfHtml(html)), Collapse(RenderPlainText(blocks))) << markdown << "\n\n" << html;
    ASSERT_FALSE(::testing::Test::HasFailure()) << markdown << "\n\n" << html;
    const Blocks again = ParseMarkdown(markdown);
    ASSERT_EQ(again, blocks) << markdown;
    ASSERT_EQ(RenderHtml(again), html) << markdown;
    ASSERT_EQ(ToJson(again).dump(), ToJson(blocks).dump()) << markdown;
  }
}

TEST(Determinism, HoldsForThreadsAtOnce) {
  const std::string expected = RenderHtml(ParseMarkdown(kResponse));
  std::vector<int> different(4);
  std::vector<std::thread> threads;
  for (int& count : different) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) count += RenderHtml(ParseMarkdown(kResponse)) != expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(different, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace section55::document
