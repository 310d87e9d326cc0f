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

}  // namespace

std::string RenderPage(std::string_view content, std::string_view title, mustache::data data) {
  data.set("page_title", std::string(title));
  // A partial is read as a template; a value never is, so braces in a text stay braces.
  data.set("content", mustache::partial([content] { return std::string(content); }));
  mustache::mustache page{std::string(assets::kLayout)};
  page.set_custom_escape([](const std::string& text) { return document::EscapeHtml(text); });
  return page.render(data);
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
