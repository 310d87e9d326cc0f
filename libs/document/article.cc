// The document's own elements as HTML; the texts in them are the work of html.cc.

#include <algorithm>

#include "libs/document/html.h"

namespace section55::document {
namespace {

std::string_view ClassOf(Section::Role role) {
  switch (role) {
    case Section::Role::kQuoted:
      return "quoted";
    case Section::Role::kComment:
      return "comment";
    case Section::Role::kAnswer:
      return "answer";
    case Section::Role::kPlain:
      break;
  }
  return "";
}

std::string_view ClassOf(Tone tone) {
  switch (tone) {
    case Tone::kGood:
      return "mark good";
    case Tone::kBad:
      return "mark bad";
    case Tone::kPlain:
      break;
  }
  return "mark";
}

// Inlines as they stand within a paragraph, without its element.
std::string Within(const Inlines& inlines) {
  constexpr std::string_view kOpen = "<p>", kClose = "</p>\n";
  const std::string paragraph = RenderHtml({Block{Paragraph{inlines}}});
  return paragraph.substr(kOpen.size(), paragraph.size() - kOpen.size() - kClose.size());
}

class ArticleWriter {
 public:
  std::string Write(const Document& document) {
    out_ = "<article class=\"document\" lang=\"" + EscapeHtml(document.language) + "\">\n";
    if (!document.watermark.empty()) {
      out_ += "<p class=\"watermark\">" + EscapeHtml(document.watermark) + "</p>\n";
    }
    if (!document.author.empty()) {
      out_ += "<p class=\"author\">" + EscapeHtml(document.author) + "</p>\n";
    }
    out_ += "<h1>" + EscapeHtml(document.title) + "</h1>\n";
    if (!document.subtitle.empty()) {
      out_ += "<p class=\"subtitle\">" + EscapeHtml(document.subtitle) + "</p>\n";
    }
    for (const Element& element : document.content) {
      Write(element, 2);
    }
    out_ += "</article>\n";
    return std::move(out_);
  }

 private:
  void Write(const Element& element, int level) {
    std::visit(Overloaded{
                   [&](const Section& section) { Write(section, std::min(level, kDeepestHeading)); },
                   [&](const Facts& facts) { Write(facts); },
                   [&](const Prose& prose) {
                     const std::string html = RenderHtml(
                         prose.blocks, {.heading_offset = level - 1, .table_label = "Table in " + prose.label});
                     out_ += prose.language.empty()
                                 ? html
                                 : "<div lang=\"" + EscapeHtml(prose.language) + "\">\n" + html + "</div>\n";
                   },
                   [&](const Remark& remark) { Write(remark); },
                   [&](const Overview& overview) { Write(overview); },
               },
               element.value);
  }

  void Write(const Section& section, int level) {
    const std::string_view name = ClassOf(section.role);
    out_ += "<section";
    out_ += name.empty() ? "" : " class=\"" + std::string(name) + "\"";
    const std::string id = EscapeHtml(section.id), heading = "h" + std::to_string(level);
    out_ += " aria-labelledby=\"" + id + "\">\n<" + heading + " id=\"" + id + "\">" + EscapeHtml(section.heading) +
            "</" + heading + ">\n";
    for (const Element& element : section.content) {
      Write(element, level + 1);
    }
    out_ += "</section>\n";
  }

  void Write(const Facts& facts) {
    out_ += facts.boxed ? "<dl class=\"facts box\">\n" : "<dl class=\"facts\">\n";
    for (const Fact& fact : facts.facts) {
      out_ += "<div><dt>" + EscapeHtml(fact.label) + "</dt><dd>";
      if (!fact.mark.empty()) {
        out_ += "<strong class=\"" + std::string(ClassOf(fact.tone)) + "\">" + EscapeHtml(fact.mark) + "</strong> ";
      }
      out_ += Within(fact.value) + "</dd></div>\n";
    }
    out_ += "</dl>\n";
  }

  void Write(const Remark& remark) {
    switch (remark.kind) {
      case Remark::Kind::kNote:
        out_ += "<p class=\"note\">" + Within(remark.content) + "</p>\n";
        break;
      case Remark::Kind::kMark:
        out_ += "<p class=\"verdict\"><strong>" + Within(remark.content) + "</strong></p>\n";
        break;
      case Remark::Kind::kNotice:
        out_ += "<p class=\"notice\">" + Within(remark.content) + "</p>\n";
        break;
      case Remark::Kind::kPlain:
        out_ += "<p>" + Within(remark.content) + "</p>\n";
        break;
    }
  }

  void Write(const Overview& overview) {
    out_ += "<div class=\"table-scroll\" role=\"region\" tabindex=\"0\" aria-label=\"" + EscapeHtml(overview.caption) +
            "\">\n<table class=\"overview\">\n<caption>" + EscapeHtml(overview.caption) + "</caption>\n<thead>\n<tr>\n";
    for (const std::string& column : overview.columns) {
      out_ += "<th scope=\"col\">" + EscapeHtml(column) + "</th>\n";
    }
    out_ += "</tr>\n</thead>\n<tbody>\n";
    for (const std::vector<Inlines>& row : overview.rows) {
      out_ += "<tr>\n";
      for (size_t i = 0; i < row.size(); ++i) {
        out_ += i == 0 ? "<th scope=\"row\">" + Within(row[i]) + "</th>\n" : "<td>" + Within(row[i]) + "</td>\n";
      }
      out_ += "</tr>\n";
    }
    out_ += "</tbody>\n</table>\n</div>\n";
  }

  std::string out_;
};

}  // namespace

std::string RenderArticle(const Document& document) { return ArticleWriter().Write(document); }

}  // namespace section55::document
