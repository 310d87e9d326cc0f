#include "libs/document/pdf/table.h"

#include <algorithm>

namespace section55::document::pdf {

Columns FindColumns(const std::vector<Inlines>& header, const std::vector<const std::vector<Inlines>*>& rows,
                    double width, double pad, bool rows_have_names,
                    const std::function<Typesetter::Widths(const Inlines&, bool bold)>& measure) {
  constexpr double kNarrowest = 42;        // A column with its padding: a figure or two, or a few letters a line.
  constexpr size_t kMostMeasured = 1'000;  // Cells; a longer table goes by its first rows.
  Columns columns;
  const size_t count = header.size();
  columns.in_band = std::clamp<size_t>(static_cast<size_t>(width / kNarrowest), 1, count);
  if (columns.in_band < count) {
    columns.widths.assign(count, width / static_cast<double>(columns.in_band));
    return columns;
  }
  std::vector<double> least(count, kNarrowest), whole(count, kNarrowest);
  const auto take = [&](size_t i, const Inlines& cell, bool bold) {
    const Typesetter::Widths widths = measure(cell, bold);
    least[i] = std::max(least[i], widths.least + 2 * pad + 0.5);
    whole[i] = std::max(whole[i], widths.whole + 2 * pad + 0.5);
  };
  for (size_t i = 0; i < count; ++i) {
    take(i, header[i], true);
  }
  const size_t measured = std::min(rows.size(), std::max<size_t>(1, kMostMeasured / count));
  for (size_t r = 0; r < measured; ++r) {
    for (size_t i = 0; i < count; ++i) {
      take(i, (*rows[r])[i], rows_have_names && i == 0);
    }
  }
  double sum_least = 0, sum_whole = 0;
  for (size_t i = 0; i < count; ++i) {
    sum_least += least[i];
    sum_whole += whole[i];
  }
  columns.widths.resize(count);
  for (size_t i = 0; i < count; ++i) {
    if (sum_whole <= width) {
      // A table of the document itself is as wide as the text.
      columns.widths[i] = rows_have_names ? whole[i] * width / sum_whole : whole[i];
    } else if (sum_least < width) {
      const double share = (width - sum_least) / (sum_whole - sum_least);
      columns.widths[i] = least[i] + (whole[i] - least[i]) * share;
    } else {
      // Words are broken then; the narrowest columns stay readable.
      const double rest = width - kNarrowest * static_cast<double>(count);
      const double over = sum_least - kNarrowest * static_cast<double>(count);
      columns.widths[i] = kNarrowest + (over > 0 ? (least[i] - kNarrowest) * rest / over : 0);
    }
  }
  return columns;
}

}  // namespace section55::document::pdf
