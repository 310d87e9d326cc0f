// One tree, five renditions: the words of each are the same in the same order.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>

#include "libs/document/html.h"
#include "libs/document/json.h"
#include "libs/document/pdf.h"
#include "libs/document/plain_text.h"
#include "libs/document/word.h"
#include "tests/unit/document/pdf_checker.h"
#include "tests/unit/document/rendition_text.h"
#include "tests/unit/document/sample_document.h"
#include "tests/unit/document/word_checker.h"

namespace section55::document {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A folder of its own that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "renditions-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string File(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

void WriteTo(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

std::string ReadFrom(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  Document Make() {
    Document document{.author = "", .title = "Title " + Word(), .subtitle = Chance(2) ? "Subtitle" : ""};
    document.watermark = Chance(8) ? "Draft" : "";
    document.content = Elements(0);
    document.content.push_back(ProseOf("The end."));
    return document;
  }

 private:
  bool Chance(unsigned n) { return random_() % n == 0; }

  std::string Word() {
    static const std::vector<std::string> kWords = {"office",
                                                    "ffi",
                                                    "\u0175yl",
                                                    "constable",
                                                    "\u201cshare\u201d",
                                                    "a",
                                                    "Norfolk\u2019s",
                                                    "1996",
                                                    "section",
                                                    "& <b>",
                                                    "extraordinarily-long-compound"};
    return kWords[random_() % kWords.size()];
  }

  std::string Line() {
    std::string line = Word();
    for (unsigned n = random_() % 12; n > 0; --n) line += " " + Word();
    return line;
  }

  std::string Markdown() {
    std::string text;
    for (unsigned n = 1 + random_() % 6; n > 0; --n) {
      switch (random_() % 10) {
        case 0:
          text += "# " + Line() + "\n\n";
          break;
        case 1:
          text += "### " + Line() + "\n\n";
          break;
        case 2:
          text += "- " + Line() + "\n  1. " + Line() + "\n  2. " + Line() + "\n- " + Line() + "\n\n";
          break;
        case 3:
          text += "> " + Line() + "\n>\n> - " + Line() + "\n\n";
          break;
        case 4:
          text += "| " + Word() + " | " + Word() + " |\n|---|---|\n| " + Line() + " | " + Word() + " |\n| | " + Word() +
                  " |\n\n";
          break;
        case 5:
          text += "```\n" + Line() + "\n" + Word() + "\n```\n\n";
          break;
        case 6:
          text += "[" + Line() + "](https://example.org/" + std::to_string(random_() % 100) + ") *" + Word() + "* **" +
                  Word() + "**\n\n---\n\n";
          break;
        case 7:
          text += "7. " + Line() + "\n\n   " + Line() + "\n\n8. `" + Word() + "`\n\n";
          break;
        default:
          text += Line() + "\\\n" + Line() + " " + Line() + " " + Line() + "\n\n";
      }
    }
    return text;
  }

  std::vector<Element> Elements(int depth) {
    std::vector<Element> elements;
    for (unsigned n = 1 + random_() % 4; n > 0; --n) {
      switch (random_() % 6) {
        case 0:
        case 1:
          if (depth < 3) {
            elements.push_back(Element{Section{.id = "part-" + std::to_string(++ids_),
                                               .heading = Line(),
                                               .role = static_cast<Section::Role>(random_() % 4),
                                               .content = Elements(depth + 1)}});
          }
          break;
        case 2:
          elements.push_back(
              Element{Facts{.facts = {{.label = Word(), .value = Words(Line())},
                                      {.label = Word(), .value = LinkTo("#part-1", Line()), .mark = Word()}},
                            .boxed = Chance(2)}});
          break;
        case 3:
          elements.push_back(
              Element{Remark{.content = Words(Line()), .kind = static_cast<Remark::Kind>(random_() % 4)}});
          break;
        case 4:
          elements.push_back(
              Element{Overview{.caption = Line(),
                               .columns = {Word(), Word()},
                               .rows = {{Words(Word()), Words(Line())}, {LinkTo("#part-1", Word()), Words(Word())}}}});
          break;
        default:
          elements.push_back(ProseOf(Markdown(), "the text", Chance(4) ? "cy" : ""));
      }
    }
    return elements;
  }

  std::mt19937 random_;
  int ids_ = 0;
};

// What pdftotext prints of a file in the order of its content, without what stands at the edge of each page.
std::string PdfToText(const Folder& folder, const std::string& pdf, const Document& document, int pages) {
  WriteTo(folder.File("d.pdf"), pdf);
  const std::string command =
      fmt::format("pdftotext -raw -enc UTF-8 {} {} 2>&1", folder.File("d.pdf"), folder.File("d.txt"));
  EXPECT_EQ(system(command.c_str()), 0);
  const std::string printed = ReadFrom(folder.File("d.txt"));
  std::string text;
  size_t begin = 0;
  for (int page = 1; page <= pages; ++page) {
    const size_t end = std::min(printed.find('\f', begin), printed.size());
    std::string seen = Seen(printed.substr(begin, end - begin));
    const std::string edge =
        Seen(page == 1 ? "" : document.author + document.title) + Seen(fmt::format("Page {} of {}", page, pages));
    EXPECT_TRUE(seen.ends_with(edge)) << seen << "\n" << edge;
    seen.resize(seen.size() - std::min(seen.size(), edge.size()));
    text += seen;
    begin = end + 1;
  }
  return text;
}

TEST(Renditions, SayTheSameWordsInTheSameOrderInTwoHundredDocuments) {
  const Folder folder;
  for (unsigned seed = 0; seed < 200; ++seed) {
    const Document document = Generator(seed).Make();
    const std::string expected = Seen(RenderPlainText(document));
    ASSERT_EQ(Seen(TextBetweenTags(RenderArticle(document))), expected) << seed;
    std::string json;
    AddTextOfJson(nlohmann::ordered_json::parse(RenderJson(document)), json);
    ASSERT_EQ(Seen(json), expected) << seed;
    const absl::StatusOr<std::string> word = RenderWord(document);
    ASSERT_TRUE(word.ok()) << word.status();
    ASSERT_EQ(Seen(TextOfWord(*word)), expected) << seed;
    ASSERT_THAT(FaultsOfWord(*word), IsEmpty()) << seed;
    const absl::StatusOr<std::string> pdf = RenderPdf(document);
    ASSERT_TRUE(pdf.ok()) << pdf.status();
    const PdfReport report = CheckPdf(*pdf);
    ASSERT_THAT(report.faults, IsEmpty()) << seed;
    ASSERT_EQ(Seen(report.text), expected) << seed;
    if (!document.watermark.empty()) {
      continue;  // What stands across each page is printed somewhere among its words.
    }
    const std::string printed = PdfToText(folder, *pdf, document, report.pages),
                      labelled = Seen(report.text_with_labels);
    const auto [here, there] = std::mismatch(printed.begin(), printed.end(), labelled.begin(), labelled.end());
    ASSERT_EQ(printed, labelled) << seed << ": " << std::string(here, printed.end()).substr(0, 80) << " instead of "
                                 << std::string(there, labelled.end()).substr(0, 80);
  }
}

TEST(Renditions, TheMailHasTheWordsToo) {
  const std::string mail = RenderMail(SampleDocument());
  for (const char* expected :
       {"Response to Safe to share?\n==========================\n", "\nKey findings\n------------\n",
        "\nPublished: In time 9 February 2021, day 55 of 56\n",
        "\n- The strategy names eleven thematic problems:\n  - from domestic", "\n1. First\n2. Second\n",
        "\n> Victims must be safe to report.\n", "<https://www.justiceinspectorates.gov.uk/safe-to-share>"}) {
    EXPECT_THAT(mail, HasSubstr(expected));
  }
  size_t begin = 0;
  while (begin < mail.size()) {
    const size_t end = mail.find('\n', begin);
    ASSERT_NE(end, std::string::npos);
    const std::string line = mail.substr(begin, end - begin);
    // Of a line of European text.
    const auto length = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; });
    EXPECT_TRUE(length <= 76 || line.find(' ', line.find_first_not_of(' ')) == std::string::npos) << line;
    begin = end + 1;
  }
}

}  // namespace
}  // namespace section55::document
