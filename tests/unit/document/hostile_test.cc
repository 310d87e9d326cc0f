// What a writer, or a text pasted by one, must not be able to do: script in the page, endless nesting, endless time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <limits>

#include "libs/document/html.h"
#include "libs/document/json.h"
#include "libs/document/markdown.h"
#include "libs/document/plain_text.h"
#include "libs/document/size.h"
#include "tests/unit/document/html_text.h"

namespace section55::document {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Repeat(std::string_view text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) repeated += text;
  return repeated;
}

// TextOfHtml fails the test at any tag or attribute that RenderHtml does not write of itself.
std::string SafeText(std::string_view markdown) { return Collapse(TextOfHtml(RenderHtml(ParseMarkdown(markdown)))); }

TEST(Hostile, MarkupIsShownAndNotObeyed) {
  for (const char* markup : {"<script>alert(1)</script>", "<SCRIPT SRC=https:x>", "<img src=x onerror=alert(1)>",
                             "a <svg onload=alert(1)> b", "<!--", "a <!-- b", "<?php echo 1 ?>", "<![CDATA[ x ]]>",
                             "<!DOCTYPE html>", "</p></div></body>", "<iframe srcdoc='x'>", "<style>p{}</style>",
                             "<a href=\"javascript:x\">b</a>", "<math><mi xlink:href=data:x>", "<script",
                             "<b/onclick=alert(1)//", "\" onmouseover=\"alert(1)", "' onmouseover='alert(1)"}) {
    EXPECT_EQ(SafeText(markup), markup);
  }
}

TEST(Hostile, AnOpenCommentOrScriptHidesNothingThatFollows) {
  EXPECT_EQ(SafeText("<!--\n\nWe reject this.\n\nAll of it."), "<!-- We reject this. All of it.");
  EXPECT_EQ(SafeText("<script>\n\nWe reject this."), "<script> We reject this.");
}

TEST(Hostile, EntitiesDoNotComeBackAsMarkup) {
  EXPECT_EQ(SafeText("&lt;script&gt;alert(1)&lt;/script&gt;"), "<script>alert(1)</script>");
  EXPECT_EQ(SafeText("&#60;img src=x onerror=alert(1)&#62;"), "<img src=x onerror=alert(1)>");
  EXPECT_EQ(SafeText("&amp;lt;b&amp;gt;"), "&lt;b&gt;");
}

TEST(Hostile, CodeAndTablesAndHeadingsEscapeToo) {
  EXPECT_EQ(SafeText("`<b>`\n\n```<i>\n<u>\n```\n\n# <s>\n\n|<q>|\n|-|\n|<x onclick=y>|\n"),
            "<b> <u> <s> <q> <x onclick=y>");
}

TEST(Hostile, NoDisguiseMakesALink) {
  for (const char* url : {"javascript:alert(1)",
                          "JAVASCRIPT:alert(1)",
                          "JaVaScRiPt:alert(1)",
                          "javascript&colon;alert(1)",
                          "javascript&#58;alert(1)",
                          "&#106;avascript:alert(1)",
                          "&#x6A;&#x61;vascript:alert(1)",
                          "java&Tab;script:alert(1)",
                          "java&NewLine;script:alert(1)",
                          "&#1;javascript:alert(1)",
                          "&#32;javascript:alert(1)",
                          "\x01javascript:alert(1)",
                          "\xC2\xA0javascript:alert(1)",
                          "\\javascript:alert(1)",
                          "javascript\\:alert(1)",
                          "javascript://https://x%0Aalert(1)",
                          "data:text/html,x",
                          "DATA:text/html;base64,PHN2Zz4=",
                          "vbscript:x",
                          "file:///etc/passwd",
                          "//evil.example",
                          "/relative",
                          "relative.html",
                          "?query",
                          "blob:https://x",
                          "view-source:https://x",
                          "feed:https://x",
                          "about:blank",
                          "https&#9;://x",
                          "ht&#10;tps://x",
                          "https:///x",
                          "https:\\\\x"}) {
    const std::string destination(url);
    for (const std::string& markdown :
         {"[a](" + destination + ")", "[a](<" + destination + ">)", "[a](<\t " + destination + ">)",
          "[a](" + destination + " \"title\")", "[a][r]\n\n[r]: " + destination, "[a][r]\n\n[r]: <" + destination + ">",
          "[![a](x)](" + destination + ")"}) {
      const std::string html = RenderHtml(ParseMarkdown(markdown));
      EXPECT_THAT(html, Not(HasSubstr("<a"))) << markdown;
      EXPECT_EQ(Collapse(TextOfHtml(html)).substr(0, 1), markdown[1] == '!' ? "a" : markdown.substr(1, 1)) << markdown;
    }
    EXPECT_THAT(RenderHtml(ParseMarkdown("<" + destination + ">")), Not(HasSubstr("<a href=\"j"))) << url;
    SafeText("<" + destination + ">");
  }
}

TEST(Hostile, AnAddressDoesNotBreakOutOfItsAttribute) {
  for (const char* markdown : {"[a](https://x/\"onclick=\"alert(1))", "[a](https://x/'onclick='alert(1))",
                               "[a](<https://x/\" onclick=\"alert(1)>)", "[a](https://x/&quot;&gt;&lt;script&gt;)",
                               "[a](https://x \"\\\" onclick=\\\"alert(1)\")", "[a](#\"onclick=\"alert(1))",
                               "[a](mailto:x&quot;onclick=&quot;y)", "https://x/\"onclick=\"alert(1)",
                               "https://x/'><script>", "<https://x/\"onclick=\"y>"}) {
    const std::string html = RenderHtml(ParseMarkdown(markdown));
    EXPECT_THAT(html, HasSubstr("<a href=")) << markdown;
    SafeText(markdown);
  }
}

TEST(Hostile, LinksDoNotNest) {
  for (const char* markdown : {"[a [b](https://x) c](https://y)", "[a ![b [c](https://x)](https://y) d](https://z)",
                               "[https://x](https://y)", "[<https://x>](https://y)", "[a@b.c](https://y)"}) {
    const std::string html = RenderHtml(ParseMarkdown(markdown));
    for (std::size_t at = html.find("<a "); at != std::string::npos; at = html.find("<a ", at + 1)) {
      EXPECT_LT(html.find("</a>", at), html.find("<a ", at + 1)) << html;
    }
  }
}

// --- Nesting ---

int DepthOfTags(const std::string& html) {
  int depth = 0, deepest = 0;
  for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    if (html[at + 1] == '/')
      --depth;
    else
      deepest = std::max(deepest, ++depth);
  }
  return deepest;
}

TEST(Hostile, NestingIsBoundedAndTheTextIsKept) {
  constexpr int kDeep = 10'000;
  const std::string brackets = Repeat("[", kDeep) + "deep" + Repeat("](https://x)", kDeep);
  for (const std::string& markdown :
       {Repeat("> ", kDeep) + "deep", Repeat(">", kDeep) + "deep", Repeat("- ", kDeep) + "deep",
        Repeat("1. ", kDeep) + "deep", Repeat("> - ", kDeep) + "deep", Repeat("- ", kDeep) + "# deep",
        Repeat("> ", kDeep) + "```\n" + Repeat("> ", kDeep) + "deep", Repeat("*", kDeep) + "deep" + Repeat("*", kDeep),
        Repeat("*a _b ", kDeep) + "deep" + Repeat("_ *", kDeep), Repeat("[", kDeep) + "deep" + Repeat("]", kDeep),
        brackets, Repeat("![", kDeep) + "deep" + Repeat("](x)", kDeep), Repeat("<b>", kDeep) + "deep"}) {
    const Blocks blocks = ParseMarkdown(markdown);
    const std::string html = RenderHtml(blocks);
    EXPECT_THAT(html, HasSubstr("deep"));
    EXPECT_LE(DepthOfTags(html), 3 * kMaxDepth) << markdown.substr(0, 20);  // A list is <ul> and <li>.
    EXPECT_EQ(Collapse(TextOfHtml(html)), Collapse(RenderPlainText(blocks)));
    EXPECT_THAT(ToJson(blocks).dump(), HasSubstr("deep"));
  }
}

TEST(Hostile, BelowTheDeepestLevelEveryLeafBecomesAParagraph) {
  const std::string quotes = Repeat("> ", 40);
  EXPECT_EQ(SafeText(quotes + "# one\n" + quotes + "two *three*\n" + quotes + "- four\n" + quotes + "- five\n"),
            "one two three four five");
  // One level less than the limit keeps its structure.
  EXPECT_THAT(RenderHtml(ParseMarkdown(Repeat("> ", kMaxDepth - 1) + "# one")), HasSubstr("<h1>one</h1>"));
  EXPECT_THAT(RenderHtml(ParseMarkdown(Repeat("> ", kMaxDepth) + "# one")), HasSubstr("<p>one</p>"));
}

// --- Size ---

// What a rendition of the text takes.
std::size_t SizeOf(std::string_view markdown) {
  const RenderedSize size = RenderedSizeOf(ParseMarkdown(markdown));
  return std::max(size.html, size.json);
}

TEST(Hostile, ShortRowsDoNotBecomeGigabytes) {
  const std::string wide = Repeat("|a", 5'000) + "\n" + Repeat("|-", 5'000) + "|\n" + Repeat("x\n", 20'000);
  const std::string text = RenderPlainText(ParseMarkdown(wide));
  EXPECT_LE(text.size(), wide.size());
  EXPECT_THAT(text, HasSubstr("x"));
  // A table as large as a real one is read as a table.
  const std::string real = Repeat("|a", 20) + "\n" + Repeat("|-", 20) + "|\n" + Repeat(Repeat("|b", 20) + "\n", 1'000);
  EXPECT_EQ(std::get<Table>(ParseMarkdown(real).at(0).value).rows.size(), 1'000u);
}

TEST(Hostile, ALongReferenceUsedOftenBecomesText) {
  const auto text = [](int uses, int length) {
    return Repeat("[a] ", uses) + "\n\n[a]: https://example.org/" + Repeat("x", length);
  };
  // Just within the bound the links are kept: one for each use, and what they take is what was allowed.
  const Reading kept = ReadMarkdown(text(100, 10'000));
  EXPECT_FALSE(kept.references_ignored);
  EXPECT_EQ(std::get<Paragraph>(kept.blocks.at(0).value).content.size(), 199u)
      << "100 links and the spaces between them";
  // Past it every character that was typed is shown, the definition too, and nothing is copied.
  const std::string past = text(100, 11'000);
  const Reading ignored = ReadMarkdown(past);
  EXPECT_TRUE(ignored.references_ignored);
  EXPECT_EQ(Collapse(RenderPlainText(ignored.blocks)), Collapse(past));
  // Fifty kilobytes, which were hundreds of megabytes.
  EXPECT_LE(SizeOf(text(6'000, 25'000)), 5 * text(6'000, 25'000).size());
}

TEST(Hostile, WithoutDefinitionsTheRestIsReadAsEver) {
  const std::string text =
      "*see* [this](https://[::1]:80/a), <https://x/[b]:c>, `d[e]:f` and [g]: h\n\n[a]: " + Repeat("x", 20'000) +
      "\n\n" + Repeat("[a] ", 100);
  const Reading reading = ReadMarkdown(text);
  ASSERT_TRUE(reading.references_ignored);
  const std::string html = RenderHtml(reading.blocks);
  EXPECT_THAT(html, HasSubstr("<p><em>see</em> <a href=\"https://"));
  EXPECT_THAT(html, HasSubstr(":80/a\""));
  EXPECT_THAT(html, HasSubstr("<code>d[e]:f</code> and [g]: h</p>"));
  EXPECT_EQ(html.find("\uFDD0"), std::string::npos);
}

// Twice as much of anything makes at most twice as much of a rendition (and what stands around it).
TEST(Hostile, TheRenditionGrowsNoFasterThanTheText) {
  for (const char* piece : {"[a]",  "[a]: b\n\n", "|a",      "|-",         "> ",       "- ",   "- \n", "a\n",
                            "*a*",  "[](#a)",     "`a`",     "<",          "&",        "\"",   "1. ",  "http://a.b ",
                            "\\\n", "#\n",        "![a](b)", "a|b\n-|-\n", "<!-- -->", "&#1;", "\xFF"}) {
    const std::size_t once = SizeOf(Repeat(piece, 10'000));
    const std::size_t twice = SizeOf(Repeat(piece, 20'000));
    EXPECT_LE(twice, 2 * once + 1'000) << piece;
  }
}

// --- Time ---

// Processor time of this thread for reading the text, the least of several rounds: what others do meanwhile can only add to it.
double SecondsToRead(const std::string& markdown) {
  constexpr int kRounds = 5;
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  double least = std::numeric_limits<double>::infinity();
  for (int round = 0; round < kRounds; ++round) {
    const double begin = now();
    const Blocks blocks = ParseMarkdown(markdown);
    least = std::min(least, now() - begin);
  }
  return least;
}

TEST(Hostile, BareAddressesTakeLinearTime) {
  // Sixteen times as much: sixteen times as long if the time is linear, 256 times if it is quadratic.
  constexpr int kLess = 1'000;
  constexpr int kFactor = 16;
  for (const char* piece : {"www._", "http://", "http:///", "(http", "http ", "http://a.b/(", "a@", ":", ")"}) {
    const std::string start = std::string_view(piece) == ")" ? "http://a.b/" : "";
    const double less = SecondsToRead(start + Repeat(piece, kLess));
    const double more = SecondsToRead(start + Repeat(piece, kFactor * kLess));
    EXPECT_LT(more, 4 * kFactor * less) << piece;
  }
}

}  // namespace
}  // namespace section55::document
