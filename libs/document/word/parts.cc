#include "libs/document/word/parts.h"

#include <fmt/format.h>
#include <zip.h>

#include <memory>
#include <sstream>

#include "libs/document/html.h"

namespace section55::document::word {
namespace {

constexpr std::string_view kDeclaration = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
constexpr std::string_view kNamespace =
    "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\""
    " xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"";

// Text for use in XML; what escapes HTML escapes XML.
std::string Escape(const std::string& text) { return EscapeHtml(text); }

std::string Paragraph(const std::string& properties, const std::string& runs) {
  return "<w:p><w:pPr>" + properties + "</w:pPr>" + runs + "</w:p>";
}

std::string Run(const std::string& text) { return "<w:r><w:t xml:space=\"preserve\">" + Escape(text) + "</w:t></w:r>"; }

std::string Field(std::string_view name) {
  return fmt::format(
      "<w:r><w:fldChar w:fldCharType=\"begin\"/></w:r><w:r><w:instrText xml:space=\"preserve\"> {} </w:instrText></w:r>"
      "<w:r><w:fldChar w:fldCharType=\"separate\"/></w:r><w:r><w:t>1</w:t></w:r>"
      "<w:r><w:fldChar w:fldCharType=\"end\"/></w:r>",
      name);
}

std::string Style(std::string_view id, std::string_view name, std::string_view based_on, std::string_view paragraph,
                  std::string_view run, std::string_view next = "") {
  return fmt::format(
      "<w:style w:type=\"paragraph\" w:styleId=\"{}\"{}><w:name w:val=\"{}\"/>{}{}<w:qFormat/>"
      "<w:pPr>{}</w:pPr><w:rPr>{}</w:rPr></w:style>",
      id, id == "Normal" ? " w:default=\"1\"" : "", name,
      based_on.empty() ? "" : fmt::format("<w:basedOn w:val=\"{}\"/>", based_on),
      next.empty() ? "" : fmt::format("<w:next w:val=\"{}\"/>", next), paragraph, run);
}

std::string Spacing(int before, int after) {
  return fmt::format("<w:spacing w:before=\"{}\" w:after=\"{}\"/>", before, after);
}

}  // namespace

std::string Write(const pugi::xml_document& part) {
  std::ostringstream out;
  part.save(out, "", pugi::format_raw | pugi::format_no_declaration, pugi::encoding_utf8);
  return std::string(kDeclaration) + out.str();
}

File Styles(const Document& document) {
  const std::string colour = fmt::format("{:06X}", ColourOf(document));
  constexpr std::string_view kTint = "F1F4F7";
  std::string xml = fmt::format(
      "{}<w:styles {}><w:docDefaults><w:rPrDefault><w:rPr>"
      "<w:rFonts w:ascii=\"Arial\" w:hAnsi=\"Arial\" w:cs=\"Arial\" w:eastAsia=\"Arial\"/>"
      "<w:color w:val=\"1B1D21\"/><w:sz w:val=\"22\"/><w:szCs w:val=\"22\"/><w:lang w:val=\"{}\"/>"
      "</w:rPr></w:rPrDefault><w:pPrDefault><w:pPr><w:spacing w:after=\"140\" w:line=\"288\" w:lineRule=\"auto\"/>"
      "</w:pPr></w:pPrDefault></w:docDefaults>",
      kDeclaration, kNamespace, Escape(document.language));
  xml += Style("Normal", "Normal", "", "<w:widowControl/>", "");
  struct Look {
    int size, before, after;
    std::string_view more;
  };
  constexpr Look kLooks[] = {{46, 60, 120, ""},
                             {31, 480, 120, ""},
                             {25, 340, 100, ""},
                             {22, 240, 80, ""},
                             {21, 200, 60, "<w:color w:val=\"45494F\"/>"},
                             {21, 200, 60, "<w:i/><w:color w:val=\"45494F\"/>"}};
  for (int level = 1; level <= kDeepestHeading; ++level) {
    const Look& look = kLooks[level - 1];
    xml += Style(fmt::format("Heading{}", level), fmt::format("heading {}", level), "Normal",
                 fmt::format("<w:keepNext/><w:keepLines/>{}<w:outlineLvl w:val=\"{}\"/>",
                             Spacing(look.before, look.after), level - 1),
                 fmt::format("<w:b/>{}<w:sz w:val=\"{}\"/><w:szCs w:val=\"{}\"/>", look.more, look.size, look.size),
                 "Normal");
  }
  xml += Style("Watermark", "Watermark", "Normal", "<w:keepNext/>" + Spacing(0, 80),
               "<w:b/><w:color w:val=\"8F1414\"/><w:sz w:val=\"32\"/>");
  xml += Style("Author", "Author", "Normal", "<w:keepNext/>" + Spacing(0, 0),
               fmt::format("<w:b/><w:color w:val=\"{}\"/><w:sz w:val=\"24\"/>", colour));
  xml += Style("Subtitle", "Subtitle", "Normal",
               fmt::format("<w:pBdr><w:bottom w:val=\"single\" w:sz=\"18\" w:space=\"8\" w:color=\"{}\"/></w:pBdr>{}",
                           colour, Spacing(0, 240)),
               "<w:color w:val=\"45494F\"/><w:sz w:val=\"24\"/>");
  constexpr int kLabel = 2400;
  const std::string hanging = fmt::format(
      "<w:tabs><w:tab w:val=\"left\" w:pos=\"{0}\"/></w:tabs>{1}"
      "<w:ind w:left=\"{0}\" w:hanging=\"{0}\"/>",
      kLabel, Spacing(20, 20));
  xml += Style("Fact", "Fact", "Normal", hanging, "");
  xml += Style("BoxedFact", "Boxed fact", "Fact",
               fmt::format("<w:shd w:val=\"clear\" w:color=\"auto\" w:fill=\"{}\"/>", kTint), "");
  xml += Style("Note", "Note", "Normal", Spacing(0, 80), "<w:color w:val=\"45494F\"/><w:sz w:val=\"19\"/>");
  xml += Style("Verdict", "Verdict", "Normal", "<w:keepNext/>" + Spacing(60, 80),
               fmt::format("<w:b/><w:color w:val=\"{}\"/>", colour));
  xml += Style("Notice", "Notice", "Normal",
               fmt::format("<w:pBdr><w:left w:val=\"single\" w:sz=\"24\" w:space=\"8\" w:color=\"8F1414\"/></w:pBdr>"
                           "<w:shd w:val=\"clear\" w:color=\"auto\" w:fill=\"{}\"/>",
                           kTint),
               "");
  xml += Style("Caption", "caption", "Normal", "<w:keepNext/>" + Spacing(160, 80), "<w:b/><w:sz w:val=\"21\"/>");
  xml += Style("Quote", "Quote", "Normal",
               "<w:pBdr><w:left w:val=\"single\" w:sz=\"18\" w:space=\"8\" w:color=\"C5CBD3\"/></w:pBdr>", "");
  xml += Style("Code", "Code", "Normal",
               fmt::format("<w:keepLines/><w:shd w:val=\"clear\" w:color=\"auto\" w:fill=\"{}\"/>", kTint),
               "<w:rFonts w:ascii=\"Courier New\" w:hAnsi=\"Courier New\" w:cs=\"Courier New\"/><w:sz w:val=\"19\"/>");
  xml += Style("Cell", "Table cell", "Normal", Spacing(40, 40), "<w:sz w:val=\"20\"/>");
  xml += Style("AfterTable", "After table", "Normal",
               "<w:spacing w:before=\"0\" w:after=\"0\" w:line=\"160\" w:lineRule=\"exact\"/>", "<w:sz w:val=\"8\"/>");
  xml += Style("Header", "header", "Normal", "<w:tabs><w:tab w:val=\"right\" w:pos=\"9100\"/></w:tabs>" + Spacing(0, 0),
               "<w:color w:val=\"45494F\"/><w:sz w:val=\"16\"/>");
  xml += Style("Footer", "footer", "Header", "", "");
  xml += fmt::format(
      "<w:style w:type=\"character\" w:styleId=\"Hyperlink\"><w:name w:val=\"Hyperlink\"/>"
      "<w:rPr><w:color w:val=\"{}\"/><w:u w:val=\"single\"/></w:rPr></w:style>"
      "<w:style w:type=\"table\" w:default=\"1\" w:styleId=\"TableNormal\"><w:name w:val=\"Normal Table\"/>"
      "<w:tblPr><w:tblInd w:w=\"0\" w:type=\"dxa\"/><w:tblCellMar><w:top w:w=\"0\" w:type=\"dxa\"/>"
      "<w:left w:w=\"108\" w:type=\"dxa\"/><w:bottom w:w=\"0\" w:type=\"dxa\"/><w:right w:w=\"108\" w:type=\"dxa\"/>"
      "</w:tblCellMar></w:tblPr></w:style>"
      "<w:style w:type=\"table\" w:styleId=\"Ruled\"><w:name w:val=\"Ruled\"/><w:basedOn w:val=\"TableNormal\"/>"
      "<w:tblPr><w:tblBorders><w:top w:val=\"single\" w:sz=\"4\" w:space=\"0\" w:color=\"C5CBD3\"/>"
      "<w:bottom w:val=\"single\" w:sz=\"4\" w:space=\"0\" w:color=\"C5CBD3\"/>"
      "<w:insideH w:val=\"single\" w:sz=\"4\" w:space=\"0\" w:color=\"C5CBD3\"/></w:tblBorders></w:tblPr>"
      "<w:tblStylePr w:type=\"firstRow\"><w:rPr><w:b/></w:rPr><w:tcPr>"
      "<w:shd w:val=\"clear\" w:color=\"auto\" w:fill=\"{}\"/></w:tcPr></w:tblStylePr></w:style></w:styles>",
      colour, kTint);
  return {"word/styles.xml", std::move(xml)};
}

File NumberingPart(const std::vector<Numbering>& lists) {
  std::string xml = fmt::format("{}<w:numbering {}>", kDeclaration, kNamespace);
  for (const bool ordered : {false, true}) {
    xml +=
        fmt::format("<w:abstractNum w:abstractNumId=\"{}\"><w:multiLevelType w:val=\"multilevel\"/>", ordered ? 1 : 0);
    for (int level = 0; level <= kDeepestList; ++level) {
      xml += fmt::format(
          "<w:lvl w:ilvl=\"{}\"><w:start w:val=\"1\"/><w:numFmt w:val=\"{}\"/><w:lvlText w:val=\"{}\"/>"
          "<w:lvlJc w:val=\"left\"/><w:pPr><w:ind w:left=\"{}\" w:hanging=\"{}\"/></w:pPr></w:lvl>",
          level, ordered ? "decimal" : "bullet", ordered ? fmt::format("%{}.", level + 1) : "\u2022",
          (level + 1) * kIndent, kIndent);
    }
    xml += "</w:abstractNum>";
  }
  xml += fmt::format("<w:num w:numId=\"{}\"><w:abstractNumId w:val=\"0\"/></w:num>", kBullets);
  int number = kBullets;
  for (const Numbering& list : lists) {
    xml += fmt::format(
        "<w:num w:numId=\"{}\"><w:abstractNumId w:val=\"1\"/><w:lvlOverride w:ilvl=\"{}\">"
        "<w:startOverride w:val=\"{}\"/></w:lvlOverride></w:num>",
        ++number, list.level, list.start);
  }
  return {"word/numbering.xml", xml + "</w:numbering>"};
}

std::vector<File> HeadersAndFooters(const Document& document) {
  const auto part = [&](std::string_view element, const std::string& content) {
    return fmt::format("{}<w:{} {}>{}</w:{}>", kDeclaration, element, kNamespace, content, element);
  };
  const std::string style = "<w:pStyle w:val=\"Header\"/>", tab = "<w:r><w:tab/></w:r>";
  const std::string draft = document.watermark.empty()
                                ? ""
                                : "<w:r><w:rPr><w:b/><w:color w:val=\"8F1414\"/></w:rPr><w:t xml:space=\"preserve\">" +
                                      Escape(document.watermark) + "  </w:t></w:r>";
  const std::string head = Paragraph(style, draft + Run(document.author) + tab + Run(document.title));
  const std::string first = Paragraph(style, "");
  const std::string foot =
      Paragraph("<w:pStyle w:val=\"Footer\"/>",
                Run(document.imprint) + tab + Run("Page ") + Field("PAGE") + Run(" of ") + Field("NUMPAGES"));
  return {{"word/header.xml", part("hdr", head)},
          {"word/first_header.xml", part("hdr", first)},
          {"word/footer.xml", part("ftr", foot)}};
}

File Relations(const std::vector<std::string>& hrefs) {
  constexpr std::string_view kType = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/";
  std::string xml = fmt::format(
      "{}<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">", kDeclaration);
  const auto add = [&](std::string_view id, std::string_view type, std::string_view target, bool external) {
    xml += fmt::format("<Relationship Id=\"{}\" Type=\"{}{}\" Target=\"{}\"{}/>", id, kType, type, target,
                       external ? " TargetMode=\"External\"" : "");
  };
  add("styles", "styles", "styles.xml", false);
  add("numbering", "numbering", "numbering.xml", false);
  add("settings", "settings", "settings.xml", false);
  add("header", "header", "header.xml", false);
  add("first_header", "header", "first_header.xml", false);
  add("footer", "footer", "footer.xml", false);
  for (size_t i = 0; i < hrefs.size(); ++i) {
    add(fmt::format("link{}", i), "hyperlink", Escape(hrefs[i]), true);
  }
  return {"word/_rels/document.xml.rels", xml + "</Relationships>"};
}

std::vector<File> Frame(const Document& document) {
  constexpr std::string_view kWord = "application/vnd.openxmlformats-officedocument.wordprocessingml.";
  std::string types = fmt::format(
      "{}<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">"
      "<Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
      "<Default Extension=\"xml\" ContentType=\"application/xml\"/>"
      "<Override PartName=\"/docProps/core.xml\""
      " ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/>",
      kDeclaration);
  const auto add = [&](std::string_view name, std::string_view kind) {
    types += fmt::format("<Override PartName=\"/word/{}.xml\" ContentType=\"{}{}+xml\"/>", name, kWord, kind);
  };
  add("document", "document.main");
  add("styles", "styles");
  add("numbering", "numbering");
  add("settings", "settings");
  add("header", "header");
  add("first_header", "header");
  add("footer", "footer");
  types += "</Types>";
  return {
      {"[Content_Types].xml", std::move(types)},
      {"_rels/.rels",
       fmt::format("{}<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">"
                   "<Relationship Id=\"document\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/"
                   "relationships/officeDocument\" Target=\"word/document.xml\"/>"
                   "<Relationship Id=\"core\" Type=\"http://schemas.openxmlformats.org/package/2006/relationships/"
                   "metadata/core-properties\" Target=\"docProps/core.xml\"/></Relationships>",
                   kDeclaration)},
      {"docProps/core.xml",
       fmt::format("{}<cp:coreProperties"
                   " xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\""
                   " xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>{}</dc:title><dc:subject>{}</dc:subject>"
                   "<dc:creator>{}</dc:creator><dc:language>{}</dc:language></cp:coreProperties>",
                   kDeclaration, Escape(document.title), Escape(document.subtitle), Escape(document.author),
                   Escape(document.language))},
      {"word/settings.xml",
       fmt::format("{}<w:settings {}><w:compat><w:compatSetting w:name=\"compatibilityMode\""
                   " w:uri=\"http://schemas.microsoft.com/office/word\" w:val=\"15\"/></w:compat></w:settings>",
                   kDeclaration, kNamespace)},
  };
}

absl::StatusOr<std::string> Zip(const std::vector<File>& files) {
  const auto failed = [](std::string_view what) {
    return absl::InternalError(fmt::format("the Word file could not be written: {}", what));
  };
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* target = zip_source_buffer_create(nullptr, 0, 0, &error);
  if (target == nullptr) {
    return failed("no memory");
  }
  zip_source_keep(target);  // To be read after the archive is closed.
  const std::unique_ptr<zip_source_t, void (*)(zip_source_t*)> kept(target, zip_source_free);
  zip_t* archive = zip_open_from_source(target, ZIP_TRUNCATE, &error);
  if (archive == nullptr) {
    zip_source_free(target);
    return failed(zip_error_strerror(&error));
  }
  for (const File& file : files) {
    zip_source_t* source = zip_source_buffer(archive, file.bytes.data(), file.bytes.size(), 0);
    const zip_int64_t index =
        source == nullptr ? -1 : zip_file_add(archive, file.name.c_str(), source, ZIP_FL_ENC_UTF_8);
    constexpr zip_uint16_t kMidnight = 0, kFirstDay = 0x21;  // 1 January 1980, which is as far back as archives go.
    if (index < 0 || zip_file_set_dostime(archive, static_cast<zip_uint64_t>(index), kMidnight, kFirstDay, 0) != 0) {
      if (index < 0 && source != nullptr) {
        zip_source_free(source);
      }
      zip_discard(archive);
      return failed(file.name);
    }
  }
  if (zip_close(archive) != 0) {
    zip_discard(archive);
    return failed("the archive could not be closed");
  }
  if (zip_source_open(target) != 0) {
    return failed("the archive could not be read");
  }
  zip_stat_t stat;
  std::string bytes;
  if (zip_source_stat(target, &stat) == 0) {
    bytes.resize(stat.size);
  }
  const zip_int64_t read = zip_source_read(target, bytes.data(), bytes.size());
  zip_source_close(target);
  if (bytes.empty() || read != static_cast<zip_int64_t>(bytes.size())) {
    return failed("the archive could not be read");
  }
  return bytes;
}

}  // namespace section55::document::word
