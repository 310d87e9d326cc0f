#include "libs/document/headings.h"

#include <algorithm>

namespace section55::document {

HeadingLevels::HeadingLevels(int offset) : offset_(std::clamp(offset, 0, 5)) {}

int HeadingLevels::Next(int level) {
  while (!open_.empty() && open_.back() >= level) {
    open_.pop_back();
  }
  open_.push_back(level);
  return std::min(6, offset_ + static_cast<int>(open_.size()));
}

}  // namespace section55::document
