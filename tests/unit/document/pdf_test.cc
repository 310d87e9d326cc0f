#include "libs/document/pdf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <qpdf/QPDF.hh>
#include <qpdf/QPDFWriter.hh>
#include <thread>

#include "libs/document/plain_text.h"
#include "tests/unit/document/pdf_checker.h"
#include "tests/unit/document/rendition_text.h"
#include "tests/unit/document/sample_document.h"

namespace section55::document {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string PdfOf(const Document& document) {
  const absl::StatusOr<std::string> pdf = RenderPdf(document);
  EXPECT_TRUE(pdf.ok()) << pdf.status();
  return pdf.value_or("");
}

QPDFObjectHandle Page(QPDF& file) { return file.getAllPages().front(); }

std::string ContentOf(QPDFObjectHandle page) {
  const auto buffer = page.getKey("/Contents").getStreamData();
  return {reinterpret_cast<const char*>(buffer->getBuffer()), buffer->getSize()};
}

std::string Written(QPDF& file) {
  QPDFWriter writer(file);
  writer.setOutputMemory();
  writer.setStaticID(true);
  writer.write();
  const auto buffer = writer.getBufferSharedPointer();
  return {reinterpret_cast<const char*>(buffer->getBuffer()), buffer->getSize()};
}

Document TextDocument(const std::string& markdown) {
  return {.author = "A body", .title = "A text", .content = {ProseOf(markdown)}};
}

std::string Times(const std::string& text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) repeated += text;
  return repeated;
}

// Passes the checker, and is read as the tree is.
PdfReport ExpectSound(const Document& document) {
  PdfReport report = CheckPdf(PdfOf(document));
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_EQ(Seen(report.text), Seen(RenderPlainText(document)));
  return report;
}

TEST(Pdf, OfAWholeDocumentIsAccessibleAndReadInItsOrder) {
  const PdfReport report = ExpectSound(SampleDocument());
  EXPECT_GE(report.pages, 3);
  EXPECT_THAT(report.text_with_labels, HasSubstr("\u2022"));
}

TEST(Pdf, IsTheSameBytesTwiceAndInThreadsAtOnce) {
  const std::string expected = PdfOf(SampleDocument());
  std::vector<int> different(4);
  std::vector<std::thread> threads;
  for (int& count : different) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) count += RenderPdf(SampleDocument()).value_or("") != expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(different, std::vector<int>(4, 0));
}

TEST(Pdf, OfSixtyPagesAndMore) {
  Document document = SampleDocument();
  for (int i = 0; i < 150; ++i) {
    document.content.push_back(
        Element{Section{.id = "further-" + std::to_string(i), .heading = "Further", .content = {ProseOf(kLongText)}}});
  }
  EXPECT_GE(ExpectSound(document).pages, 60);
}

TEST(Pdf, RowsTallerThanAPageGoOnOnTheNext) {
  EXPECT_GE(
      ExpectSound(TextDocument("| a | b |\n|-|-|\n| short | " + Times("many words ", 2'000) + " |\n| x | y |\n")).pages,
      3);
}

TEST(Pdf, HeadsOfTablesRepeatAsArtifacts) {
  const Document document = TextDocument("| Unmistakable | b |\n|-|-|\n" + Times("| c | d |\n", 200));
  const PdfReport report = ExpectSound(document);  // It is read once.
  EXPECT_GE(report.pages, 4);
  // Seen on each page: the head's letters are drawn again.
  QPDF file;
  const std::string bytes = PdfOf(document);
  file.processMemoryFile("document.pdf", bytes.data(), bytes.size());
  bool is_first = true;
  for (const QPDFObjectHandle& page : file.getAllPages()) {
    // Words that say nothing stand on further pages alone, beside running heads, whose marks say what they are.
    EXPECT_EQ(ContentOf(page).find("/Artifact BMC\nBT") == std::string::npos, is_first);
    is_first = false;
  }
}

TEST(Pdf, TablesWiderThanAPageHaveRowsOfSeveralBands) {
  std::string header = "|", line = "|", row = "|";
  for (int i = 0; i < 40; ++i) {
    header += " head" + std::to_string(i) + " |";
    line += "-|";
    row += " cell" + std::to_string(i) + " |";
  }
  ExpectSound(TextDocument(header + "\n" + line + "\n" + row + "\n" + row + "\n"));
}

TEST(Pdf, WordsLongerThanALineAreBrokenAndReadWhole) {
  ExpectSound(
      TextDocument(Times("W", 5'000) + "\n\n- " + Times("i", 3'000) + "\n\n" + Times("longer than it seems ", 3'000)));
}

TEST(Pdf, DeepNestingKeepsAColumnToReadIn) {
  std::string markdown;
  for (int depth = 0; depth < 14; ++depth) markdown += std::string(static_cast<size_t>(depth) * 2, ' ') + "- item\n";
  ExpectSound(TextDocument(markdown + "\n" + Times("> ", 14) + "quoted\n"));
}

TEST(Pdf, OfManyLanguagesAndOfLettersThatNoFontHas) {
  ExpectSound(
      TextDocument("Ymateb \u0175 \u0177, \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 "
                   "\u0928\u092e\u0938\u094d\u0924\u0947 \u4f60\u597d \U0001F600 e\u0301 ffi \u2192"));
}

TEST(Pdf, ADraftIsMarkedAcrossThePageAndReadTheSame) {
  Document document = SampleDocument();
  const std::string clean = PdfOf(document);
  document.watermark = "Draft";
  ExpectSound(document);
  EXPECT_NE(PdfOf(document), clean);
}

TEST(Pdf, ARunningHeadThatIsTooLongSaysSo) {
  Document document = SampleDocument();
  document.title = "A title" + Times(" of many words", 20);
  const auto head = [](const Document& made) {
    QPDF other;
    const std::string bytes = PdfOf(made);
    other.processMemoryFile("document.pdf", bytes.data(), bytes.size());
    const std::string content = ContentOf(other.getAllPages().at(1));
    const size_t begin = content.find("/Subtype/Header");
    return content.substr(begin, content.find("EMC", begin) - begin);
  };
  // What does not fit is cut at the same place, and marked: another end makes no other head.
  Document longer = document;
  longer.title += " and more";
  EXPECT_EQ(head(longer), head(document));
  Document fitting = document;
  fitting.title = "A title of many words";
  EXPECT_NE(head(fitting), head(document));
}

TEST(Pdf, AColourThatCannotBeReadIsNotUsed) {
  Document document = SampleDocument();
  const std::string expected = PdfOf(document);
  document.colour = 0xffe000;  // Yellow on white.
  EXPECT_EQ(PdfOf(document), expected);
  document.colour = 0x6a1b4d;
  EXPECT_NE(PdfOf(document), expected);
  EXPECT_GT(ContrastOnWhite(0x000000), 20.9);
  EXPECT_LT(ContrastOnWhite(0xffffff), 1.1);
}

TEST(Pdf, HostileTextsAreBoundedInSizeAndTime) {
  for (const std::string& markdown :
       {Times("- a\n", 12'000), Times("a\n\n", 16'000), Times("**a** ", 8'000), Times("[a](https://b) ", 3'000),
        Times("|", 400) + "\n" + Times("|-", 400) + "|\n" + Times("| a |\n", 100), Times("\u0301", 20'000)}) {
    const absl::StatusOr<std::string> pdf = RenderPdf(TextDocument(markdown));
    ASSERT_TRUE(pdf.ok()) << pdf.status();
    EXPECT_LT(pdf->size(), 100 * markdown.size() + 200'000);
  }
  EXPECT_TRUE(absl::IsResourceExhausted(RenderPdf(TextDocument(Times("a\n\n", kMostPdfLines + 1))).status()));
}

// The checker finds what is wrong: each of these is a sound file with one thing broken.
struct Broken {
  std::string name;
  std::function<void(QPDF&)> breaking;
  std::string fault;
};

void ReplaceInContent(QPDF& file, const std::string& from, const std::string& to) {
  QPDFObjectHandle page = Page(file);
  std::string content = ContentOf(page);
  const size_t at = content.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  content.replace(at, from.size(), to);
  page.replaceKey("/Contents", QPDFObjectHandle::newStream(&file, content));
}

// The first element of a type.
QPDFObjectHandle Find(QPDFObjectHandle element, const std::string& type) {
  if (element.isDictionary() && element.getKey("/S").isNameAndEquals(type)) return element;
  QPDFObjectHandle kids = element.isDictionary() ? element.getKey("/K") : QPDFObjectHandle::newNull();
  for (int i = 0; kids.isArray() && i < kids.getArrayNItems(); ++i) {
    QPDFObjectHandle found = Find(kids.getArrayItem(i), type);
    if (found.isDictionary()) return found;
  }
  return QPDFObjectHandle::newNull();
}

QPDFObjectHandle First(QPDF& file, const std::string& type) {
  return Find(file.getRoot().getKey("/StructTreeRoot").getKey("/K"), type);
}

TEST(PdfChecker, FindsEachThingThatIsBroken) {
  const auto name = [](const char* text) { return QPDFObjectHandle::newName(text); };
  const std::vector<Broken> kinds = {
      {"language", [](QPDF& f) { f.getRoot().removeKey("/Lang"); }, "no language"},
      {"marked", [](QPDF& f) { f.getRoot().removeKey("/MarkInfo"); }, "not marked"},
      {"title", [](QPDF& f) { f.getRoot().removeKey("/ViewerPreferences"); }, "not displayed"},
      {"metadata", [](QPDF& f) { f.getRoot().removeKey("/Metadata"); }, "PDF/UA-1"},
      {"tabs", [](QPDF& f) { Page(f).removeKey("/Tabs"); }, "tabs"},
      {"untagged", [](QPDF& f) { ReplaceInContent(f, "/Artifact BMC\n", "/Artifact BMC EMC /Span BMC\n"); },
       "neither tagged"},
      {"unclosed", [](QPDF& f) { ReplaceInContent(f, "EMC\n", "\n"); }, "within"},
      {"mcid", [](QPDF& f) { ReplaceInContent(f, "/MCID 1>>", "/MCID 999>>"); }, "there is no mark 1"},
      {"parent tree",
       [](QPDF& f) {
         QPDFObjectHandle marks =
             f.getRoot().getKey("/StructTreeRoot").getKey("/ParentTree").getKey("/Nums").getArrayItem(1);
         marks.setArrayItem(0, marks.getArrayItem(1));
       },
       "another parent of mark 0"},
      {"headings", [&](QPDF& f) { First(f, "/H2").replaceKey("/S", name("/H4")); }, "H4 follows H1"},
      {"scope", [](QPDF& f) { First(f, "/TH").removeKey("/A"); }, "TH without"},
      {"list", [](QPDF& f) { First(f, "/L").removeKey("/A"); }, "L without"},
      {"nesting", [&](QPDF& f) { First(f, "/LBody").replaceKey("/S", name("/TD")); }, "/TD within /LI"},
      {"type", [&](QPDF& f) { First(f, "/P").replaceKey("/S", name("/Paragraph")); }, "no standard type"},
      {"figure", [&](QPDF& f) { First(f, "/P").replaceKey("/S", name("/Figure")); }, "figure without"},
      {"row", [](QPDF& f) { First(f, "/TR").getKey("/K").eraseItem(0); }, "different lengths"},
      {"contents", [](QPDF& f) { Page(f).getKey("/Annots").getArrayItem(0).removeKey("/Contents"); },
       "without contents"},
      {"annotation", [](QPDF& f) { Page(f).getKey("/Annots").getArrayItem(0).removeKey("/StructParent"); },
       "annotation of another"},
      {"link",
       [](QPDF& f) {
         QPDFObjectHandle kids = First(f, "/Link").getKey("/K");
         for (int i = kids.getArrayNItems() - 1; i >= 0; --i) {
           if (kids.getArrayItem(i).isDictionary()) kids.eraseItem(i);
         }
       },
       "leads nowhere"},
      {"unicode", [](QPDF& f) { Page(f).getKey("/Resources").getKey("/Font").getKey("/F0").removeKey("/ToUnicode"); },
       "no ToUnicode"},
      {"embedded",
       [](QPDF& f) {
         Page(f)
             .getKey("/Resources")
             .getKey("/Font")
             .getKey("/F0")
             .getKey("/DescendantFonts")
             .getArrayItem(0)
             .getKey("/FontDescriptor")
             .removeKey("/FontFile2");
       },
       "not embedded"},
  };
  const std::string sound = PdfOf(SampleDocument());
  for (const Broken& kind : kinds) {
    QPDF file;
    file.processMemoryFile("document.pdf", sound.data(), sound.size());
    kind.breaking(file);
    const PdfReport report = CheckPdf(Written(file));
    EXPECT_THAT(report.faults, Contains(HasSubstr(kind.fault))) << kind.name;
  }
  // Another order is another text.
  QPDF file;
  file.processMemoryFile("document.pdf", sound.data(), sound.size());
  QPDFObjectHandle kids = First(file, "/TR").getKey("/K");
  QPDFObjectHandle first = kids.getArrayItem(0);
  kids.setArrayItem(0, kids.getArrayItem(1));
  kids.setArrayItem(1, first);
  const PdfReport report = CheckPdf(Written(file));
  EXPECT_NE(Seen(report.text), Seen(RenderPlainText(SampleDocument())));
}

}  // namespace
}  // namespace section55::document
