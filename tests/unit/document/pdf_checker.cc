#include "tests/unit/document/pdf_checker.h"

#include <fmt/format.h>
#include <glib.h>

#include <map>
#include <memory>
#include <optional>
#include <qpdf/QPDF.hh>
#include <qpdf/QPDFObjectHandle.hh>
#include <qpdf/QPDFPageDocumentHelper.hh>
#include <qpdf/QPDFPageObjectHelper.hh>
#include <set>

namespace section55::document {
namespace {

using Object = QPDFObjectHandle;
using Id = QPDFObjGen;

std::string FromUtf16(const std::vector<unsigned>& units) {
  std::vector<gunichar2> copy(units.begin(), units.end());
  gchar* text = g_utf16_to_utf8(copy.data(), static_cast<glong>(copy.size()), nullptr, nullptr, nullptr);
  std::string result = text == nullptr ? "" : text;
  g_free(text);
  return result;
}

std::vector<unsigned> Units(const std::string& bytes) {
  std::vector<unsigned> units;
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
    units.push_back(static_cast<unsigned char>(bytes[i]) << 8 | static_cast<unsigned char>(bytes[i + 1]));
  }
  return units;
}

// The pairs of a ToUnicode map.
std::map<unsigned, std::string> ReadMap(const std::string& cmap) {
  std::map<unsigned, std::string> map;
  size_t at = 0;
  while ((at = cmap.find("beginbfchar", at)) != std::string::npos) {
    const size_t end = cmap.find("endbfchar", at);
    while (true) {
      const size_t first = cmap.find('<', at);
      if (first == std::string::npos || first > end) break;
      const size_t first_end = cmap.find('>', first), second = cmap.find('<', first_end),
                   second_end = cmap.find('>', second);
      const std::string from = cmap.substr(first + 1, first_end - first - 1);
      const std::string to = cmap.substr(second + 1, second_end - second - 1);
      std::vector<unsigned> units;
      for (size_t i = 0; i + 3 < to.size(); i += 4) units.push_back(std::stoul(to.substr(i, 4), nullptr, 16));
      map[std::stoul(from, nullptr, 16)] = FromUtf16(units);
      at = second_end + 1;
    }
    at = end;
  }
  return map;
}

// The marks of a page and their texts.
class ContentReader : public Object::ParserCallbacks {
 public:
  ContentReader(const std::map<std::string, std::map<unsigned, std::string>>& fonts, std::vector<std::string>& faults,
                int page)
      : fonts_(fonts), faults_(faults), page_(page) {}

  void handleObject(Object object, size_t, size_t) override {
    if (!object.isOperator()) {
      operands_.push_back(object);
      return;
    }
    Operator(object.getOperatorValue());
    operands_.clear();
  }

  void handleEOF() override {
    if (!open_.empty()) Fault("marked content is not closed");
  }

  std::map<int, std::string> texts;

 private:
  struct Mark {
    std::optional<int> mcid;
    bool artifact = false;
    std::optional<std::string> actual;
  };

  void Fault(const std::string& what) { faults_.push_back(fmt::format("page {}: {}", page_ + 1, what)); }

  void Operator(const std::string& name) {
    static const std::set<std::string> kPainting = {"f", "F",  "f*", "B",  "B*", "b",  "b*", "S",
                                                    "s", "sh", "Do", "EI", "Tj", "TJ", "'",  "\""};
    if (name == "BMC" || name == "BDC") {
      Begin(name == "BDC");
    } else if (name == "EMC") {
      if (open_.empty()) return Fault("EMC without a mark");
      if (open_.back().actual && Current() != nullptr) texts[*Current()->mcid] += *open_.back().actual;
      open_.pop_back();
    } else if (name == "Tf") {
      font_ = operands_.at(0).getName();
    }
    if (kPainting.contains(name) && Current() == nullptr && !InArtifact()) {
      Fault(name + " is neither tagged nor an artifact");
    }
    if (name == "Tj") Show(operands_.at(0));
    if (name == "TJ") {
      for (Object item : operands_.at(0).getArrayAsVector()) {
        if (item.isString()) Show(item);
      }
    }
  }

  void Begin(bool has_properties) {
    Mark mark;
    mark.artifact = operands_.at(0).getName() == "/Artifact";
    if (has_properties && operands_.at(1).isDictionary()) {
      Object properties = operands_.at(1);
      if (properties.hasKey("/MCID")) mark.mcid = static_cast<int>(properties.getKey("/MCID").getIntValue());
      if (properties.hasKey("/ActualText")) mark.actual = properties.getKey("/ActualText").getUTF8Value();
    }
    if (mark.mcid && Current() != nullptr) Fault("a tag within a tag");
    if (mark.mcid && InArtifact()) Fault("a tag within an artifact");
    if (mark.artifact && Current() != nullptr) Fault("an artifact within a tag");
    if (mark.mcid && !texts.try_emplace(*mark.mcid).second) Fault("an MCID twice");
    open_.push_back(mark);
  }

  const Mark* Current() const {
    for (const Mark& mark : open_) {
      if (mark.mcid) return &mark;
    }
    return nullptr;
  }

  bool InArtifact() const {
    for (const Mark& mark : open_) {
      if (mark.artifact) return true;
    }
    return false;
  }

  bool InActual() const {
    for (const Mark& mark : open_) {
      if (mark.actual) return true;
    }
    return false;
  }

  void Show(Object string) {
    const auto font = fonts_.find(font_);
    if (font == fonts_.end()) return Fault("a font that the page has not");
    for (const unsigned glyph : Units(string.getStringValue())) {
      if (glyph == 0) Fault("the glyph .notdef");
      const auto text = font->second.find(glyph);
      if (text == font->second.end()) {
        Fault(fmt::format("glyph {} of {} without a text", glyph, font_));
      } else if (!InActual() && Current() != nullptr) {
        texts[*Current()->mcid] += text->second;
      }
    }
  }

  const std::map<std::string, std::map<unsigned, std::string>>& fonts_;
  std::vector<std::string>& faults_;
  const int page_;
  std::vector<Object> operands_;
  std::vector<Mark> open_;
  std::string font_;
};

class Checker {
 public:
  PdfReport Check(const std::string& bytes) {
    try {
      file_.setSuppressWarnings(true);
      file_.processMemoryFile("document.pdf", bytes.data(), bytes.size());
      CheckCatalogue();
      ReadPages();
      ReadParentTree();
      CheckStructure();
      CheckAnnotations();
      for (const QPDFExc& warning : file_.getWarnings()) Fault(warning.what());
    } catch (const std::exception& error) {
      Fault(error.what());
    }
    return std::move(report_);
  }

 private:
  void Fault(const std::string& what) { report_.faults.push_back(what); }

  void CheckCatalogue() {
    Object root = file_.getRoot();
    if (!root.getKey("/Lang").isString() || root.getKey("/Lang").getUTF8Value().empty()) Fault("no language");
    if (!root.getKey("/MarkInfo").isDictionary() || !root.getKey("/MarkInfo").getKey("/Marked").isBool() ||
        !root.getKey("/MarkInfo").getKey("/Marked").getBoolValue()) {
      Fault("not marked as tagged");
    }
    Object preferences = root.getKey("/ViewerPreferences");
    if (!preferences.isDictionary() || !preferences.getKey("/DisplayDocTitle").isBool() ||
        !preferences.getKey("/DisplayDocTitle").getBoolValue()) {
      Fault("the title is not displayed");
    }
    std::string metadata;
    if (root.getKey("/Metadata").isStream()) {
      const auto buffer = root.getKey("/Metadata").getStreamData();
      metadata.assign(reinterpret_cast<const char*>(buffer->getBuffer()), buffer->getSize());
    }
    if (metadata.find("<pdfuaid:part>1</pdfuaid:part>") == std::string::npos) Fault("does not say that it is PDF/UA-1");
    if (metadata.find("<dc:title>") == std::string::npos) Fault("no title in the metadata");
    if (file_.getTrailer().getKey("/Info").hasKey("/CreationDate")) Fault("tells when it was made");
  }

  std::map<unsigned, std::string> CheckFont(const std::string& name, Object font) {
    Object descendant = font.getKey("/DescendantFonts").getArrayItem(0);
    if (!descendant.getKey("/FontDescriptor").getKey("/FontFile2").isStream()) Fault(name + " is not embedded");
    if (!descendant.getKey("/CIDToGIDMap").isNameAndEquals("/Identity")) Fault(name + " has no CIDToGIDMap");
    if (!font.getKey("/ToUnicode").isStream()) {
      Fault(name + " has no ToUnicode");
      return {};
    }
    const auto buffer = font.getKey("/ToUnicode").getStreamData();
    return ReadMap({reinterpret_cast<const char*>(buffer->getBuffer()), buffer->getSize()});
  }

  void ReadPages() {
    std::map<Id, std::map<unsigned, std::string>> known;  // Fonts are shared by pages.
    for (QPDFPageObjectHelper& helper : QPDFPageDocumentHelper(file_).getAllPages()) {
      Object page = helper.getObjectHandle();
      const int number = report_.pages++;
      pages_.push_back(page);
      page_numbers_[page.getObjGen()] = number;
      if (!page.getKey("/Tabs").isNameAndEquals("/S"))
        Fault(fmt::format("page {}: tabs do not follow the structure", number + 1));
      std::map<std::string, std::map<unsigned, std::string>> fonts;
      for (const auto& [name, font] : page.getKey("/Resources").getKey("/Font").getDictAsMap()) {
        if (!known.contains(font.getObjGen())) known[font.getObjGen()] = CheckFont(name, font);
        fonts[name] = known[font.getObjGen()];
      }
      ContentReader reader(fonts, report_.faults, number);
      helper.parseContents(&reader);
      texts_.push_back(std::move(reader.texts));
    }
  }

  void ReadParentTree() {
    Object numbers = file_.getRoot().getKey("/StructTreeRoot").getKey("/ParentTree").getKey("/Nums");
    for (int i = 0; i + 1 < numbers.getArrayNItems(); i += 2) {
      parents_[numbers.getArrayItem(i).getIntValue()] = numbers.getArrayItem(i + 1);
    }
  }

  void CheckStructure() {
    Object root = file_.getRoot().getKey("/StructTreeRoot");
    Visit(root.getKey("/K"), root, "", false);
    for (size_t page = 0; page < texts_.size(); ++page) {
      for (const auto& [mcid, text] : texts_[page]) {
        if (!seen_.contains({static_cast<int>(page), mcid})) {
          Fault(fmt::format("page {}: mark {} stands nowhere in the structure", page + 1, mcid));
        }
      }
    }
    if (headings_ == 0) Fault("no heading");
  }

  static const std::map<std::string, std::set<std::string>>& AllowedParents() {
    static const std::map<std::string, std::set<std::string>> parents = {
        {"/LI", {"/L"}},         {"/Lbl", {"/LI"}}, {"/LBody", {"/LI"}},    {"/TR", {"/THead", "/TBody", "/Table"}},
        {"/TH", {"/TR"}},        {"/TD", {"/TR"}},  {"/THead", {"/Table"}}, {"/TBody", {"/Table"}},
        {"/Caption", {"/Table"}}};
    return parents;
  }

  void Visit(Object element, Object parent, const std::string& parent_type, bool is_label) {
    static const std::set<std::string> kStandard = {
        "/Document", "/Sect",  "/P",     "/H1",      "/H2",         "/H3",    "/H4",   "/H5",
        "/H6",       "/L",     "/LI",    "/Lbl",     "/LBody",      "/Table", "/TR",   "/TH",
        "/TD",       "/THead", "/TBody", "/Caption", "/BlockQuote", "/Link",  "/Code", "/Figure"};
    ++report_.elements;
    const std::string type = element.getKey("/S").getName();
    if (!kStandard.contains(type)) Fault(type + " is no standard type");
    if (element.getKey("/P").getObjGen() != parent.getObjGen())
      Fault(type + " names another parent than the one it has");
    if (const auto allowed = AllowedParents().find(type);
        allowed != AllowedParents().end() && !allowed->second.contains(parent_type)) {
      Fault(type + " within " + parent_type);
    }
    Object attributes = element.getKey("/A");
    if (type == "/TH" && (!attributes.isDictionary() || !attributes.getKey("/Scope").isName()))
      Fault("a TH without a scope");
    if (type == "/L" && (!attributes.isDictionary() || !attributes.getKey("/ListNumbering").isName()))
      Fault("an L without its numbering");
    if (type == "/Figure" && !element.getKey("/Alt").isString()) Fault("a figure without a text");
    if (type.size() == 3 && type[1] == 'H' && type[2] >= '1' && type[2] <= '6') {
      const int level = type[2] - '0';
      if (level > headings_ + 1) Fault(fmt::format("H{} follows H{}", level, headings_));
      headings_ = level;
    }
    if (type == "/Table") CheckTable(element);
    const bool labels = type == "/L" && !attributes.getKey("/ListNumbering").isNameAndEquals("/None");
    if (type == "/L") numbered_.push_back(labels);
    const bool label = is_label || (type == "/Lbl" && !numbered_.empty() && numbered_.back());
    bool has_annotation = false;
    Object kids = element.getKey("/K");
    const std::vector<Object> list = kids.isArray() ? kids.getArrayAsVector() : std::vector<Object>{kids};
    for (Object kid : list) {
      if (kid.isInteger()) {
        Take(element, element.getKey("/Pg"), static_cast<int>(kid.getIntValue()), label);
      } else if (!kid.isDictionary()) {
        Fault(type + " has a kid that is none");
      } else if (kid.getKey("/Type").isNameAndEquals("/MCR")) {
        Take(element, kid.getKey("/Pg"), static_cast<int>(kid.getKey("/MCID").getIntValue()), label);
      } else if (kid.getKey("/Type").isNameAndEquals("/OBJR")) {
        has_annotation = true;
        linked_[kid.getKey("/Obj").getObjGen()] = element.getObjGen();
      } else {
        Visit(kid, element, type, label);
      }
    }
    if (type == "/Link" && !has_annotation) Fault("a link that leads nowhere");
    if (type == "/L") numbered_.pop_back();
    if (type[1] == 'P' || type[1] == 'H' || type == "/LI" || type == "/TD" || type == "/TH" || type == "/Caption") {
      report_.text += ' ';
      report_.text_with_labels += ' ';
    }
  }

  void Take(Object element, Object page, int mcid, bool is_label) {
    const auto number = page_numbers_.find(page.getObjGen());
    if (number == page_numbers_.end()) return Fault("a mark on a page that there is not");
    const auto text = texts_[static_cast<size_t>(number->second)].find(mcid);
    if (text == texts_[static_cast<size_t>(number->second)].end()) {
      return Fault(fmt::format("page {}: there is no mark {}", number->second + 1, mcid));
    }
    if (!seen_.insert({number->second, mcid}).second) Fault("a mark that stands twice in the structure");
    Object marks = parents_[page.getKey("/StructParents").getIntValue()];
    if (!marks.isArray() || marks.getArrayNItems() <= mcid ||
        marks.getArrayItem(mcid).getObjGen() != element.getObjGen()) {
      Fault(fmt::format("page {}: the parent tree knows another parent of mark {}", number->second + 1, mcid));
    }
    if (!is_label) report_.text += text->second;
    report_.text_with_labels += text->second;
  }

  void CheckTable(Object table) {
    int columns = -1;
    for (Object part : table.getKey("/K").getArrayAsVector()) {
      if (!part.isDictionary() || !part.getKey("/S").isName()) continue;
      const std::string type = part.getKey("/S").getName();
      if (type != "/THead" && type != "/TBody") continue;
      for (Object row : part.getKey("/K").getArrayAsVector()) {
        const int cells = row.getKey("/K").getArrayNItems();
        if (columns >= 0 && cells != columns) Fault("a table with rows of different lengths");
        columns = cells;
      }
    }
    if (columns < 1) Fault("a table without cells");
  }

  void CheckAnnotations() {
    for (Object& page : pages_) {
      Object annotations = page.getKey("/Annots");
      for (int i = 0; annotations.isArray() && i < annotations.getArrayNItems(); ++i) {
        Object annotation = annotations.getArrayItem(i);
        if (!annotation.getKey("/Contents").isString()) Fault("a link without contents");
        const auto linked = linked_.find(annotation.getObjGen());
        if (linked == linked_.end()) {
          Fault("an annotation that stands nowhere in the structure");
        } else if (!annotation.getKey("/StructParent").isInteger() ||
                   parents_[annotation.getKey("/StructParent").getIntValue()].getObjGen() != linked->second) {
          Fault("an annotation of another parent");
        }
      }
    }
  }

  QPDF file_;
  PdfReport report_;
  std::vector<Object> pages_;
  std::map<Id, int> page_numbers_;
  std::vector<std::map<int, std::string>> texts_;
  std::map<long long, Object> parents_;
  std::set<std::pair<int, int>> seen_;
  std::map<Id, Id> linked_;
  std::vector<bool> numbered_;
  int headings_ = 0;
};

}  // namespace

PdfReport CheckPdf(const std::string& bytes) { return Checker().Check(bytes); }

}  // namespace section55::document
