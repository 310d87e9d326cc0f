#include "services/publication/pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/publication/rules.h"
#include "tests/unit/publication/page_reader.h"
#include "tests/unit/publication/sample_response.h"

namespace section55::publication {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::PublicationRecord Record(absl::CivilDay day) {
  v1::PublicationRecord record = *rules::Publish(SampleResponse(), std::nullopt, MorningOf(day));
  record.set_content_hash(std::string(64, 'f'));
  return record;
}

TEST(RegisterPage, ShowsEachPublication) {
  const std::string page =
      RegisterPage({Record(absl::CivilDay(2021, 2, 9)), Record(absl::CivilDay(2021, 2, 12))}, true, "");
  const std::string text = TextOfPage(page);
  EXPECT_THAT(page, HasSubstr("<a href=\"/responses/norfolk-pcc/safe-to-share\">"));
  EXPECT_THAT(text, HasSubstr("Police and Crime Commissioner for Norfolk: Safe to share?"));
  EXPECT_THAT(text, HasSubstr("9 February 2021 at 09:15:30 GMT"));
  EXPECT_THAT(text, HasSubstr("Day 55 of 56"));
  EXPECT_THAT(text, HasSubstr("Late by 2 days"));
  EXPECT_THAT(text, HasSubstr(std::string(64, 'f')));  // complete, for copying
  EXPECT_THAT(text, Not(HasSubstr("Older")));
}

TEST(RegisterPage, SaysWhenALaterEditionCameOut) {
  authoring::v1::Response second = SampleResponse();
  second.set_edition(2);
  const v1::PublicationRecord record =
      *rules::Publish(second, Record(absl::CivilDay(2021, 2, 9)), MorningOf(absl::CivilDay(2021, 3, 15)));
  const std::string text = TextOfPage(RegisterPage({record}, true, ""));
  EXPECT_THAT(text, HasSubstr("9 February 2021 at 09:15:30 GMT"));
  EXPECT_THAT(text, HasSubstr("Day 55 of 56"));
  EXPECT_THAT(text, HasSubstr("2, published 15 March 2021 at 09:15:30 GMT"));
}

TEST(RegisterPage, LeadsToOlderOnesAndBack) {
  EXPECT_THAT(RegisterPage({Record(absl::CivilDay(2021, 2, 9))}, true, "/?after=1.a.b"),
              HasSubstr("<a href=\"/?after=1.a.b\" rel=\"next\">"));
  EXPECT_THAT(TextOfPage(RegisterPage({Record(absl::CivilDay(2021, 2, 9))}, false, "")),
              HasSubstr("Back to the latest"));
}

TEST(RegisterPage, SaysThatNothingIsThereYet) {
  EXPECT_THAT(TextOfPage(RegisterPage({}, true, "")), HasSubstr("Nothing has been published."));
}

TEST(RegisterPage, ShowsHostileTitlesAsText) {
  v1::PublicationRecord record = Record(absl::CivilDay(2021, 2, 9));
  record.set_body_title("<b>{{report}}</b>");
  record.set_inspection_title("\"><script>");
  const std::string page = RegisterPage({record}, true, "");
  EXPECT_THAT(TextOfPage(page), HasSubstr("<b>{{report}}</b>: \"><script>"));
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
}

TEST(ResponsePage, PutsThePageRoundTheArticleAndLinksTheFormats) {
  const std::string article =
      "<article class=\"document\" lang=\"en-GB\">\n<p class=\"author\">A &amp; B</p>\n<h1>Response to {{x}} "
      "&lt;i&gt;</h1>\n"
      "</article>\n";
  const std::string page = ResponsePage(article, {{.words = "PDF, 3 KB", .path = "/responses/a/b.pdf"},
                                                  {.words = "Data (JSON), 9 KB", .path = "/responses/a/b.json"}});
  EXPECT_THAT(page, HasSubstr(article));
  EXPECT_THAT(page, HasSubstr("<title>A &amp; B: Response to {{x}} &lt;i&gt; - "));
  EXPECT_THAT(page, HasSubstr("<a href=\"/responses/a/b.pdf\">PDF, 3 KB</a>"));
  EXPECT_THAT(page, HasSubstr("<link rel=\"alternate\" type=\"application/json\" href=\"/responses/a/b.json\">"));
  TextOfPage(page);
}

TEST(SizeWords, AreWholeKilobytesAndTenthsOfMegabytes) {
  EXPECT_EQ(SizeWords(1), "1 KB");
  EXPECT_EQ(SizeWords(1025), "2 KB");
  EXPECT_EQ(SizeWords(1'310'720), "1.2 MB");
}

TEST(NotFoundPage, LeadsBackToTheRegister) {
  EXPECT_THAT(NotFoundPage(), HasSubstr("<a href=\"/\">"));
  EXPECT_THAT(TextOfPage(NotFoundPage()), HasSubstr("Page not found"));
}

}  // namespace
}  // namespace section55::publication
