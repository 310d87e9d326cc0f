// Text into lines, by Pango: it knows the languages' rules for breaking lines, writing directions and which font has a letter.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/document/blocks.h"
#include "libs/document/pdf/fonts.h"
#include "libs/document/pdf/line.h"
#include "libs/document/pdf/structure.h"

namespace section55::document::pdf {

// Not thread-safe; costly to make, cheap to keep: BorrowTypesetter.
class Typesetter {
 public:
  static absl::StatusOr<std::unique_ptr<Typesetter>> Create();
  ~Typesetter();

  // The lines of a text that is `width` wide. What they draw belongs to `node`, links within it to nodes of their own beneath it; glyphs
  // are noted in `fonts`. `link_colour` is that of links. `node` null: an artifact, without links.
  std::vector<Line> Set(const Inlines& text, const Style& style, const std::string& language, double width, Node* node,
                        unsigned link_colour, StructureTree& tree, FontBook& fonts);

  // The widths of a text: of its longest piece that may not be broken, and of the whole on one line.
  struct Widths {
    double least = 0;
    double whole = 0;
  };
  Widths Measure(const Inlines& text, const Style& style, const std::string& language);

 private:
  Typesetter(PangoFontMap* font_map, PangoContext* context) : font_map_(font_map), context_(context) {}

  struct Source;
  struct Deleter {
    void operator()(PangoLayout* layout) const;
  };
  std::unique_ptr<PangoLayout, Deleter> LayOut(const Source& source, const Style& style, const std::string& language,
                                               double width);
  void AddLines(PangoLayout* layout, const Source& source, const Style& style, FontBook& fonts,
                std::vector<Line>& lines);

  PangoFontMap* const font_map_;
  PangoContext* const context_;
};

// One that nobody else has, until it goes back by itself. FAILED_PRECONDITION: fonts are missing. Thread-safe.
absl::StatusOr<std::shared_ptr<Typesetter>> BorrowTypesetter();

}  // namespace section55::document::pdf
