#include "libs/document/links.h"

#include <gtest/gtest.h>

namespace section55::document {
namespace {

TEST(SafeHref, KeepsWhatIsAllowed) {
  for (const char* url :
       {"https://www.example.org/a?b=c&d=%20#e", "http://example.org", "mailto:office@example.org",
        "mailto:a@example.org?subject=Section%2055", "#recommendation-4", "https://example.org/a_(b)"}) {
    EXPECT_EQ(SafeHref(url), url);
  }
}

TEST(SafeHref, WritesTheSchemeInLowerCase) {
  EXPECT_EQ(SafeHref("HTTPS://Example.org/A"), "https://Example.org/A");
  EXPECT_EQ(SafeHref("MailTo:A@example.org"), "mailto:A@example.org");
}

TEST(SafeHref, EncodesWhatAnAddressMustNotContain) {
  EXPECT_EQ(SafeHref("https://example.org/a b\"<>\\^`{|}[]"),
            "https://example.org/a%20b%22%3C%3E%5C%5E%60%7B%7C%7D%5B%5D");
  EXPECT_EQ(SafeHref("https://heddlu.cymru/ŵ"), "https://heddlu.cymru/%C5%B5");
  EXPECT_EQ(SafeHref("https://example.org/100%"), "https://example.org/100%25");
  EXPECT_EQ(SafeHref("https://example.org/%zz%4"), "https://example.org/%25zz%254");
}

TEST(SafeHref, IsIdempotent) {
  for (const char* url : {"https://example.org/a b%", "HTTP://example.org/ŷ|", "#ŵ", "mailto:<a@example.org>"}) {
    const auto once = SafeHref(url);
    ASSERT_TRUE(once.has_value()) << url;
    EXPECT_EQ(SafeHref(*once), once);
  }
}

TEST(SafeHref, RefusesEverythingElse) {
  using namespace std::string_view_literals;
  for (std::string_view url : {""sv,
                               "#"sv,
                               "mailto:"sv,
                               "https://"sv,
                               "https:"sv,
                               "https:example.org"sv,
                               "https:\\\\example.org"sv,
                               "https:///example.org"sv,
                               "https://\\example.org"sv,
                               "https://?a"sv,
                               "https://#a"sv,
                               "//example.org"sv,
                               "/annex"sv,
                               "annex.pdf"sv,
                               "?a"sv,
                               "javascript:alert(1)"sv,
                               "JaVaScRiPt:alert(1)"sv,
                               " javascript:alert(1)"sv,
                               "\tjavascript:alert(1)"sv,
                               "java\nscript:alert(1)"sv,
                               "\x01javascript:alert(1)"sv,
                               "javascript&colon;alert(1)"sv,
                               "data:text/html,<script>"sv,
                               "vbscript:a"sv,
                               "file:///etc/passwd"sv,
                               "ftp://example.org"sv,
                               "tel:999"sv,
                               "xhttps://example.org"sv,
                               " https://example.org"sv,
                               "https ://example.org"sv,
                               "https://example.org/\n"sv,
                               "https://example.org/\x7F"sv,
                               "https://example.org/\0a"sv,
                               "#a\tb"sv,
                               "view-source:https://example.org"sv}) {
    EXPECT_EQ(SafeHref(url), std::nullopt) << url;
  }
}

TEST(IsExternal, OnlyOtherSites) {
  EXPECT_TRUE(IsExternal("https://example.org"));
  EXPECT_TRUE(IsExternal("http://example.org"));
  EXPECT_FALSE(IsExternal("mailto:a@example.org"));
  EXPECT_FALSE(IsExternal("#https://example.org"));
}

}  // namespace
}  // namespace section55::document
