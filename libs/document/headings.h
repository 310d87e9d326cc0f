// The level at which a heading is shown. Staff choose levels freely within their own text; the text is shown beneath
// the heading of a section, and all renditions must agree on the outline.
#pragma once

#include <vector>

namespace section55::document {

// One walk over the headings of one text, in reading order. Not thread-safe; make one for each rendition.
class HeadingLevels {
 public:
  // `offset`: the level of the section's own heading, 0 (none) to 5; other values are brought into that range.
  explicit HeadingLevels(int offset);

  // The level to show for the next heading, written at `level`: offset + 1 to 6, at most one deeper than the heading
  // before it, and equal for headings of one level beneath the same parent.
  int Next(int level);

 private:
  int offset_;
  std::vector<int> open_;  // The written levels of the headings that the current place stands beneath, ascending.
};

}  // namespace section55::document
