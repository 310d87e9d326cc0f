// The parts of a Word file beside its text: styles, numbering, settings, header and footer, properties, relations; and the archive.
#pragma once

#include <pugixml.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/document/document.h"

namespace section55::document::word {

// An ordered list: one instance of the numbering, begun anew.
struct Numbering {
  int level = 0;  // 0 to 8.
  int start = 1;
};

// The instance of the numbering that bullets use; ordered lists use the next ones.
inline constexpr int kBullets = 1;
// How deep lists go in Word; what is deeper looks like this.
inline constexpr int kDeepestList = 8;
// A step of indentation, in twentieths of a point.
inline constexpr int kIndent = 360;

struct File {
  std::string name;
  std::string bytes;
};

// As XML, with its declaration.
std::string Write(const pugi::xml_document& part);

File Styles(const Document& document);
File NumberingPart(const std::vector<Numbering>& lists);
// Headers and footers; those of the first page as well.
std::vector<File> HeadersAndFooters(const Document& document);
// `hrefs` are the targets of the relations "link0", "link1", ...
File Relations(const std::vector<std::string>& hrefs);
// What is the same in every file but for names: content types, package relations, settings, properties.
std::vector<File> Frame(const Document& document);

// All as one archive, each entry with the same fixed time. INTERNAL.
absl::StatusOr<std::string> Zip(const std::vector<File>& files);

}  // namespace section55::document::word
