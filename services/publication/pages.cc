#include "services/publication/pages.h"

#include <fmt/format.h>

#include "libs/base/proto_time.h"
#include "libs/calendar/format.h"
#include "libs/document/html.h"
#include "services/publication/assets.h"
#include "services/publication/words.h"

namespace section55::publication {
namespace {

namespace mustache = kainjow::mustache;

// `data` has the title as markup.
std::string InShell(std::string_view content, mustache::data data) {
  // A partial is read as a template; a value never is, so braces in a text stay braces.
  data.set("content", mustache::partial([content] { return std::string(content); }));
  mustache::mustache page{std::string(assets::kLayout)};
  page.set_custom_escape([](const std::string& text) { return document::EscapeHtml(text); });
  return page.render(data);
}

// What stands between the first of `begin` and the next of `end`.
std::string Between(std::string_view text, std::string_view begin, std::string_view end) {
  const size_t from = text.find(begin);
  const size_t to = from == std::string_view::npos ? from : text.find(end, from);
  return to == std::string_view::npos ? "" : std::string(text.substr(from + begin.size(), to - from - begin.size()));
}

}  // namespace

std::string RenderPage(std::string_view content, std::string_view title, mustache::data data) {
  data.set("page_title", document::EscapeHtml(std::string(title)));
  return InShell(content, std::move(data));
}

std::string ResponsePage(std::string_view article, const std::vector<OtherFormat>& formats) {
  mustache::data list{mustache::data::type::list};
  mustache::data data;
  for (const OtherFormat& format : formats) {
    mustache::data item;
    item.set("words", format.words);
    item.set("path", format.path);
    list.push_back(item);
    if (format.path.ends_with(".json")) {
      data.set("alternate", format.path);
    }
  }
  // The article is escaped already, so its title is too.
  const std::string author = Between(article, "<p class=\"author\">", "</p>");
  data.set("page_title", (author.empty() ? "" : author + ": ") + Between(article, "<h1>", "</h1>"));
  data.set("article", std::string(article));
  data.set("formats", list);
  return InShell(assets::kResponse, std::move(data));
}

std::string SizeWords(int64_t bytes) {
  constexpr int64_t kKilobyte = 1024;
  const int64_t kilobytes = (bytes + kKilobyte - 1) / kKilobyte;
  return kilobytes < kKilobyte ? fmt::format("{} KB", kilobytes)
                               : fmt::format("{:.1f} MB", static_cast<double>(kilobytes) / kKilobyte);
}

std::string RegisterPage(const std::vector<v1::PublicationRecord>& publications, bool first_page,
                         std::string_view older) {
  mustache::data list{mustache::data::type::list};
  for (const v1::PublicationRecord& publication : publications) {
    const auto day = base::ToCivilDay(publication.inspection_publication_date());
    mustache::data item;
    item.set("path", publication.page_path());
    item.set("body", publication.body_title());
    item.set("report", publication.inspection_title());
    item.set("report_date", day ? calendar::FormatDate(*day) : "");
    item.set("published", InstantWords(publication.published_time()));
    item.set("edition",
             publication.edition() > 1 ? mustache::data(std::to_string(publication.edition())) : mustache::data(false));
    item.set("edition_published", InstantWords(publication.edition_published_time()));
    item.set("timeliness", TimelinessWords(publication));
    item.set("late", publication.late_by_days() > 0);
    item.set("hash", publication.content_hash());
    list.push_back(item);
  }
  mustache::data data;
  data.set("empty", publications.empty());
  data.set("publications", list);
  data.set("further_page", !first_page);
  data.set("older", older.empty() ? mustache::data(false) : mustache::data(std::string(older)));
  return RenderPage(assets::kRegister, first_page ? "Published responses" : "Published responses, older",
                    std::move(data));
}

std::string NotFoundPage() { return RenderPage(assets::kNotFound, "Page not found", mustache::data()); }

}  // namespace section55::publication
