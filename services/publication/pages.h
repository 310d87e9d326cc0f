// The shell of every page, and the register's own pages. Pure functions.
#pragma once

#include <cstdint>
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

// A form in which a response can be had beside its page.
struct OtherFormat {
  std::string words;  // "PDF, 214 KB".
  std::string path;
};

// The page of a response: the article as it was published, within the shell; `formats` are those that it links.
std::string ResponsePage(std::string_view article, const std::vector<OtherFormat>& formats);

// "214 KB", "1.2 MB".
std::string SizeWords(int64_t bytes);

// What a reader sees at an address where nothing is.
std::string NotFoundPage();

}  // namespace section55::publication
