// How wide the columns of a table are.
#pragma once

#include <functional>
#include <vector>

#include "libs/document/blocks.h"
#include "libs/document/pdf/typesetter.h"

namespace section55::document::pdf {

struct Columns {
  std::vector<double> widths;
  // So many columns stand beside each other; a table with more has rows of several bands, one beneath the other, so that nothing is cut.
  size_t in_band = 1;
};

// Finds columns that fit into `width`, with `pad` on both sides of a cell's text. Columns get what their texts ask for, where there is
// room, and never less than a part that is in proportion.
Columns FindColumns(const std::vector<Inlines>& header, const std::vector<const std::vector<Inlines>*>& rows,
                    double width, double pad, bool rows_have_names,
                    const std::function<Typesetter::Widths(const Inlines&, bool bold)>& measure);

}  // namespace section55::document::pdf
