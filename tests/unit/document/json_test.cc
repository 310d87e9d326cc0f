#include "libs/document/json.h"

#include <gtest/gtest.h>

#include "libs/document/markdown.h"

namespace section55::document {
namespace {

std::string Json(std::string_view markdown) { return ToJson(ParseMarkdown(markdown)).dump(); }

TEST(ToJson, EveryKindHasItsDocumentedShape) {
  EXPECT_EQ(Json(""), "[]");
  EXPECT_EQ(Json("### tŷ\n"), R"([{"type":"heading","level":3,"content":[{"type":"text","text":"tŷ"}]}])");
  EXPECT_EQ(
      Json("*a***b**`c`  \n[d](#d)"),
      R"([{"type":"paragraph","content":[{"type":"emphasis","content":[{"type":"text","text":"a"}]},)"
      R"({"type":"strong","content":[{"type":"text","text":"b"}]},{"type":"code","text":"c"},{"type":"line_break"},)"
      R"({"type":"link","href":"#d","content":[{"type":"text","text":"d"}]}]}])");
  EXPECT_EQ(Json("4. a"),
            R"([{"type":"list","ordered":true,"start":4,"tight":true,"items":[[{"type":"paragraph","content":)"
            R"([{"type":"text","text":"a"}]}]]}])");
  EXPECT_EQ(Json("> a\n\n---\n\n    b\n"),
            R"([{"type":"block_quote","content":[{"type":"paragraph","content":[{"type":"text","text":"a"}]}]},)"
            R"({"type":"thematic_break"},{"type":"code_block","text":"b"}])");
  EXPECT_EQ(Json("|a|\n|-|\n| |\n"), R"([{"type":"table","header":[[{"type":"text","text":"a"}]],"rows":[[[]]]}])");
}

TEST(ToJson, AnEmptyListItemIsAnEmptyArray) {
  EXPECT_EQ(Json("-\n"), R"([{"type":"list","ordered":false,"start":1,"tight":true,"items":[[]]}])");
}

}  // namespace
}  // namespace section55::document
