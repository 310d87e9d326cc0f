#include "libs/document/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/document/markdown.h"

namespace section55::document {
namespace {

std::string Html(std::string_view markdown, int offset = 0) {
  return RenderHtml(ParseMarkdown(markdown), {.heading_offset = offset});
}

TEST(EscapeHtml, EscapesForTextAndAttributes) {
  EXPECT_EQ(EscapeHtml("<a href=\"x\" b='y'>&amp;</a> ŵ"),
            "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt; ŵ");
  EXPECT_EQ(EscapeHtml(""), "");
}

TEST(RenderHtml, ParagraphsAndInlines) {
  EXPECT_EQ(Html("We *may* **accept** `R<4`  \nnow\n\nGŵyl"),
            "<p>We <em>may</em> <strong>accept</strong> <code>R&lt;4</code><br>\nnow</p>\n<p>Gŵyl</p>\n");
}

TEST(RenderHtml, NestedBullets) {
  EXPECT_EQ(Html("- one\n  - two\n- three\n"),
            "<ul>\n<li>one\n<ul>\n<li>two\n</li>\n</ul>\n</li>\n<li>three\n</li>\n</ul>\n");
}

TEST(RenderHtml, ALooseListWithinATightItemKeepsItsParagraphs) {
  EXPECT_EQ(
      Html("> - one\n\n1. a\n\n2. b\n"),
      "<blockquote>\n<ul>\n<li>one\n</li>\n</ul>\n</blockquote>\n<ol>\n<li>\n<p>a</p>\n</li>\n<li>\n<p>b</p>\n</li>\n"
      "</ol>\n");
}

TEST(RenderHtml, NumbersStartWhereTheWriterStarted) {
  EXPECT_EQ(Html("4. a\n5. b\n"), "<ol start=\"4\">\n<li>a\n</li>\n<li>b\n</li>\n</ol>\n");
  EXPECT_EQ(Html("0. a\n"), "<ol start=\"0\">\n<li>a\n</li>\n</ol>\n");
  EXPECT_EQ(Html("1. a\n"), "<ol>\n<li>a\n</li>\n</ol>\n");
}

TEST(RenderHtml, HeadingsStandBeneathTheSection) {
  EXPECT_EQ(Html("# A\n\n### B\n\n> # C\n", 2), "<h3>A</h3>\n<h4>B</h4>\n<blockquote>\n<h3>C</h3>\n</blockquote>\n");
  EXPECT_EQ(Html("# A\n## B\n### C\n", 5), "<h6>A</h6>\n<h6>B</h6>\n<h6>C</h6>\n");
}

TEST(RenderHtml, TablesScrollAndNameTheirColumns) {
  EXPECT_EQ(
      Html("| Force | |\n|---|---|\n| A & B | good |\n"),
      "<div class=\"table-scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Table\">\n<table>\n<thead>\n<tr>\n"
      "<th scope=\"col\">Force</th>\n<td></td>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>A &amp; B</td>\n<td>good</td>\n"
      "</tr>\n</tbody>\n</table>\n</div>\n");
  EXPECT_THAT(
      RenderHtml(ParseMarkdown("|a|\n|-|\n\nAnd\n\n|b|\n|-|\n"), {}),
      ::testing::AllOf(::testing::HasSubstr("aria-label=\"Table\""), ::testing::HasSubstr("aria-label=\"Table (2)\"")))
      << "regions are told apart by their names";
  EXPECT_THAT(RenderHtml(ParseMarkdown("|a|\n|-|\n"), {.table_label = "Tabl \"1\""}),
              ::testing::HasSubstr("aria-label=\"Tabl &quot;1&quot;\""));
}

TEST(RenderHtml, CodeAndBreaks) {
  EXPECT_EQ(Html("    <b>\n    c\n\n***\n"), "<pre><code>&lt;b&gt;\nc</code></pre>\n<hr>\n");
}

TEST(RenderHtml, OnlyExternalLinksCarryARelation) {
  EXPECT_EQ(Html("[a](https://example.org/?b&c)"),
            "<p><a href=\"https://example.org/?b&amp;c\" rel=\"noopener noreferrer\">a</a></p>\n");
  EXPECT_EQ(Html("[a](#b)"), "<p><a href=\"#b\">a</a></p>\n");
  EXPECT_EQ(Html("[a](mailto:b@example.org)"), "<p><a href=\"mailto:b@example.org\">a</a></p>\n");
}

TEST(RenderHtml, ALinkMadeByHandIsCheckedToo) {
  const Blocks blocks = {{Paragraph{{{Link{"javascript:alert(1)", {{Text{"a"}}}}}}}},
                         {Paragraph{{{Link{"https://example.org/\" onclick=\"x", {{Text{"b"}}}}}}}}};
  EXPECT_EQ(RenderHtml(blocks),
            "<p>a</p>\n<p><a href=\"https://example.org/%22%20onclick=%22x\" rel=\"noopener noreferrer\">b</a></p>\n");
}

}  // namespace
}  // namespace section55::document
