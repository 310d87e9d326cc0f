// Strips onto pages: where pages end, what is drawn again on each, and each page's content with its marks.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "libs/document/pdf/flow.h"

namespace section55::document::pdf {

struct LinkArea {
  int page = 0;
  Node* node = nullptr;
  double left = 0, bottom = 0, right = 0, top = 0;  // In points from the lower left corner.
};

// A place that links and the outline lead to.
struct Target {
  int page = 0;
  double top = 0;
};

struct Page {
  std::string content;
  std::vector<Node*> marked;  // Whose content the n-th mark of the page is.
};

struct Pages {
  std::vector<Page> pages;
  std::vector<LinkArea> links;
  std::map<std::string, Target, std::less<>> targets;
  std::vector<Target> outline;  // As FlowResult::outline.
};

// Puts everything on pages; the kids of the nodes are complete afterwards.
Pages Paginate(const Document& document, FlowResult flow, StructureTree& tree, FontBook& fonts, Typesetter& typesetter);

}  // namespace section55::document::pdf
