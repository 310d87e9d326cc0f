#include "libs/document/pdf/flow.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "libs/base/status.h"
#include "libs/document/pdf/table.h"

namespace section55::document::pdf {
namespace {

constexpr double kParagraphGap = 7;
constexpr double kTightGap = 2;
constexpr double kIndent = 17;
constexpr double kLeastWidth = 90;
constexpr double kFramePad = 8;
constexpr double kBarWidth = 3;

struct HeadingLook {
  Style style;
  double before;
  double after;
};

const HeadingLook& LookOf(int level) {
  static const std::array<HeadingLook, 6> looks = {{
      {{.size = 23, .leading = 29, .bold = true}, 2, 6},
      {{.size = 15.5, .leading = 20, .bold = true}, 24, 6},
      {{.size = 12.5, .leading = 17, .bold = true}, 17, 5},
      {{.size = 11, .leading = 15.5, .bold = true}, 12, 4},
      {{.size = 10.5, .leading = 15, .bold = true, .colour = kInk2}, 10, 3},
      {{.size = 10.5, .leading = 15, .bold = true, .italic = true, .colour = kInk2}, 10, 3},
  }};
  return looks[static_cast<size_t>(std::clamp(level, 1, 6)) - 1];
}

// Where text stands.
struct Place {
  Node* node = nullptr;
  double x = 0;
  double width = kTextWidth;
  std::string language = {};
  Style style = {};
};

class Builder {
 public:
  Builder(const Document& document, size_t most_strips, StructureTree& tree, FontBook& fonts, Typesetter& typesetter)
      : document_(document),
        most_strips_(most_strips),
        colour_(ColourOf(document)),
        tree_(tree),
        fonts_(fonts),
        typesetter_(typesetter) {}

  absl::StatusOr<FlowResult> Build(Node* root) {
    Place place{.node = root, .language = document_.language};
    Front(place);
    for (const Element& element : document_.content) {
      Put(element, place, 2);
    }
    if (is_full_) {
      return absl::ResourceExhaustedError("the document is too long for a PDF");
    }
    return std::move(out_);
  }

 private:
  // --- strips

  void Gap(double space) { gap_ = std::max(gap_, space); }

  Strip* Push(double height) {
    if (out_.strips.size() + cells_ >= most_strips_) {
      is_full_ = true;
      if (!out_.strips.empty()) {
        out_.strips.pop_back();  // What follows is not looked at any more.
      }
    }
    Strip& strip = out_.strips.emplace_back();
    strip.before = is_fresh_ ? 0 : gap_;
    strip.height = height;
    strip.frame = frame_;
    strip.anchors = std::exchange(anchors_, {});
    strip.outline = std::exchange(outline_, -1);
    gap_ = 0;
    is_fresh_ = false;
    for (Placed& marker : markers_) {
      marker.order = -1;
      strip.lines.push_back(std::move(marker));
    }
    markers_.clear();
    return &strip;
  }

  // The lines of a paragraph: neither its first nor its last stands alone on a page.
  void PushLines(std::vector<Line> lines, double x, bool keep_with_next) {
    const size_t count = lines.size();
    for (size_t i = 0; i < count; ++i) {
      Strip* strip = Push(lines[i].height);
      strip->keep_with_next = keep_with_next || (i == 0 && count > 1) || i + 2 == count;
      strip->lines.push_back({.x = x, .line = std::move(lines[i])});
    }
  }

  std::vector<Line> Set(const Inlines& text, const Style& style, const Place& place, double width, Node* node) {
    if (is_full_) {
      return {};
    }
    return typesetter_.Set(text, style, place.language, std::max(width, kLeastWidth), node, colour_, tree_, fonts_);
  }

  Node* Add(const Place& place, std::string_view type) {
    Node* node = tree_.Add(place.node, type);
    if (place.language != LanguageAbove(place.node)) {
      node->language = place.language;
    }
    return node;
  }

  std::string LanguageAbove(const Node* node) const {
    for (; node != nullptr; node = node->parent) {
      if (!node->language.empty()) {
        return node->language;
      }
    }
    return document_.language;
  }

  // Everything until EndFrame stands in it.
  void BeginFrame(double x, double width, std::optional<unsigned> fill, std::optional<unsigned> bar) {
    out_.frames.push_back({.parent = frame_, .x = x, .width = width, .fill = fill, .bar = bar});
    frame_ = static_cast<int>(out_.frames.size()) - 1;
    Push(fill ? kFramePad : 0)->keep_with_next = true;
    is_fresh_ = true;
  }

  void EndFrame() {
    const Frame& frame = out_.frames[static_cast<size_t>(frame_)];
    gap_ = 0;
    if (frame.fill) {
      out_.strips.back().keep_with_next = true;
      Push(kFramePad);
    }
    frame_ = frame.parent;
    is_fresh_ = false;
  }

  // --- the document's own elements

  void Front(const Place& place) {
    if (!document_.watermark.empty()) {
      const Style style{.size = 14, .leading = 20, .bold = true, .colour = kBadInk};
      PushLines(Set(Words(document_.watermark), style, place, place.width, Add(place, "P")), 0, true);
    }
    if (!document_.author.empty()) {
      const Style style{.size = 12, .leading = 17, .bold = true, .colour = colour_};
      PushLines(Set(Words(document_.author), style, place, place.width, Add(place, "P")), 0, true);
    }
    Heading(Words(document_.title), 1, place);
    if (!document_.subtitle.empty()) {
      const Style style{.size = 12, .leading = 17, .colour = kInk2};
      PushLines(Set(Words(document_.subtitle), style, place, place.width, Add(place, "P")), 0, true);
    }
    Gap(8);
    Strip* rule = Push(2.5);
    rule->bars.push_back({.width = kTextWidth, .height = 2.5, .colour = colour_});
    Gap(14);
  }

  void Heading(const Inlines& text, int level, const Place& place) {
    static constexpr std::array<std::string_view, 6> kTypes = {"H1", "H2", "H3", "H4", "H5", "H6"};
    const HeadingLook& look = LookOf(level);
    Gap(look.before);
    PushLines(Set(text, look.style, place, place.width, Add(place, kTypes[static_cast<size_t>(level) - 1])), place.x,
              true);
    Gap(look.after);
  }

  void Put(const Element& element, const Place& place, int level) {
    std::visit(Overloaded{
                   [&](const Section& section) { Put(section, place, level); },
                   [&](const Facts& facts) { Put(facts, place); },
                   [&](const Prose& prose) {
                     Place inner = place;
                     if (!prose.language.empty()) {
                       inner.language = prose.language;
                     }
                     HeadingLevels levels(level - 1);
                     Put(prose.blocks, inner, levels, /*tight=*/false);
                   },
                   [&](const Remark& remark) { Put(remark, place); },
                   [&](const Overview& overview) { Put(overview, place); },
               },
               element.value);
  }

  void Put(const Section& section, const Place& place, int level) {
    Place inner = place;
    inner.node = tree_.Add(place.node, "Sect");
    const bool framed = section.role != Section::Role::kPlain;
    if (framed) {
      const unsigned bar = section.role == Section::Role::kAnswer ? colour_ : kRule;
      Gap(12);
      anchors_.push_back(section.id);
      AddToOutline(section, level);
      BeginFrame(place.x, place.width,
                 section.role == Section::Role::kAnswer ? std::optional<unsigned>(kTint) : std::nullopt, bar);
      inner.x += kBarWidth + 11;
      inner.width -= kBarWidth + 11 + (section.role == Section::Role::kAnswer ? 11 : 0);
    } else {
      anchors_.push_back(section.id);
      AddToOutline(section, level);
      if (level == 2) {
        Gap(LookOf(2).before);
        Strip* rule = Push(0.75);
        rule->bars.push_back({.x = place.x, .width = place.width, .height = 0.75, .colour = kRule});
        rule->keep_with_next = true;
        is_fresh_ = false;
        gap_ = 0;
        Push(9)->keep_with_next = true;
        is_fresh_ = true;
      }
    }
    Heading(Words(section.heading), std::min(level, kDeepestHeading), inner);
    for (const Element& element : section.content) {
      Put(element, inner, std::min(level + 1, kDeepestHeading));
    }
    if (framed) {
      EndFrame();
      Gap(12);
    }
  }

  void AddToOutline(const Section& section, int level) {
    out_.outline.push_back({level, section.heading});
    outline_ = static_cast<int>(out_.outline.size()) - 1;
  }

  void Put(const Facts& facts, const Place& place) {
    constexpr double kLabelWidth = 118, kBoxPad = 12;
    Node* list = tree_.Add(place.node, "L");
    list->numbering = "None";
    Place inner = place;
    Gap(kParagraphGap);
    if (facts.boxed) {
      BeginFrame(place.x, place.width, kTint, std::nullopt);
      inner.x += kBoxPad;
      inner.width -= 2 * kBoxPad;
    }
    for (const Fact& fact : facts.facts) {
      Node* item = tree_.Add(list, "LI");
      const Style label{.size = 10, .leading = 14.5, .bold = true, .colour = kInk2};
      Style value{.size = 10, .leading = 14.5, .mark = fact.mark};
      value.mark_colour = fact.tone == Tone::kGood ? kGoodInk : fact.tone == Tone::kBad ? kBadInk : kInk;
      std::vector<std::vector<Line>> cells(2);
      cells[0] = Set(Words(fact.label), label, inner, kLabelWidth - 10, tree_.Add(item, "Lbl"));
      cells[1] = Set(fact.value, value, inner, inner.width - kLabelWidth, tree_.Add(item, "LBody"));
      Gap(3);
      PushRow(std::move(cells), {inner.x, inner.x + kLabelWidth}, {}, 0, 0, false);
    }
    if (facts.boxed) {
      EndFrame();
    }
    Gap(kParagraphGap);
  }

  void Put(const Remark& remark, const Place& place) {
    Style style = place.style;
    switch (remark.kind) {
      case Remark::Kind::kNote:
        style = {.size = 9.5, .leading = 13.5, .colour = kInk2};
        break;
      case Remark::Kind::kMark:
        style.bold = true;
        style.colour = colour_;
        break;
      case Remark::Kind::kNotice:
        Gap(kParagraphGap);
        BeginFrame(place.x, place.width, kTint, kBadInk);
        break;
      case Remark::Kind::kPlain:
        break;
    }
    const bool notice = remark.kind == Remark::Kind::kNotice;
    const double indent = notice ? kBarWidth + 11 : 0;
    Gap(remark.kind == Remark::Kind::kNote ? 3 : kParagraphGap);
    PushLines(Set(remark.content, style, place, place.width - 2 * indent, Add(place, "P")), place.x + indent,
              remark.kind == Remark::Kind::kMark);
    if (notice) {
      EndFrame();
    }
    Gap(remark.kind == Remark::Kind::kNote ? 3 : kParagraphGap);
  }

  void Put(const Overview& overview, const Place& place) {
    Node* table = tree_.Add(place.node, "Table");
    Gap(kParagraphGap + 3);
    const Style style{.size = 10, .leading = 14, .bold = true};
    PushLines(Set(Words(overview.caption), style, place, place.width, tree_.Add(table, "Caption")), place.x, true);
    Gap(4);
    std::vector<Inlines> header;
    for (const std::string& column : overview.columns) {
      header.push_back(Words(column));
    }
    std::vector<const std::vector<Inlines>*> rows;
    for (const std::vector<Inlines>& row : overview.rows) {
      rows.push_back(&row);
    }
    PutTable(table, header, rows, place, /*rows_have_names=*/true);
  }

  // --- texts

  void Put(const Blocks& blocks, const Place& place, HeadingLevels& levels, bool tight) {
    for (const Block& block : blocks) {
      if (is_full_) {
        return;
      }
      std::visit(
          Overloaded{
              [&](const Paragraph& paragraph) {
                const double gap = tight ? kTightGap : kParagraphGap;
                Gap(gap);
                PushLines(Set(paragraph.content, place.style, place, place.width, Add(place, "P")), place.x, false);
                Gap(gap);
              },
              [&](const document::Heading& heading) { Heading(heading.content, levels.Next(heading.level), place); },
              [&](const List& list) { Put(list, place, levels); },
              [&](const BlockQuote& quote) {
                constexpr double kQuoteIndent = 13;
                Gap(kParagraphGap);
                BeginFrame(place.x, place.width, std::nullopt, kRule);
                Place inner = place;
                inner.node = Add(place, "BlockQuote");
                inner.x += kQuoteIndent;
                inner.width -= kQuoteIndent;
                Put(quote.content, inner, levels, false);
                EndFrame();
                Gap(kParagraphGap);
              },
              [&](const CodeBlock& code) { Put(code, place); },
              [&](const Table& table) {
                Gap(kParagraphGap + 3);
                std::vector<const std::vector<Inlines>*> rows;
                for (const Table::Row& row : table.rows) {
                  rows.push_back(&row);
                }
                PutTable(Add(place, "Table"), table.header, rows, place, /*rows_have_names=*/false);
              },
              [&](const ThematicBreak&) {
                Gap(11);
                Strip* rule = Push(0.75);
                rule->bars.push_back(
                    {.x = place.x + place.width / 3, .width = place.width / 3, .height = 0.75, .colour = kRule});
                Gap(11);
              },
          },
          block.value);
    }
  }

  void Put(const List& list, const Place& place, HeadingLevels& levels) {
    Node* node = Add(place, "L");
    node->numbering = list.ordered ? "Decimal" : "Disc";
    Gap(list.tight ? kParagraphGap - 2 : kParagraphGap);
    // Room for the longest number.
    double indent = kIndent;
    if (list.ordered) {
      const std::string longest = fmt::format("{}.", list.start + static_cast<long>(list.items.size()) - 1);
      indent = std::max(indent, 6 + static_cast<double>(longest.size()) * 0.6 * place.style.size);
    }
    for (size_t i = 0; i < list.items.size() && !is_full_; ++i) {
      Node* item = tree_.Add(node, "LI");
      const std::string marker = list.ordered ? fmt::format("{}.", static_cast<long>(i) + list.start) : "\u2022";
      std::vector<Line> lines = Set(Words(marker), place.style, place, place.width, tree_.Add(item, "Lbl"));
      Place inner = place;
      inner.node = tree_.Add(item, "LBody");
      inner.x += indent;
      inner.width -= indent;
      const double x = place.x + (list.ordered ? 0 : 5);
      if (!lines.empty()) {
        markers_.push_back({.x = x, .line = std::move(lines.front())});
      }
      Gap(list.tight ? kTightGap : kParagraphGap - 1);
      Put(list.items[i], inner, levels, list.tight);
      if (!markers_.empty()) {
        Push(place.style.leading);  // An empty item.
      }
    }
    Gap(kParagraphGap);
  }

  void Put(const CodeBlock& code, const Place& place) {
    Place inner = place;
    inner.node = Add(place, "P");
    Node* node = tree_.Add(inner.node, "Code");
    Gap(kParagraphGap);
    BeginFrame(place.x, place.width, kTint, std::nullopt);
    const Style style{.size = 9, .leading = 12.5, .mono = true};
    size_t begin = 0;
    while (begin <= code.text.size() && !is_full_) {
      const size_t end = std::min(code.text.find('\n', begin), code.text.size());
      // With a space at its end, so that words of two lines are not read as one.
      PushLines(Set(Words(code.text.substr(begin, end - begin) + " "), style, inner, inner.width - 20, node),
                place.x + 10, false);
      begin = end + 1;
    }
    EndFrame();
    Gap(kParagraphGap);
  }

  // --- tables

  // A row whose cells begin at `xs`. A background of no height is as high as the row; another lies along its upper edge.
  void PushRow(std::vector<std::vector<Line>> cells, const std::vector<double>& xs, const std::vector<Bar>& backgrounds,
               double pad_above, double pad_below, bool keep_with_next, int table = -1, int order = 0, int row = 0) {
    constexpr size_t kShort = 8;  // Lines of a row that are not parted.
    size_t count = 1;
    for (const std::vector<Line>& cell : cells) {
      count = std::max(count, cell.size());
    }
    const int number = row != 0 ? row : ++rows_;
    for (size_t k = 0; k < count; ++k) {
      double height = 0;
      for (const std::vector<Line>& cell : cells) {
        height = std::max(height, k < cell.size() ? cell[k].height : 0);
      }
      const double above = k == 0 ? pad_above : 0, below = k + 1 == count ? pad_below : 0;
      Strip* strip = Push(above + (height > 0 ? height : 12) + below);
      strip->row = number;
      strip->table = table;
      strip->keep_with_next = keep_with_next || (k + 1 < count && (count <= kShort || k == 0 || k + 2 == count));
      for (Bar bar : backgrounds) {
        if (bar.height == 0) {
          bar.height = strip->height;
          strip->bars.push_back(bar);
        } else if (k == 0) {
          strip->bars.push_back(bar);
        }
      }
      for (size_t i = 0; i < cells.size(); ++i) {
        if (k < cells[i].size()) {
          strip->lines.push_back(
              {.x = xs[i], .y = above, .line = std::move(cells[i][k]), .order = order + static_cast<int>(i)});
        }
      }
    }
  }

  void PutTable(Node* node, const std::vector<Inlines>& header, const std::vector<const std::vector<Inlines>*>& rows,
                const Place& place, bool rows_have_names) {
    constexpr double kPad = 6, kPadAbove = 4, kPadBelow = 4, kRuleHeight = 0.6;
    if (is_full_) {
      return;
    }
    const Style cell_style{.size = 9.5, .leading = 13};
    Style header_style = cell_style;
    header_style.bold = true;
    const Columns columns =
        FindColumns(header, rows, place.width, kPad, rows_have_names, [&](const Inlines& cell, bool bold) {
          return typesetter_.Measure(cell, bold ? header_style : cell_style, place.language);
        });
    const int table = static_cast<int>(out_.tables.size());
    out_.tables.emplace_back();
    const auto put_row = [&](Node* parent, const std::vector<Inlines>& row, bool is_header) {
      Node* row_node = tree_.Add(parent, "TR");
      const int number = ++rows_;
      for (size_t band = 0; band * columns.in_band < header.size(); ++band) {
        const size_t begin = band * columns.in_band, end = std::min(header.size(), begin + columns.in_band);
        std::vector<std::vector<Line>> cells;
        std::vector<double> xs;
        double x = place.x;
        for (size_t i = begin; i < end && !is_full_; ++i) {
          const bool names = (is_header || (rows_have_names && i == 0)) && !row[i].empty();
          ++cells_;
          Node* cell = tree_.Add(row_node, names ? "TH" : "TD");
          cell->scope = !names ? "" : is_header ? "Column" : "Row";
          cells.push_back(
              Set(row[i], is_header ? header_style : cell_style, place, columns.widths[i] - 2 * kPad, cell));
          xs.push_back(x + kPad);
          x += columns.widths[i];
        }
        std::vector<Bar> bars;
        if (is_header) {
          bars.push_back({.x = place.x, .width = x - place.x, .colour = kTint});
        } else if (band == 0) {
          bars.push_back({.x = place.x, .width = x - place.x, .height = kRuleHeight, .colour = kRule});
        }
        PushRow(std::move(cells), xs, bars, kPadAbove, kPadBelow, is_header && !rows.empty(), table,
                static_cast<int>(begin), number);
      }
    };
    out_.tables.back().header_begin = out_.strips.size();
    put_row(tree_.Add(node, "THead"), header, true);
    out_.tables[static_cast<size_t>(table)].header_end = out_.strips.size();
    Node* body = rows.empty() ? nullptr : tree_.Add(node, "TBody");
    for (const std::vector<Inlines>* row : rows) {
      if (is_full_) {
        return;
      }
      put_row(body, *row, false);
    }
    gap_ = 0;
    if (!rows.empty()) {
      out_.strips.back().keep_with_next = true;
    }
    double width = 0;
    for (size_t i = 0; i < std::min(columns.in_band, columns.widths.size()); ++i) {
      width += columns.widths[i];
    }
    Push(kRuleHeight)->bars.push_back({.x = place.x, .width = width, .height = kRuleHeight, .colour = kRule});
    KeepTogetherIfShort(out_.tables[static_cast<size_t>(table)].header_begin);
    Gap(kParagraphGap + 4);
  }

  // A short table, from this strip to the last, stands on one page.
  void KeepTogetherIfShort(size_t begin) {
    constexpr double kShort = 200;
    double height = 0;
    for (size_t i = begin; i < out_.strips.size(); ++i) {
      height += out_.strips[i].height;
    }
    for (size_t i = begin; height <= kShort && i + 1 < out_.strips.size(); ++i) {
      out_.strips[i].keep_with_next = true;
    }
  }

  const Document& document_;
  const size_t most_strips_;
  const unsigned colour_;
  StructureTree& tree_;
  FontBook& fonts_;
  Typesetter& typesetter_;
  FlowResult out_;
  double gap_ = 0;
  bool is_fresh_ = true;  // Nothing stands above: space would be in vain.
  bool is_full_ = false;
  int frame_ = -1;
  int rows_ = 0;
  size_t cells_ = 0;
  std::vector<Placed> markers_;  // Of list items, for the next strip.
  std::vector<std::string> anchors_;
  int outline_ = -1;
};

void Collect(const std::vector<Element>& elements, std::set<std::string, std::less<>>& anchors) {
  for (const Element& element : elements) {
    if (const auto* section = std::get_if<Section>(&element.value)) {
      anchors.insert(section->id);
      Collect(section->content, anchors);
    }
  }
}

}  // namespace

std::set<std::string, std::less<>> AnchorsOf(const Document& document) {
  std::set<std::string, std::less<>> anchors;
  Collect(document.content, anchors);
  return anchors;
}

absl::StatusOr<FlowResult> Flow(const Document& document, size_t most_strips, Node* root, StructureTree& tree,
                                FontBook& fonts, Typesetter& typesetter) {
  return Builder(document, most_strips, tree, fonts, typesetter).Build(root);
}

}  // namespace section55::document::pdf
