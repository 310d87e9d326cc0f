#include "tests/unit/document/word_checker.h"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <map>
#include <pugixml.hpp>
#include <set>
#include <string_view>

namespace section55::document {
namespace {

using pugi::xml_node;

// The children of an element in the order of its type in wml.xsd; those that are not named here may not stand in it.
const std::map<std::string, std::vector<std::string>>& Orders() {
  static const std::vector<std::string> kRun = {"w:rStyle", "w:rFonts", "w:b",         "w:bCs", "w:i",
                                                "w:iCs",    "w:caps",   "w:color",     "w:sz",  "w:szCs",
                                                "w:u",      "w:shd",    "w:vertAlign", "w:rtl", "w:lang"};
  static const std::map<std::string, std::vector<std::string>> kOrders = {
      {"w:pPr",
       {"w:pStyle", "w:keepNext", "w:keepLines", "w:pageBreakBefore", "w:widowControl", "w:numPr", "w:pBdr", "w:shd",
        "w:tabs", "w:spacing", "w:ind", "w:contextualSpacing", "w:jc", "w:outlineLvl", "w:rPr", "w:sectPr"}},
      {"w:rPr", kRun},
      {"w:tblPr",
       {"w:tblStyle", "w:tblW", "w:jc", "w:tblInd", "w:tblBorders", "w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook",
        "w:tblCaption", "w:tblDescription"}},
      {"w:trPr", {"w:cantSplit", "w:tblHeader"}},
      {"w:tcPr", {"w:tcW", "w:gridSpan", "w:vMerge", "w:tcBorders", "w:shd", "w:noWrap", "w:tcMar", "w:vAlign"}},
      {"w:sectPr", {"w:headerReference", "w:footerReference", "w:pgSz", "w:pgMar", "w:cols", "w:titlePg", "w:docGrid"}},
      {"w:style",
       {"w:name", "w:basedOn", "w:next", "w:link", "w:uiPriority", "w:unhideWhenUsed", "w:qFormat", "w:pPr", "w:rPr",
        "w:tblPr", "w:trPr", "w:tcPr", "w:tblStylePr"}},
      {"w:lvl", {"w:start", "w:numFmt", "w:pStyle", "w:suff", "w:lvlText", "w:lvlJc", "w:pPr", "w:rPr"}},
      {"w:numbering", {"w:abstractNum", "w:num"}},
      {"w:tbl", {"w:tblPr", "w:tblGrid", "w:tr"}},
  };
  return kOrders;
}

class Checker {
 public:
  std::vector<std::string> Check(const std::string& bytes) {
    if (!Unpack(bytes)) {
      return {"no consistent zip archive"};
    }
    CheckPackage();
    for (const auto& [name, part] : parts_) {
      CheckOrder(name, *part);
    }
    if (const pugi::xml_document* document = Part("word/document.xml")) {
      CheckReferences(*document);
      CheckTables(*document);
      CheckHeadings(*document);
    }
    CheckProperties();
    return std::move(faults_);
  }

 private:
  template <typename... Arguments>
  void Fault(fmt::format_string<Arguments...> words, Arguments&&... arguments) {
    faults_.push_back(fmt::format(words, std::forward<Arguments>(arguments)...));
  }

  bool Unpack(const std::string& bytes) {
    zip_error_t error;
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    zip_t* archive = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error);
    if (archive == nullptr) {
      zip_source_free(source);
      return false;
    }
    for (zip_int64_t i = 0; i < zip_get_num_entries(archive, 0); ++i) {
      zip_stat_t stat;
      zip_stat_index(archive, static_cast<zip_uint64_t>(i), 0, &stat);
      std::string content(stat.size, '\0');
      zip_file_t* file = zip_fopen_index(archive, static_cast<zip_uint64_t>(i), 0);
      const zip_int64_t read = zip_fread(file, content.data(), content.size());
      // Reading to the end has the checksum compared.
      if (read != static_cast<zip_int64_t>(content.size()) || zip_fclose(file) != 0) {
        Fault("{} cannot be read", stat.name);
      }
      if (i == 0 && std::string_view(stat.name) != "[Content_Types].xml") {
        Fault("{} stands before [Content_Types].xml", stat.name);
      }
      auto part = std::make_unique<pugi::xml_document>();
      if (const auto parsed = part->load_buffer(content.data(), content.size()); !parsed) {
        Fault("{} is not well-formed: {}", stat.name, parsed.description());
      }
      if (!parts_.emplace(stat.name, std::move(part)).second) {
        Fault("{} is there twice", stat.name);
      }
    }
    zip_close(archive);
    return true;
  }

  const pugi::xml_document* Part(const std::string& name) const {
    const auto found = parts_.find(name);
    return found == parts_.end() ? nullptr : found->second.get();
  }

  void CheckPackage() {
    std::set<std::string> typed, endings;
    if (const pugi::xml_document* types = Part("[Content_Types].xml")) {
      for (const xml_node& type : types->document_element().children()) {
        if (const std::string name = type.attribute("PartName").value(); !name.empty()) {
          typed.insert(name.substr(1));
          if (Part(name.substr(1)) == nullptr) {
            Fault("{} has a type and is not there", name);
          }
        }
        endings.insert(type.attribute("Extension").value());
      }
    }
    for (const auto& [name, part] : parts_) {
      const std::string ending = name.substr(name.rfind('.') + 1);
      if (name != "[Content_Types].xml" && !typed.contains(name) && (ending == "xml" || !endings.contains(ending))) {
        Fault("{} has no type", name);
      }
      if (ending == "rels") {
        const bool is_root = name == "_rels/.rels";
        for (const xml_node& relation : part->document_element().children()) {
          const std::string target = relation.attribute("Target").value();
          if (std::string_view(relation.attribute("TargetMode").value()) != "External" &&
              Part((is_root ? "" : "word/") + target) == nullptr) {
            Fault("{} leads to {}, which is not there", name, target);
          }
          if (!is_root && !relations_.insert(relation.attribute("Id").value()).second) {
            Fault("{} has {} twice", name, relation.attribute("Id").value());
          }
        }
      }
    }
    for (const char* needed : {"_rels/.rels", "word/document.xml", "word/styles.xml", "docProps/core.xml"}) {
      if (Part(needed) == nullptr) {
        Fault("{} is missing", needed);
      }
    }
  }

  void CheckOrder(const std::string& part, const xml_node& element) {
    if (const auto order = Orders().find(element.name()); order != Orders().end()) {
      size_t last = 0;
      for (const xml_node& child : element.children()) {
        const auto place = std::find(order->second.begin(), order->second.end(), std::string(child.name()));
        const auto index = static_cast<size_t>(place - order->second.begin());
        if (place == order->second.end()) {
          Fault("{}: {} may not stand in {}", part, child.name(), element.name());
        } else if (index < last) {
          Fault("{}: {} stands too late in {}", part, child.name(), element.name());
        }
        last = std::max(last, index);
      }
    }
    if (std::string_view(element.name()) == "w:p") {
      bool first = true;
      for (const xml_node& child : element.children()) {
        if (std::string_view(child.name()) == "w:pPr" && !first) {
          Fault("{}: properties that do not begin their paragraph", part);
        }
        first = false;
      }
    }
    for (const xml_node& child : element.children()) {
      CheckOrder(part, child);
    }
  }

  std::set<std::string> Values(const char* part, const std::string& path, const char* attribute) const {
    std::set<std::string> values;
    if (const pugi::xml_document* document = Part(part)) {
      for (const auto& found : document->select_nodes(path.c_str())) {
        values.insert(found.node().attribute(attribute).value());
      }
    }
    return values;
  }

  void ExpectAll(const xml_node& document, const std::string& path, const char* attribute,
                 const std::set<std::string>& known, std::string_view what) {
    for (const auto& found : document.select_nodes(path.c_str())) {
      if (const std::string value = found.node().attribute(attribute).value();
          !value.empty() && !known.contains(value)) {
        Fault("there is no {} {}", what, value);
      }
    }
  }

  void CheckReferences(const xml_node& document) {
    const std::set<std::string> styles = Values("word/styles.xml", "//w:style", "w:styleId");
    for (const char* path : {"//w:pStyle", "//w:rStyle", "//w:tblStyle"}) {
      ExpectAll(document, path, "w:val", styles, "style");
    }
    ExpectAll(document, "//w:numId", "w:val", Values("word/numbering.xml", "//w:num", "w:numId"), "list");
    ExpectAll(document, "//*[@r:id]", "r:id", relations_, "relationship");
    std::set<std::string> bookmarks, ids, ended;
    for (const auto& found : document.select_nodes("//w:bookmarkStart")) {
      if (!bookmarks.insert(found.node().attribute("w:name").value()).second ||
          !ids.insert(found.node().attribute("w:id").value()).second) {
        Fault("bookmark {} is there twice", found.node().attribute("w:name").value());
      }
      if (std::string_view(found.node().attribute("w:name").value()).size() > 40) {
        Fault("bookmark {} is longer than Word reads", found.node().attribute("w:name").value());
      }
    }
    for (const auto& found : document.select_nodes("//w:bookmarkEnd")) {
      ended.insert(found.node().attribute("w:id").value());
    }
    if (ids != ended) {
      Fault("a bookmark does not end");
    }
    ExpectAll(document, "//w:hyperlink", "w:anchor", bookmarks, "bookmark");
  }

  void CheckTables(const xml_node& document) {
    for (const auto& found : document.select_nodes("//w:tbl")) {
      const xml_node table = found.node();
      const auto children = table.child("w:tblGrid").children("w:gridCol");
      const auto columns = std::distance(children.begin(), children.end());
      bool first = true;
      for (const xml_node& row : table.children("w:tr")) {
        int filled = 0;
        for (const xml_node& cell : row.children("w:tc")) {
          filled += std::max(1, cell.child("w:tcPr").child("w:gridSpan").attribute("w:val").as_int(1));
          if (std::string_view(cell.last_child().name()) != "w:p") {
            Fault("a cell does not end with a paragraph");
          }
        }
        if (filled != columns) {
          Fault("a row of {} cells in a grid of {}", filled, columns);
        }
        if (first && !row.child("w:trPr").child("w:tblHeader")) {
          Fault("a table without a header row");
        }
        first = false;
      }
      if (first) {
        Fault("a table without rows");
      }
    }
  }

  void CheckHeadings(const xml_node& document) {
    int last = 0;
    for (const auto& found : document.select_nodes("//w:pStyle[starts-with(@w:val,'Heading')]")) {
      const int level = std::stoi(std::string(found.node().attribute("w:val").value()).substr(7));
      if (level > last + 1) {
        Fault("heading {} follows heading {}", level, last);
      }
      last = level;
    }
    if (last == 0) {
      Fault("no heading");
    }
  }

  void CheckProperties() {
    const pugi::xml_document* core = Part("docProps/core.xml");
    if (core != nullptr) {
      const xml_node properties = core->document_element();
      for (const char* needed : {"dc:title", "dc:language"}) {
        if (std::string_view(properties.child(needed).text().get()).empty()) {
          Fault("no {}", needed);
        }
      }
      if (properties.child("dcterms:created") || properties.child("dcterms:modified")) {
        Fault("the file tells when it was made");
      }
    }
    if (Values("word/styles.xml", "//w:docDefaults//w:lang", "w:val").empty()) {
      Fault("no language");
    }
  }

  std::map<std::string, std::unique_ptr<pugi::xml_document>> parts_;
  std::set<std::string> relations_;
  std::vector<std::string> faults_;
};

}  // namespace

std::vector<std::string> FaultsOfWord(const std::string& bytes) { return Checker().Check(bytes); }

}  // namespace section55::document
