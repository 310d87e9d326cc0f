// A document as strips, one beneath the other, which know what they must stand with, but not yet on which page.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "libs/document/document.h"
#include "libs/document/headings.h"
#include "libs/document/pdf/line.h"
#include "libs/document/pdf/structure.h"
#include "libs/document/pdf/typesetter.h"

namespace section55::document::pdf {

// A4, in points.
inline constexpr double kPageWidth = 595.28;
inline constexpr double kPageHeight = 841.89;
inline constexpr double kMargin = 70;
inline constexpr double kTextWidth = kPageWidth - 2 * kMargin;

inline constexpr unsigned kInk = 0x1b1d21;
inline constexpr unsigned kInk2 = 0x45494f;
inline constexpr unsigned kRule = 0xc5cbd3;
inline constexpr unsigned kTint = 0xf1f4f7;
inline constexpr unsigned kGoodInk = 0x0b5d38;
inline constexpr unsigned kBadInk = 0x8f1414;

// A line within a strip.
struct Placed {
  double x = 0;  // From the left edge of the text.
  double y = 0;  // From the upper edge of the strip.
  Line line = {};
  int order =
      0;  // Within a row of a table: lines of a lower order are read first, over all strips of the row on a page.
};

// What is never parted by the end of a page.
struct Strip {
  double before = 0;  // Space above, which is dropped at the top of a page.
  double height = 0;
  bool keep_with_next = false;
  std::vector<Placed> lines;
  std::vector<Bar> bars;
  int frame = -1;  // The innermost frame it stands in.
  int row = 0;     // Strips of one row follow each other; 0: no row of a table.
  int table = -1;
  std::vector<std::string> anchors;
  int outline = -1;  // The entry that leads here.
};

// A background and a rule on the left of all strips that stand in it.
struct Frame {
  int parent = -1;
  double x = 0;
  double width = 0;
  std::optional<unsigned> fill = {};
  std::optional<unsigned> bar = {};
};

struct TableSpan {
  size_t header_begin = 0;  // The strips of its header row, shown again on each further page.
  size_t header_end = 0;
};

struct OutlineEntry {
  int level = 0;
  std::string title;
};

struct FlowResult {
  std::vector<Strip> strips;
  std::vector<Frame> frames;
  std::vector<TableSpan> tables;
  std::vector<OutlineEntry> outline;
};

// The ids of all sections.
std::set<std::string, std::less<>> AnchorsOf(const Document& document);

// Sets the whole document. `root` is its node. RESOURCE_EXHAUSTED: it has more than `most_strips` strips and cells of tables.
absl::StatusOr<FlowResult> Flow(const Document& document, size_t most_strips, Node* root, StructureTree& tree,
                                FontBook& fonts, Typesetter& typesetter);

}  // namespace section55::document::pdf
