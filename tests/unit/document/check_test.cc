// What a Markdown text must be to be saved: something to see, and nothing that grows.
#include "libs/document/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "libs/document/bounds.h"
#include "libs/document/html.h"
#include "libs/document/json.h"
#include "libs/document/markdown.h"
#include "libs/document/plain_text.h"
#include "libs/document/size.h"

namespace section55::document {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr std::size_t kLimit = 50'000;

std::string Repeat(std::string_view text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) {
    repeated += text;
  }
  return repeated;
}

// What is wrong with the text, as "field: what".
std::vector<std::string> Check(std::string_view markdown, base::Presence presence = base::Presence::kRequired,
                               std::size_t limit = kLimit) {
  base::Violations violations;
  CheckMarkdown("response.comments", markdown, limit, presence, violations);
  const google::rpc::BadRequest bad_request = base::BadRequestOf(violations.ToStatus());
  std::vector<std::string> all;
  for (const auto& violation : bad_request.field_violations()) {
    all.push_back(violation.field() + ": " + violation.description());
  }
  return all;
}

// --- Blank ---

const char* const kBlank[] = {
    "",
    " \t\r\n\n",
    "\u00A0",
    "\u2003\u3000\u202F",
    "\u200B\u200C\u200D\u2060\uFEFF",
    "\u00AD",
    "\u034F\u061C\u115F\u3164\uFFA0",
    "\u2800\u2800",
    "\u202E\u202C\u2067\u2069",
    "\U000E0041\uFE0F",
    "\u0301",
    "&nbsp;",
    "&nbsp; &#8203;&zwnj;&#xFEFF;&ensp;",
    "#",
    "###### \u00A0 ######",
    "![](https://example.org/chart.png)",
    "![\u200B](chart.png \"a title\")",
    "<!-- a comment -->",
    "<!-- a comment\n\nof several lines --> <!---->",
    "> &nbsp; <!-- a -->",
    "[1]: https://example.org \"unused\"",
    "---",
    "***\n___\n- - -",
    "-",
    "1.\n2.\n",
    "> \n> >\n> - #",
    "|||\n|-|-|\n|||",
    "| &nbsp; | |\n|-|-|\n| ![](x) | <!-- c --> |",
    "```\n\n```",
    "**\u200B** _&nbsp;_ `\u00A0`",
};

TEST(IsBlankMarkdown, WhatShowsNothingIsBlank) {
  for (const char* text : kBlank) {
    EXPECT_TRUE(IsBlankMarkdown(text)) << text;
    EXPECT_THAT(Check(text), ElementsAre(StartsWith("response.comments: is required"))) << text;
    EXPECT_THAT(Check(text, base::Presence::kOptional), IsEmpty()) << text;
  }
}

TEST(IsBlankMarkdown, WhatShowsSomethingIsNot) {
  for (const char* text : {"a",
                           "Ŵ",
                           "4",
                           "1. a",
                           "# a",
                           "- - a",
                           "> **a**",
                           "?",
                           "👮",
                           "\u200Bx",
                           "é",
                           "e\u0301",
                           "&amp;",
                           "&#65;",
                           "![alt](x)",
                           "[](https://example.org)",
                           "[x]: y z",
                           "[1]\n\n[1]: https://example.org",
                           "<!-- never closed",
                           "<br>",
                           "<!-- c --> d",
                           "`-`",
                           "```\n.\n```",
                           "---a",
                           "| a |\n|-|",
                           "    x",
                           "\\#",
                           "1986",
                           "\uFFFD"}) {
    EXPECT_FALSE(IsBlankMarkdown(text)) << text;
    EXPECT_THAT(Check(text), IsEmpty()) << text;
  }
  EXPECT_TRUE(IsBlankMarkdown("1986.")) << "an empty list, as Markdown has it";
}

TEST(IsBlankMarkdown, TheQuickAnswerIsTheRenditionsAnswer) {
  const std::vector<std::string> kPieces = {"a", "1",  ".",  ")",      "#", "-", "*",  "_",    ">",   "+",
                                            " ", "\n", "\t", "`",      "~", "[", "]",  "(",    ":",   "|",
                                            "<", "!",  "&",  "\u00A0", "Ŵ", "=", "\\", "<!--", "-->", "https://x"};
  std::mt19937 random(55);  // Always the same texts.
  int surely = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string markdown;
    for (int n = random() % 12; n > 0; --n) {
      markdown += kPieces[random() % kPieces.size()];
    }
    if (IsSurelyVisible(markdown)) {
      ++surely;
      ASSERT_THAT(RenderPlainText(ParseMarkdown(markdown)), ::testing::ContainsRegex("[a-z]|Ŵ")) << markdown;
    }
  }
  EXPECT_GT(surely, 1'000);
}

// --- As any text ---

TEST(CheckMarkdown, CountsCharactersAndRefusesControlCharacters) {
  EXPECT_THAT(Check("ŵŷ’", base::Presence::kRequired, 3), IsEmpty());
  EXPECT_THAT(Check("ŵŷ’x", base::Presence::kRequired, 3), ElementsAre(HasSubstr("has 4 characters; at most 3")));
  EXPECT_THAT(Check("a\x01"), ElementsAre(HasSubstr("control character")));
  EXPECT_THAT(Check("a\r\n\tb"), IsEmpty());
}

TEST(CheckMarkdown, OrdinaryTextsOfTheGreatestLengthAreFit) {
  const auto fill = [](const std::string& piece) { return Repeat(piece, static_cast<int>(kLimit / piece.size())); };
  for (const std::string& text :
       {fill("We accept recommendation 4, and have begun: see \"Safe to share?\" (page 7). It isn't over.\n\n"),
        fill("- **Norfolk**: done, see [the plan](https://example.org/plan-2021) & the minutes\n"),
        fill("> Quoted & 'answered'.\n\n1. one\n   - two\n"),
        fill("| Recommendation | Owner | Due |\n|---|---|---|\n| 4 | "
             "Chief constable | *immediately* |\n| 5 | both | 6 months |\n\n"),
        "| Recommendation | Owner | Due |\n|---|---|---|\n" +
            fill("| 4 | Chief constable | December 2021 |\n").substr(0, 49'000),
        fill("See [the report][r], section 4 of it, and what the inspectorate said of the others.\n\n")
                .substr(0, 49'900) +
            "\n\n[r]: https://example.org/safe-to-share \"Safe to share?\"",
        fill("Gŵyl y tŷ – hawl i’r dŵr. ").substr(0, 45'000)}) {
    EXPECT_THAT(Check(text), IsEmpty()) << text.substr(0, 80);
  }
}

// --- What grows ---

// A text of about `bytes` that spends half of them on one long address and the other half on using it.
std::string LongReference(std::size_t bytes, std::string_view title = "") {
  return Repeat("[a] ", static_cast<int>(bytes / 8)) + "\n\n[a]: https://example.org/" +
         std::string(bytes / 2 - 32, 'x') + std::string(title);
}

TEST(CheckMarkdown, AReferenceUsedThousandsOfTimesIsRefused) {
  for (const std::string& text :
       {LongReference(49'000), LongReference(49'000, "\n  'title'"),
        Repeat("[a] ", 6'000) + "\n\n[a]: x (" + Repeat("t\n", 10'000) + ")",
        Repeat("[a] ", 6'000) + "\n\n[a]:\nhttps://example.org/" + std::string(20'000, 'x'),
        Repeat("> [a]\n", 4'000) + "\n> [a]:\n> https://example.org/" + std::string(20'000, 'x')}) {
    EXPECT_THAT(Check(text), ElementsAre(AllOf(StartsWith("response.comments: "), HasSubstr("link definitions"))))
        << text.substr(text.size() - 40);
  }
}

TEST(CheckMarkdown, TablesThatFillUpAreRefused) {
  const std::string wide = Repeat("|a", 1'000) + "\n" + Repeat("|-", 1'000) + "|\n";
  EXPECT_THAT(Check(wide + Repeat("x\n", 10'000)), ElementsAre(HasSubstr("could grow past 100000 cells")));
  // Within the bound on cells, but still much larger than the text.
  EXPECT_THAT(Check(wide + Repeat("x\n", 90)), ElementsAre(HasSubstr("use fewer cells")));
  // An empty line ends a table: what follows is not counted among its rows.
  EXPECT_THAT(Check(Repeat("|a", 100) + "\n" + Repeat("|-", 100) + "|\n\n" + Repeat("x\n", 10'000)), IsEmpty());
}

TEST(CheckMarkdown, NestingIsRefusedJustBelowTheDeepestLevel) {
  const auto nested = [](std::string_view mark, int depth) { return Repeat(mark, depth) + "deep"; };
  for (const char* mark : {"> ", ">", "- ", "1. ", "> - "}) {
    const int levels = std::string_view(mark) == "> - " ? 2 : 1;
    EXPECT_THAT(Check(nested(mark, (kMaxDepth - 1) / levels)), IsEmpty()) << mark;
    EXPECT_THAT(Check(nested(mark, kMaxDepth / levels)), ElementsAre(HasSubstr("more than 15 deep"))) << mark;
  }
  std::string steps;
  for (int i = 0; i < kMaxDepth; ++i) {
    steps += std::string(2 * static_cast<std::size_t>(i), ' ') + "- a\n";
  }
  EXPECT_THAT(Check(steps), ElementsAre(HasSubstr("more than 15 deep")));
  std::string emphasis = "deep";
  for (int i = 0; i < kMaxDepth; ++i) {
    emphasis = (i % 2 == 0 ? "*a " : "_a ") + emphasis + (i % 2 == 0 ? " b*" : " b_");
  }
  EXPECT_THAT(Check(emphasis), ElementsAre(HasSubstr("more than 15 deep")));
}

TEST(CheckMarkdown, TheRenderedSizeIsBoundedAtItsEdge) {
  // Six bytes that make 68 of JSON: 8,192 of them are at the edge.
  const auto size = [](const std::string& text) {
    const RenderedSize rendered = RenderedSizeOf(ParseMarkdown(text));
    return std::max(rendered.html, rendered.json);
  };
  const auto fits = [&](int times) {
    const std::string text = Repeat("[](#a)", times);
    return size(text) <= MostAllowedBytes(text.size());
  };
  int times = 8'192 - 20;
  ASSERT_TRUE(fits(times));
  for (; times < 8'192 + 20 && fits(times + 1); ++times) {
  }
  ASSERT_FALSE(fits(times + 1));
  EXPECT_THAT(Check(Repeat("[](#a)", times)), IsEmpty());
  EXPECT_THAT(Check(Repeat("[](#a)", times + 1)), ElementsAre(HasSubstr("bytes long when it is published")));
}

// --- The figures that all of that rests on ---

const std::vector<std::string>& Pieces() {
  static const auto& pieces = *new std::vector<std::string>{"a",
                                                            "b ",
                                                            "ŵ",
                                                            "“",
                                                            " ",
                                                            "\n",
                                                            "\n\n",
                                                            "- ",
                                                            "1. ",
                                                            "4) ",
                                                            "> ",
                                                            "# ",
                                                            "* ",
                                                            "*",
                                                            "**",
                                                            "_",
                                                            "`",
                                                            "```\n",
                                                            "[",
                                                            "](",
                                                            ")",
                                                            "![",
                                                            "<",
                                                            ">",
                                                            "<b ",
                                                            "&",
                                                            "\"",
                                                            "'",
                                                            "&lt;",
                                                            "|",
                                                            "|-|-|\n",
                                                            "    ",
                                                            "\t",
                                                            "\\",
                                                            "#frag",
                                                            "---\n",
                                                            "===\n",
                                                            "mailto:",
                                                            "<a@b.c>",
                                                            "[x]: #y\n",
                                                            "[x]",
                                                            "  \n",
                                                            "[](#)",
                                                            "http://",
                                                            "[](#ŵ)",
                                                            "~~",
                                                            "+ ",
                                                            "-\n",
                                                            "<!--",
                                                            "-->",
                                                            "| c | d |\n",
                                                            "|---|---|\n",
                                                            "https://x'y ",
                                                            "\xFF",
                                                            "\\\n"};
  return pieces;
}

std::string RandomText(std::mt19937& random, int most) {
  std::string markdown;
  for (int n = static_cast<int>(random() % static_cast<unsigned>(most)); n > 0; --n) {
    markdown += Pieces()[random() % Pieces().size()];
  }
  return markdown;
}

TEST(RenderedSize, IsWhatTheRenditionsTake) {
  std::mt19937 random(55);  // Always the same texts.
  for (int i = 0; i < 3'000; ++i) {
    const std::string markdown = RandomText(random, 60);
    const Blocks blocks = ParseMarkdown(markdown);
    const RenderedSize size = RenderedSizeOf(blocks);
    ASSERT_EQ(size.html, RenderHtml(blocks).size()) << markdown;
    ASSERT_EQ(size.json, ToJson(blocks).dump().size()) << markdown;
  }
}

TEST(Bounds, NoRenditionIsLargerThanTheBytesSay) {
  std::mt19937 random(55);
  for (int i = 0; i < 5'000; ++i) {
    const std::string markdown = RandomText(random, 40);
    const RenderedSize size = RenderedSizeOf(ParseMarkdown(markdown));
    ASSERT_LE(std::max(size.html, size.json), MostRenderedBytes(markdown)) << markdown;
  }
  for (const std::string& piece : Pieces()) {
    for (const std::string& other : Pieces()) {
      const std::string markdown = Repeat(piece + other, 100);
      const RenderedSize size = RenderedSizeOf(ParseMarkdown(markdown));
      ASSERT_LE(std::max(size.html, size.json), MostRenderedBytes(markdown)) << piece << other;
    }
  }
}

TEST(Bounds, WhatIsSurelyShallowIsNotFlattened) {
  std::mt19937 random(55);
  for (const std::string& piece : Pieces()) {
    for (const std::string& other : Pieces()) {
      for (const int times : {7, 15, 16, 40}) {
        const std::string markdown = Repeat(piece + other, times) + "deep";
        ASSERT_FALSE(IsSurelyShallow(markdown) && ReadMarkdown(markdown).flattened) << markdown;
      }
    }
  }
}

TEST(Bounds, References) {
  EXPECT_EQ(MostReferenceBytes(Lines("no [brackets] here")), 0u);
  // Two uses and the definition's own bracket, the length of its line with its end.
  EXPECT_EQ(MostReferenceBytes(Lines("[a] [a]\n\n[a]: #b\n\nmore")), 3 * 8u);
  // The address on the next line, the title on the third.
  EXPECT_EQ(MostReferenceBytes(Lines("[a]:\n#b\n\"t\"\nno more of it")), 1 * (5 + 3 + 4u));
  // A title that goes on to the end of the paragraph.
  EXPECT_EQ(MostReferenceBytes(Lines("[a]: #b \"t\nu\nv\nw\n\nx")), 1 * (11 + 2 + 2 + 2u));
  EXPECT_EQ(MostReferenceBytes(Lines("[a]: #b (t\\)\nu\nv\nw)\n\nx")), 1 * (13 + 2 + 2 + 3u));
}

TEST(Bounds, TableCells) {
  EXPECT_EQ(MostTableCells(Lines("a | b\n\nno dashes | here")), 0u);
  EXPECT_EQ(MostTableCells(Lines("| a | b |\n|---|:-:|\n| 1 | 2 |\n\n| x |")), 4 * 3u);
  EXPECT_EQ(MostTableCells(Lines("> 1. a|b\n>    -|-\n> \n\nx")), 2 * 3u);
}

}  // namespace
}  // namespace section55::document
