#include "libs/document/word.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "tests/unit/document/rendition_text.h"
#include "tests/unit/document/sample_document.h"
#include "tests/unit/document/word_checker.h"

namespace section55::document {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Word, IsTheSameBytesTwiceAndTellsNoTime) {
  const std::string word = RenderWord(SampleDocument()).value_or("");
  EXPECT_EQ(RenderWord(SampleDocument()).value_or("-"), word);
  EXPECT_EQ(FileOfZip(word, "docProps/core.xml").find("dcterms"), std::string::npos);
  EXPECT_THAT(FileOfZip(word, "docProps/core.xml"), HasSubstr("<dc:title>Response to Safe to share?</dc:title>"));
}

TEST(Word, HasRealStylesListsHeaderRowsAndLanguages) {
  const std::string text = FileOfZip(RenderWord(SampleDocument()).value_or(""), "word/document.xml");
  for (const char* expected : {"<w:pStyle w:val=\"Heading1\"", "<w:pStyle w:val=\"Heading2\"", "<w:numId w:val=\"1\"",
                               "<w:numId w:val=\"2\"", "<w:tblHeader", "<w:lang w:val=\"cy\"",
                               "<w:hyperlink w:anchor=\"part_", "<w:hyperlink r:id=\"link0\"", "<w:bookmarkStart"}) {
    EXPECT_THAT(text, HasSubstr(expected));
  }
}

TEST(Word, ADraftSaysSoFirstAndOnEveryPage) {
  Document document = SampleDocument();
  document.watermark = "Draft";
  const std::string word = RenderWord(document).value_or("");
  EXPECT_THAT(FaultsOfWord(word), IsEmpty());
  EXPECT_THAT(TextOfWord(word), ::testing::StartsWith("Draft\n"));
  EXPECT_THAT(FileOfZip(word, "word/header.xml"), HasSubstr(">Draft  </w:t>"));
}

// The file with something else in the place of a piece of one part.
std::string Replaced(const std::string& bytes, const std::string& part, const std::string& from,
                     const std::string& to) {
  std::string content = FileOfZip(bytes, part);
  const size_t at = content.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  content.replace(at == std::string::npos ? 0 : at, from.size(), to);
  zip_error_t error;
  // A copy that the library owns: it frees what it has written anew.
  void* copy = std::malloc(bytes.size());
  std::memcpy(copy, bytes.data(), bytes.size());
  zip_source_t* source = zip_source_buffer_create(copy, bytes.size(), 1, &error);
  zip_source_keep(source);
  zip_t* archive = zip_open_from_source(source, 0, &error);
  zip_file_replace(archive, static_cast<zip_uint64_t>(zip_name_locate(archive, part.c_str(), 0)),
                   zip_source_buffer(archive, content.data(), content.size(), 0), 0);
  EXPECT_EQ(zip_close(archive), 0);
  std::string written;
  zip_source_open(source);
  zip_source_seek(source, 0, SEEK_END);
  written.resize(static_cast<size_t>(zip_source_tell(source)));
  zip_source_seek(source, 0, SEEK_SET);
  zip_source_read(source, written.data(), written.size());
  zip_source_close(source);
  zip_source_free(source);
  return written;
}

TEST(Word, IsSoundAndTheCheckerFindsEachThingThatIsBroken) {
  const std::string sound = RenderWord(SampleDocument()).value_or("");
  ASSERT_THAT(FaultsOfWord(sound), IsEmpty());
  struct Broken {
    std::string part, from, to, fault;
  };
  const std::string document = "word/document.xml";
  for (const Broken& broken : std::vector<Broken>{
           {document, "</w:body>", "", "not well-formed"},
           {document, "w:val=\"Author\"", "w:val=\"Auteur\"", "no style Auteur"},
           {document, "<w:numId w:val=\"1\"", "<w:numId w:val=\"99\"", "no list 99"},
           {document, "r:id=\"link0\"", "r:id=\"link99\"", "no relationship link99"},
           {document, "w:anchor=\"part_", "w:anchor=\"nowhere_", "no bookmark nowhere"},
           {document, "<w:tblHeader", "<w:cantSplit", "without a header row"},
           {document, "<w:gridCol", "<w:gridCol/><w:gridCol", "in a grid of"},
           {document, "w:val=\"Heading2\"", "w:val=\"Heading4\"", "heading 4 follows heading 1"},
           {document, "<w:pStyle", "<w:jc w:val=\"left\"/><w:pStyle", "w:pStyle stands too late"},
           {document, "<w:pStyle", "<w:style/><w:pStyle", "may not stand in w:pPr"},
           {"[Content_Types].xml", "/word/styles.xml", "/word/stiles.xml", "word/styles.xml has no type"},
           {"word/_rels/document.xml.rels", "Target=\"styles.xml\"", "Target=\"stiles.xml\"", "leads to stiles.xml"},
           {"docProps/core.xml", "<dc:title>", "<dc:title/><dc:subject>", "not well-formed"},
           {"docProps/core.xml", "</cp:coreProperties>", "<dcterms:created/></cp:coreProperties>", "when it was made"},
       }) {
    EXPECT_THAT(FaultsOfWord(Replaced(sound, broken.part, broken.from, broken.to)), Contains(HasSubstr(broken.fault)))
        << broken.from;
  }
  EXPECT_THAT(FaultsOfWord(sound.substr(0, sound.size() / 2)), Contains(HasSubstr("no consistent zip archive")));
}

}  // namespace
}  // namespace section55::document
