#include "libs/document/markdown.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/document/json.h"
#include "libs/document/plain_text.h"

namespace section55::document {

// Shows blocks in the messages of failed expectations.
void PrintTo(const Block& block, std::ostream* out) { *out << ToJson({block}).dump(); }
void PrintTo(const Inline& item, std::ostream* out) { PrintTo(Block{Paragraph{{item}}}, out); }

namespace {

using ::testing::ElementsAre;

Block P(std::string text) { return {Paragraph{{{Text{std::move(text)}}}}}; }
Inline T(std::string text) { return {Text{std::move(text)}}; }
Inline L(std::string href, std::string text) { return {Link{std::move(href), {T(std::move(text))}}}; }

Inlines ParagraphOf(std::string_view markdown) {
  const Blocks blocks = ParseMarkdown(markdown);
  EXPECT_EQ(blocks.size(), 1u) << markdown;
  return blocks.empty() ? Inlines{} : std::get<Paragraph>(blocks[0].value).content;
}

TEST(ParseMarkdown, NothingGivesNothing) {
  EXPECT_TRUE(ParseMarkdown("").empty());
  EXPECT_TRUE(ParseMarkdown(" \n\t\r\n\n").empty());
}

TEST(ParseMarkdown, Inlines) {
  EXPECT_THAT(ParagraphOf("We *may* **accept** `R4`  \nnow\nor later"),
              ElementsAre(T("We "), Inline{Emphasis{{T("may")}}}, T(" "), Inline{Strong{{T("accept")}}}, T(" "),
                          Inline{Code{"R4"}}, Inline{LineBreak{}}, T("now or later")));
}

TEST(ParseMarkdown, KeepsTheSpaceBetweenTwoInlines) {
  EXPECT_EQ(RenderPlainText(ParagraphOf("*a* **b** `c` [d](#d) e")), "a b c d e");
}

TEST(ParseMarkdown, HeadingsKeepTheLevelThatWasWritten) {
  EXPECT_THAT(ParseMarkdown("### Three\n\nOne\n===\n\n#\n"),
              ElementsAre(Block{Heading{3, {T("Three")}}}, Block{Heading{1, {T("One")}}}));
}

TEST(ParseMarkdown, NestedBullets) {
  const List inner{.ordered = false, .start = 1, .tight = true, .items = {{P("two")}, {P("three")}}};
  const List outer{.ordered = false, .start = 1, .tight = true, .items = {{P("one"), Block{inner}}, {P("four")}}};
  EXPECT_THAT(ParseMarkdown("- one\n  - two\n  - three\n- four\n"), ElementsAre(Block{outer}));
}

TEST(ParseMarkdown, NumbersCanStartAtFour) {
  const List list{.ordered = true, .start = 4, .tight = false, .items = {{P("a")}, {P("b")}}};
  EXPECT_THAT(ParseMarkdown("4. a\n\n5. b\n"), ElementsAre(Block{list}));
}

TEST(ParseMarkdown, QuotesCodeAndBreaks) {
  EXPECT_THAT(ParseMarkdown("> said\n\n```cpp\na < b\n\nc\n```\n\n---\n"),
              ElementsAre(Block{BlockQuote{{P("said")}}}, Block{CodeBlock{"a < b\n\nc"}}, Block{ThematicBreak{}}));
}

TEST(ParseMarkdown, WelshLettersAndCurlyQuotes) {
  const std::string text = "“Gŵyl y tŷ” – hawl i’r dŵr, naïve €5";
  EXPECT_THAT(ParseMarkdown(text), ElementsAre(P(text)));
}

TEST(ParseMarkdown, Tables) {
  const Table table{.header = {{T("Force")}, {T("Grade")}},
                    .rows = {{{T("Norfolk")}, {{Strong{{T("Good")}}}}}, {{T("a|b")}, {}}}};
  EXPECT_THAT(ParseMarkdown("| Force | Grade |\n|---|:-:|\n| Norfolk | **Good** |\n| a\\|b |\n"),
              ElementsAre(Block{table}));
}

TEST(ParseMarkdown, CellsBeyondTheHeaderAreKept) {
  const auto row = [](std::string_view markdown) {
    return std::get<Table>(ParseMarkdown(markdown)[0].value).rows.at(0);
  };
  EXPECT_THAT(row("| a | b |\n|---|---|\n| 1 | 2 | *3* | 4 |\n"),
              ElementsAre(Inlines{T("1")}, Inlines{T("2 | 3 | 4 |")}));
  EXPECT_THAT(row("a | b\n---|---\n1 | 2 | 3\n"), ElementsAre(Inlines{T("1")}, Inlines{T("2 | 3")}));
  EXPECT_THAT(row("a | b\n---|---\n1\\|x | 2\n"), ElementsAre(Inlines{T("1|x")}, Inlines{T("2")}));
  EXPECT_THAT(row("| a |\r\n|---|\r\n| 1 | \xFF |\r\n"), ElementsAre(Inlines{T("1 | \uFFFD |")}));
  const Block quoted = ParseMarkdown("> | a | b |\n> |---|---|\n> | 1 | 2 | 3 |\n")[0];
  EXPECT_EQ(RenderPlainText(Blocks{quoted}), "a\tb\n1\t2 | 3 |");
}

TEST(ParseMarkdown, Links) {
  EXPECT_THAT(ParagraphOf("[HMICFRS](https://example.org/a \"a title\")"),
              ElementsAre(L("https://example.org/a", "HMICFRS")));
  EXPECT_THAT(ParagraphOf("[us](mailto:a@example.org)"), ElementsAre(L("mailto:a@example.org", "us")));
  EXPECT_THAT(ParagraphOf("<a@example.org>"), ElementsAre(L("mailto:a@example.org", "a@example.org")));
  EXPECT_THAT(ParagraphOf("[R4](#rec-4)"), ElementsAre(L("#rec-4", "R4")));
  EXPECT_THAT(ParagraphOf("[x][1]\n\n[1]: https://example.org"), ElementsAre(L("https://example.org", "x")));
  EXPECT_THAT(ParagraphOf("[](https://example.org)"), ElementsAre(L("https://example.org", "https://example.org")));
}

TEST(ParseMarkdown, ARefusedLinkKeepsItsText) {
  EXPECT_THAT(ParagraphOf("see [the *annex*](annex.pdf) now"),
              ElementsAre(T("see the "), Inline{Emphasis{{T("annex")}}}, T(" now")));
}

TEST(ParseMarkdown, BareAddressesBecomeLinks) {
  EXPECT_THAT(ParagraphOf("See https://example.org/a_b_c?d=e&f (and (http://example.org/g_(h))).\n"),
              ElementsAre(T("See "), L("https://example.org/a_b_c?d=e&f", "https://example.org/a_b_c?d=e&f"),
                          T(" (and ("), L("http://example.org/g_(h)", "http://example.org/g_(h)"), T(")).")));
  EXPECT_THAT(ParagraphOf("“https://example.org”, **https://example.org/b**"),
              ElementsAre(T("“"), L("https://example.org", "https://example.org"), T("”, "),
                          Inline{Strong{{L("https://example.org/b", "https://example.org/b")}}}));
}

TEST(ParseMarkdown, WhatIsNotABareAddressStaysText) {
  for (const char* text :
       {"http", "https://", "xhttps://example.org", "http and https", "ftp://example.org", "http:///a"}) {
    EXPECT_THAT(ParagraphOf(text), ElementsAre(T(text))) << text;
  }
  EXPECT_THAT(ParagraphOf("`https://example.org`"), ElementsAre(Inline{Code{"https://example.org"}}));
  EXPECT_THAT(ParagraphOf("[https://example.org/a](https://example.org/b)"),
              ElementsAre(L("https://example.org/b", "https://example.org/a")));
}

TEST(ParseMarkdown, ImagesBecomeTheirAlternativeText) {
  EXPECT_THAT(ParagraphOf("before ![the *chart* of `x`](https://example.org/c.png) after"),
              ElementsAre(T("before the chart of x after")));
  EXPECT_THAT(ParagraphOf("[![logo](a.png)](https://example.org)"), ElementsAre(L("https://example.org", "logo")));
  EXPECT_TRUE(ParseMarkdown("![](https://example.org/c.png)").empty());
}

TEST(ParseMarkdown, RawHtmlIsLiteralText) {
  EXPECT_THAT(ParagraphOf("a <b onclick=\"x\">b</b> d"), ElementsAre(T("a <b onclick=\"x\">b</b> d")));
  EXPECT_THAT(ParagraphOf("<div>\n*a*\n</div>"),
              ElementsAre(T("<div>"), Inline{LineBreak{}}, T("*a*"), Inline{LineBreak{}}, T("</div>")));
}

TEST(ParseMarkdown, CommentsAreDropped) {
  EXPECT_THAT(ParagraphOf("a<!-- c --> d"), ElementsAre(T("a d")));
  EXPECT_THAT(ParagraphOf("<!-- c --> d <!-- e -->"), ElementsAre(T(" d ")));
  EXPECT_THAT(ParseMarkdown("<!-- c\n\nc --> <!---->\n\nd"), ElementsAre(P("d")));
  EXPECT_THAT(ParagraphOf("![a <!-- c --> b](x)"), ElementsAre(T("a  b")));
  EXPECT_THAT(ParagraphOf("`<!-- c -->`"), ElementsAre(Inline{Code{"<!-- c -->"}})) << "code is no HTML";
  EXPECT_THAT(ParagraphOf("a <!-- c"), ElementsAre(T("a <!-- c"))) << "one that does not end";
}

TEST(ParseMarkdown, WhatShowsNothingIsDropped) {
  for (const char* text : {"&nbsp;", "\u200B", "# \u00A0", "<!-- c -->", "![](x)", "**\u200B**"}) {
    EXPECT_TRUE(ParseMarkdown(text).empty()) << text;
  }
  EXPECT_THAT(ParagraphOf("[&nbsp;](https://example.org)"),
              ElementsAre(L("https://example.org", "https://example.org")));
}

TEST(ParseMarkdown, EntitiesAreCharactersAndForbiddenOnesAreReplaced) {
  EXPECT_THAT(ParagraphOf("&lt;b&gt; &amp; &#373; &#x177;"), ElementsAre(T("<b> & ŵ ŷ")));
  for (const char* forbidden : {"\x01", "&#2;", "\x7F", "&#x7F;", "&#x85;", "\xC2\x85", "&#xFFFE;", "&#xFFFF;",
                                "\xEF\xBF\xBE", "\xEF\xBF\xBF", "&#xD800;", "&#0;", "&#13;", "&#x110000;"}) {
    EXPECT_THAT(ParseMarkdown(std::string("a") + forbidden + "b"), ElementsAre(P("a\uFFFDb"))) << forbidden;
  }
}

TEST(ParseMarkdown, InvalidUtf8IsReplaced) {
  using namespace std::string_view_literals;
  for (std::string_view invalid : {"\xFF"sv, "\xC3"sv, "\xED\xA0\x80"sv, "\xC0\x80"sv, "\xF5\x80\x80\x80"sv, "\0"sv}) {
    const std::string text =
        RenderPlainText(ParseMarkdown("a" + std::string(invalid) + "b `" + std::string(invalid) + "`"));
    EXPECT_TRUE(text.starts_with("a\uFFFD")) << text;
    EXPECT_NO_THROW((void)nlohmann::json(text).dump()) << text;  // dump() throws unless the string is valid UTF-8.
  }
}

}  // namespace
}  // namespace section55::document
