#include "libs/document/pdf/pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace section55::document::pdf {
namespace {

constexpr double kFirstTop = 62;  // Of the text, from the upper edge of the first page; it has no running head.
constexpr double kTop = 84;
constexpr double kBottom = kPageHeight - 74;

class Paginator {
 public:
  Paginator(const Document& document, FlowResult flow, StructureTree& tree, FontBook& fonts, Typesetter& typesetter)
      : document_(document), flow_(std::move(flow)), tree_(tree), fonts_(fonts), typesetter_(typesetter) {}

  Pages Run() {
    out_.outline.resize(flow_.outline.size());
    SetRunningLines();
    for (size_t i = 0; i < flow_.strips.size();) {
      size_t end = i + 1;
      double height = flow_.strips[i].height;
      while (end < flow_.strips.size() && flow_.strips[end - 1].keep_with_next) {
        height += flow_.strips[end].before + flow_.strips[end].height;
        ++end;
      }
      // What belongs together starts a new page where it would not fit and a page can hold it.
      const double before = on_page_.empty() ? 0 : flow_.strips[i].before;
      if (y_ + before + height > kBottom && height <= kBottom - kTop && !on_page_.empty()) {
        EndPage();
      }
      for (; i < end; ++i) {
        Put(i);
      }
    }
    EndPage();
    FinishPages();
    return std::move(out_);
  }

 private:
  struct OnPage {
    const Strip* strip = nullptr;
    double y = 0;  // Of its upper edge, from the upper edge of the page.
    bool is_repeat = false;
  };

  void Put(size_t index) {
    const Strip& strip = flow_.strips[index];
    double before = on_page_.empty() ? 0 : strip.before;
    if (y_ + before + strip.height > kBottom && !on_page_.empty()) {
      EndPage();
      before = 0;
    }
    if (on_page_.empty()) {
      RepeatHeader(strip, index);
    }
    y_ += before;
    Remember(strip);
    on_page_.push_back({&strip, y_, false});
    y_ += strip.height;
  }

  void RepeatHeader(const Strip& strip, size_t index) {
    if (strip.table < 0) {
      return;
    }
    const TableSpan& table = flow_.tables[static_cast<size_t>(strip.table)];
    if (index < table.header_end) {
      return;
    }
    double height = 0;
    for (size_t i = table.header_begin; i < table.header_end; ++i) {
      height += flow_.strips[i].height;
    }
    if (height > (kBottom - kTop) / 3) {
      return;  // It would leave no room for what it names.
    }
    for (size_t i = table.header_begin; i < table.header_end; ++i) {
      on_page_.push_back({&flow_.strips[i], y_, true});
      y_ += flow_.strips[i].height;
    }
  }

  void Remember(const Strip& strip) {
    const Target target{static_cast<int>(out_.pages.size()), kPageHeight - y_ + 6};
    for (const std::string& anchor : strip.anchors) {
      out_.targets.emplace(anchor, target);
    }
    if (strip.outline >= 0) {
      out_.outline[static_cast<size_t>(strip.outline)] = target;
    }
  }

  // --- drawing

  static void Fill(std::string& out, double x, double y, double width, double height, unsigned colour) {
    out += fmt::format("{}{} {} {} {} re f\n", FillColour(colour), Number(x), Number(kPageHeight - y - height),
                       Number(width), Number(height));
  }

  void EndPage() {
    if (on_page_.empty() && !out_.pages.empty()) {
      return;
    }
    out_.pages.emplace_back();
    Page& page = out_.pages.back();
    std::string back = Frames();
    for (const OnPage& placed : on_page_) {
      for (const Bar& bar : placed.strip->bars) {
        Fill(back, kMargin + bar.x, placed.y + bar.y, bar.width, bar.height, bar.colour);
      }
      for (const Placed& line : placed.strip->lines) {
        for (const Bar& bar : line.line.bars) {
          Fill(back, kMargin + line.x + bar.x, placed.y + line.y + bar.y, bar.width, bar.height, bar.colour);
        }
      }
    }
    std::string text;
    for (size_t i = 0; i < on_page_.size();) {
      size_t end = i + 1;
      while (end < on_page_.size() && on_page_[i].strip->row != 0 &&
             on_page_[end].strip->row == on_page_[i].strip->row && on_page_[end].is_repeat == on_page_[i].is_repeat) {
        ++end;
      }
      DrawRow(i, end, page, text);
      i = end;
    }
    Close(text);
    page.content = back.empty() ? "" : "/Artifact BMC\n" + back + "EMC\n";
    page.content += text;
    on_page_.clear();
    y_ = kTop;
  }

  // Backgrounds and rules of the frames that the page's strips stand in: outer ones first.
  std::string Frames() const {
    struct Extent {
      double top = 0, bottom = 0;
    };
    std::map<int, Extent> extents;
    for (const OnPage& placed : on_page_) {
      for (int frame = placed.strip->frame; frame >= 0; frame = flow_.frames[static_cast<size_t>(frame)].parent) {
        Extent& extent = extents.try_emplace(frame, Extent{placed.y, placed.y}).first->second;
        extent.bottom = std::max(extent.bottom, placed.y + placed.strip->height);
      }
    }
    std::string out;
    constexpr double kBarWidth = 3;
    for (const auto& [number, extent] : extents) {
      const Frame& frame = flow_.frames[static_cast<size_t>(number)];
      if (frame.fill) {
        Fill(out, kMargin + frame.x, extent.top, frame.width, extent.bottom - extent.top, *frame.fill);
      }
      if (frame.bar) {
        Fill(out, kMargin + frame.x, extent.top, kBarWidth, extent.bottom - extent.top, *frame.bar);
      }
    }
    return out;
  }

  // The strips of one row, or one strip: cell by cell, so that the page is read as the table is.
  void DrawRow(size_t begin, size_t end, Page& page, std::string& text) {
    struct Drawn {
      const Placed* line;
      double y;
      bool is_repeat;
    };
    std::vector<Drawn> lines;
    for (size_t i = begin; i < end; ++i) {
      for (const Placed& line : on_page_[i].strip->lines) {
        lines.push_back({&line, on_page_[i].y + line.y, on_page_[i].is_repeat});
      }
    }
    if (end - begin > 1) {
      std::stable_sort(lines.begin(), lines.end(),
                       [](const Drawn& a, const Drawn& b) { return a.line->order < b.line->order; });
    }
    for (const Drawn& drawn : lines) {
      DrawLine(drawn.line->line, kMargin + drawn.line->x, drawn.y, drawn.is_repeat, page, text);
    }
  }

  void DrawLine(const Line& line, double x, double y, bool is_artifact, Page& page, std::string& text) {
    const double baseline = kPageHeight - y - line.baseline;
    for (const Fragment& fragment : line.fragments) {
      Open(is_artifact ? nullptr : fragment.node, page, text);
      text += fmt::format("BT 1 0 0 1 {} {} Tm {}ET\n", Number(x + fragment.x), Number(baseline), fragment.operators);
      if (!is_artifact && fragment.node != nullptr && fragment.node->type == "Link") {
        AddLink(fragment, x, baseline, line.height);
      }
    }
  }

  void AddLink(const Fragment& fragment, double x, double baseline, double height) {
    const int page = static_cast<int>(out_.pages.size()) - 1;
    const double left = x + fragment.x, right = left + fragment.width;
    const double bottom = baseline - height * 0.28, top = baseline + height * 0.66;
    if (!out_.links.empty()) {
      LinkArea& last = out_.links.back();
      if (last.node == fragment.node && last.page == page && std::abs(last.bottom - bottom) < 1) {
        last.right = std::max(last.right, right);
        last.left = std::min(last.left, left);
        return;
      }
    }
    fragment.node->kids.emplace_back(Annotated{static_cast<int>(out_.links.size())});
    out_.links.push_back({page, fragment.node, left, bottom, right, top});
  }

  // Goes on in the node's mark, or begins one.
  void Open(Node* node, Page& page, std::string& text) {
    if (is_open_ && node == open_) {
      return;
    }
    Close(text);
    if (node == nullptr) {
      text += "/Artifact BMC\n";
    } else {
      const int mcid = static_cast<int>(page.marked.size());
      page.marked.push_back(node);
      StructureTree::Attach(node);
      node->kids.emplace_back(Marked{static_cast<int>(out_.pages.size()) - 1, mcid});
      text += fmt::format("/{}<</MCID {}>>BDC\n", node->type, mcid);
    }
    open_ = node;
    is_open_ = true;
  }

  void Close(std::string& text) {
    if (is_open_) {
      text += "EMC\n";
    }
    is_open_ = false;
  }

  // --- what stands on every page

  std::vector<Line> Artifact(const std::string& text, const Style& style, double width) {
    return text.empty() ? std::vector<Line>()
                        : typesetter_.Set(Words(text), style, document_.language, width, nullptr, kInk2, tree_, fonts_);
  }

  // In one line, its end left out where it is too long.
  std::vector<Line> OneLine(std::string text, const Style& style, double width) {
    std::vector<Line> lines = Artifact(text, style, width);
    while (lines.size() > 1 && !text.empty()) {
      text.resize(text.rfind(' ') == std::string::npos ? 0 : text.rfind(' '));
      lines = Artifact(text + "\u2026", style, width);
    }
    return lines;
  }

  void SetRunningLines() {
    const Style style{.size = 8, .leading = 11, .colour = kInk2};
    head_left_ = OneLine(document_.author, style, kTextWidth * 0.55);
    head_right_ = OneLine(document_.title, style, kTextWidth * 0.42);
    foot_left_ = Artifact(document_.imprint, style, kTextWidth * 0.8);
    const Style mark{.size = 150, .leading = 180, .bold = true, .colour = kInk2};
    watermark_ = Artifact(document_.watermark, mark, 2 * kPageHeight);
  }

  static double WidthOf(const Line& line) {
    double width = 0;
    for (const Fragment& fragment : line.fragments) {
      width = std::max(width, fragment.x + fragment.width);
    }
    return width;
  }

  static void DrawArtifact(std::string& out, const Line& line, double x, double y) {
    for (const Fragment& fragment : line.fragments) {
      out += fmt::format("BT 1 0 0 1 {} {} Tm {}ET\n", Number(x + fragment.x), Number(kPageHeight - y),
                         fragment.operators);
    }
  }

  void FinishPages() {
    constexpr double kHeadBaseline = 50, kFootBaseline = kPageHeight - 42;
    const Style style{.size = 8, .leading = 11, .colour = kInk2};
    for (size_t i = 0; i < out_.pages.size(); ++i) {
      std::string after;
      if (!watermark_.empty()) {
        // Over what stands there, and seen through: boxes do not cover it, nor it the words.
        after += "/Artifact<</Type/Pagination/Subtype/Watermark>>BDC\nq /Faint gs\n";
        constexpr double kSlope = 0.7071;  // of 45 degrees
        const double half = WidthOf(watermark_.front()) / 2;
        for (const Fragment& fragment : watermark_.front().fragments) {
          const double along = fragment.x - half, below = -50;
          after += fmt::format("BT {0} {0} {1} {0} {2} {3} Tm {4}ET\n", Number(kSlope), Number(-kSlope),
                               Number(kPageWidth / 2 + (along - below) * kSlope),
                               Number(kPageHeight / 2 + (along + below) * kSlope), fragment.operators);
        }
        after += "Q\nEMC\n";
      }
      if (i > 0) {
        after += "/Artifact<</Type/Pagination/Subtype/Header>>BDC\n";
        if (!head_left_.empty()) {
          DrawArtifact(after, head_left_.front(), kMargin, kHeadBaseline);
        }
        if (!head_right_.empty()) {
          DrawArtifact(after, head_right_.front(), kPageWidth - kMargin - WidthOf(head_right_.front()), kHeadBaseline);
        }
        Fill(after, kMargin, kHeadBaseline + 8, kTextWidth, 0.5, kRule);
        after += "EMC\n";
      }
      after += "/Artifact<</Type/Pagination/Subtype/Footer>>BDC\n";
      Fill(after, kMargin, kFootBaseline - 16, kTextWidth, 0.5, kRule);
      if (!foot_left_.empty()) {
        DrawArtifact(after, foot_left_.front(), kMargin, kFootBaseline);
      }
      const std::vector<Line> number =
          Artifact(fmt::format("Page {} of {}", i + 1, out_.pages.size()), style, kTextWidth);
      DrawArtifact(after, number.front(), kPageWidth - kMargin - WidthOf(number.front()), kFootBaseline);
      after += "EMC\n";
      out_.pages[i].content += after;
    }
  }

  const Document& document_;
  const FlowResult flow_;
  StructureTree& tree_;
  FontBook& fonts_;
  Typesetter& typesetter_;
  Pages out_;
  std::vector<OnPage> on_page_;
  double y_ = kFirstTop;
  Node* open_ = nullptr;
  bool is_open_ = false;
  std::vector<Line> head_left_, head_right_, foot_left_, watermark_;
};

}  // namespace

Pages Paginate(const Document& document, FlowResult flow, StructureTree& tree, FontBook& fonts,
               Typesetter& typesetter) {
  return Paginator(document, std::move(flow), tree, fonts, typesetter).Run();
}

}  // namespace section55::document::pdf
