// The shell of every page, and the register's own pages. Pure functions.
#pragma once

#include <kainjow/mustache.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "section55/publication/v1/publication_record.pb.h"

namespace section55::publication {

// A page: `content` is a template of web/ filled from `data`, within the shell; `title` stands in the title bar, before
// the name of the register. Every {{value}} is escaped.
std::string RenderPage(std::string_view content, std::string_view title, kainjow::mustache::data data);

// The register: these publications in this order; `older` is the path of the next page, empty on the last.
std::string RegisterPage(const std::vector<v1::PublicationRecord>& publications, bool first_page,
                         std::string_view older);

// What a reader sees at an address where nothing is.
std::string NotFoundPage();

}  // namespace section55::publication
