#include "libs/document/pdf/typesetter.h"

#include <fmt/format.h>
#include <pango/pangofc-fontmap.h>
#include <pango/pangoft2.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "libs/base/status.h"
#include "libs/base/unicode.h"
#include "libs/document/document.h"
#include "libs/document/links.h"

namespace section55::document::pdf {
namespace {

// Pango's time for a paragraph grows faster than its length; a longer one is set in pieces.
constexpr size_t kLongestPiece = 6'000;
constexpr char kLineSeparator[] = "\u2028";
constexpr char kReplacement[] = "\ufffd";
constexpr unsigned kCodeColour = 0x3b4148;
// Mono looks larger than the text around it.
constexpr double kMonoScale = 0.92;

std::string Utf16Hex(std::string_view text) {
  std::string hex;
  glong length = 0;
  gunichar2* units = g_utf8_to_utf16(text.data(), static_cast<glong>(text.size()), nullptr, &length, nullptr);
  for (glong i = 0; i < length; ++i) {
    hex += fmt::format("{:04X}", units[i]);
  }
  g_free(units);
  return hex;
}

}  // namespace

std::string Number(double value) {
  const auto hundredths = std::llround(value * 100);
  std::string text = hundredths < 0 ? "-" : "";
  text += fmt::format_int(std::llabs(hundredths) / 100).c_str();
  if (const auto rest = std::llabs(hundredths) % 100; rest != 0) {
    text += {'.', static_cast<char>('0' + rest / 10)};
    if (rest % 10 != 0) {
      text += static_cast<char>('0' + rest % 10);
    }
  }
  return text;
}

std::string FillColour(unsigned colour) {
  const auto part = [&](int shift) { return Number(static_cast<double>((colour >> shift) & 0xff) / 255); };
  return fmt::format("{} {} {} rg ", part(16), part(8), part(0));
}

// A text as Pango takes it: characters, and what holds from where to where.
struct Typesetter::Source {
  struct Piece {
    size_t begin = 0;
    Node* node = nullptr;
    bool bold = false;
    bool italic = false;
    bool mono = false;
    bool link = false;
    unsigned colour = 0;
    std::string_view stands_for = {};  // The letter that no font has and that a replacement character is shown for.
  };
  std::string text;
  std::vector<Piece> pieces;  // Each up to the next.

  void Add(const Inlines& inlines, Piece style, StructureTree* tree, unsigned link_colour) {
    for (const Inline& item : inlines) {
      std::visit(Overloaded{
                     [&](const Text& plain) { Append(plain.text, style); },
                     [&](const Code& code) {
                       Piece inner = style;
                       inner.mono = true;
                       inner.colour = style.link ? style.colour : kCodeColour;
                       Append(code.text, inner);
                     },
                     [&](const LineBreak&) { Append(kLineSeparator, style); },
                     [&](const Emphasis& emphasis) {
                       Piece inner = style;
                       inner.italic = !style.italic;
                       Add(emphasis.content, inner, tree, link_colour);
                     },
                     [&](const Strong& strong) {
                       Piece inner = style;
                       inner.bold = true;
                       Add(strong.content, inner, tree, link_colour);
                     },
                     [&](const Link& link) {
                       Piece inner = style;
                       const auto href = SafeHref(link.href);
                       if (tree != nullptr && style.node != nullptr && href && tree->LeadsSomewhere(*href)) {
                         inner.node = tree->AddLater(style.node, "Link");
                         inner.node->href = *href;
                         inner.link = true;
                         inner.colour = link_colour;
                       }
                       Add(link.content, inner, tree, link_colour);
                     },
                 },
                 item.value);
    }
  }

 private:
  void Append(std::string_view characters, const Piece& style) {
    if (characters.empty()) {
      return;
    }
    bool is_begun = false;
    while (!characters.empty()) {
      std::string_view rest = characters;
      const char32_t character = base::TakeCharacter(rest);
      const std::string_view bytes = characters.substr(0, characters.size() - rest.size());
      characters = rest;
      // Pango would draw a box whose width depends on what it has drawn before.
      const bool is_missing = base::IsVisible(character) && !IsInFonts(character);
      if (is_missing || !is_begun) {
        pieces.push_back(style);
        pieces.back().begin = text.size();
        is_begun = !is_missing;
      }
      if (is_missing) {
        pieces.back().stands_for = bytes;
        text += kReplacement;
      } else if (character == '\n' || character == '\t') {
        text += ' ';  // A line feed within a paragraph is a space, as in HTML.
      } else {
        text += bytes;
      }
    }
  }
};

void Typesetter::Deleter::operator()(PangoLayout* layout) const { g_object_unref(layout); }

absl::StatusOr<std::unique_ptr<Typesetter>> Typesetter::Create() {
  ASSIGN_OR_RETURN(FcConfig * config, Fonts());
  PangoFontMap* font_map = pango_ft2_font_map_new();
  pango_fc_font_map_set_config(PANGO_FC_FONT_MAP(font_map), config);
  PangoContext* context = pango_font_map_create_context(font_map);
  pango_context_set_round_glyph_positions(context, FALSE);
  pango_context_set_base_dir(context, PANGO_DIRECTION_LTR);
  return std::unique_ptr<Typesetter>(new Typesetter(font_map, context));
}

Typesetter::~Typesetter() {
  g_object_unref(context_);
  g_object_unref(font_map_);
}

std::unique_ptr<PangoLayout, Typesetter::Deleter> Typesetter::LayOut(const Source& source, const Style& style,
                                                                     const std::string& language, double width) {
  std::unique_ptr<PangoLayout, Deleter> layout(pango_layout_new(context_));
  PangoFontDescription* font = pango_font_description_new();
  pango_font_description_set_family_static(font, style.mono ? kMonoFamily : kTextFamily);
  pango_font_description_set_absolute_size(font, style.size * PANGO_SCALE);
  pango_layout_set_font_description(layout.get(), font);
  pango_font_description_free(font);
  pango_layout_set_text(layout.get(), source.text.data(), static_cast<int>(source.text.size()));
  pango_layout_set_wrap(layout.get(), PANGO_WRAP_WORD_CHAR);
  pango_layout_set_width(layout.get(), width < 0 ? -1 : static_cast<int>(width * PANGO_SCALE));

  PangoAttrList* attributes = pango_attr_list_new();
  const auto add = [&](PangoAttribute* attribute, size_t begin, size_t end) {
    attribute->start_index = static_cast<guint>(begin);
    attribute->end_index = static_cast<guint>(end);
    pango_attr_list_insert(attributes, attribute);
  };
  add(pango_attr_language_new(pango_language_from_string(language.c_str())), 0, source.text.size());
  add(pango_attr_insert_hyphens_new(FALSE), 0, source.text.size());
  for (size_t i = 0; i < source.pieces.size(); ++i) {
    const Source::Piece& piece = source.pieces[i];
    const size_t end = i + 1 < source.pieces.size() ? source.pieces[i + 1].begin : source.text.size();
    // Not a colour but the number of the piece: it parts the runs, and is read back from them.
    add(pango_attr_foreground_new(static_cast<guint16>(i >> 16), static_cast<guint16>(i & 0xffff), 0), piece.begin,
        end);
    if (piece.bold) {
      add(pango_attr_weight_new(PANGO_WEIGHT_BOLD), piece.begin, end);
    }
    if (piece.italic) {
      add(pango_attr_style_new(PANGO_STYLE_ITALIC), piece.begin, end);
    }
    if (piece.mono && !style.mono) {
      add(pango_attr_family_new(kMonoFamily), piece.begin, end);
      add(pango_attr_scale_new(kMonoScale), piece.begin, end);
    }
  }
  pango_layout_set_attributes(layout.get(), attributes);
  pango_attr_list_unref(attributes);
  return layout;
}

namespace {

// The glyphs of a run as operators of a page.
class RunWriter {
 public:
  // `stands_for`: what is read instead of the text, if anything.
  RunWriter(PangoGlyphItem* run, const std::string& text, std::string_view stands_for, FontBook& fonts)
      : run_(run), text_(text), stands_for_(stands_for) {
    hb_font_t* font = pango_font_get_hb_font(run->item->analysis.font);
    number_ = fonts.Find(hb_font_get_face(font));
    face_ = &fonts.At(number_);
    int x_scale = 0, y_scale = 0;
    hb_font_get_scale(font, &x_scale, &y_scale);
    size_ = std::abs(static_cast<double>(x_scale)) / PANGO_SCALE;
  }

  // Returns the operators, without colour; `width` is how far the pen went.
  std::string Write(double& width) {
    out_ = fmt::format("/F{} {} Tf ", number_, Number(size_));
    // Glyphs of a run that goes from right to left stand in the order seen; its text is what is read.
    const bool as_a_whole = run_->item->analysis.level % 2 == 1 || !stands_for_.empty();
    if (as_a_whole) {
      BeginActual(!stands_for_.empty() ? stands_for_
                                       : std::string_view(text_).substr(static_cast<size_t>(run_->item->offset),
                                                                        static_cast<size_t>(run_->item->length)));
    }
    PangoGlyphItemIter iter;
    for (gboolean more = pango_glyph_item_iter_init_start(&iter, run_, text_.c_str()); more;
         more = pango_glyph_item_iter_next_cluster(&iter)) {
      if (!as_a_whole) {
        Cluster(iter.start_glyph, iter.end_glyph,
                std::string_view(text_).substr(static_cast<size_t>(iter.start_index),
                                               static_cast<size_t>(iter.end_index - iter.start_index)));
      }
    }
    if (as_a_whole) {
      for (int i = 0; i < run_->glyphs->num_glyphs; ++i) {
        Glyph(run_->glyphs->glyphs[i], "");
      }
      EndActual();
    }
    Close();
    width = target_ * size_ / 1000;
    return std::move(out_);
  }

 private:
  static bool IsSpace(std::string_view text) {
    return text == " " || text == "\u00a0" || text == kLineSeparator || text == "\u2029" || text == "\r";
  }

  void Cluster(int begin, int end, std::string_view text) {
    const bool one = end - begin == 1;
    const PangoGlyph glyph = run_->glyphs->glyphs[begin].glyph;
    if (one && glyph == PANGO_GLYPH_EMPTY) {
      if (IsSpace(text)) {
        Space(run_->glyphs->glyphs[begin].geometry.width);
      } else {
        target_ += Thousandths(run_->glyphs->glyphs[begin].geometry.width);
      }
      return;
    }
    const bool unknown = (glyph & PANGO_GLYPH_UNKNOWN_FLAG) != 0;
    const bool plain = one && !unknown && face_->Use(glyph, text);
    if (!plain) {
      BeginActual(text);
    }
    for (int i = begin; i < end; ++i) {
      Glyph(run_->glyphs->glyphs[i], "");
    }
    if (!plain) {
      EndActual();
    }
  }

  // A space that is seen only by those who copy or listen.
  void Space(int width) {
    hb_codepoint_t glyph = 0;
    if (hb_font_get_nominal_glyph(face_->font(), ' ', &glyph) == 0) {
      return;
    }
    const bool plain = face_->Use(glyph, " ");
    if (!plain) {
      BeginActual(" ");
    }
    Show(glyph);
    if (!plain) {
      EndActual();
    }
    target_ += Thousandths(width);
  }

  void Glyph(const PangoGlyphInfo& info, std::string_view text) {
    if (info.glyph != PANGO_GLYPH_EMPTY) {
      uint32_t glyph = info.glyph;
      if ((glyph & PANGO_GLYPH_UNKNOWN_FLAG) != 0) {
        glyph = StandIn();
      }
      face_->Use(glyph, text);
      const double start = target_;
      target_ += Thousandths(info.geometry.x_offset);
      const double rise = -static_cast<double>(info.geometry.y_offset) / PANGO_SCALE;
      if (Number(rise) != Number(rise_)) {
        Close();
        out_ += Number(rise) + " Ts ";
        rise_ = rise;
      }
      Show(glyph);
      target_ = start;
    }
    target_ += Thousandths(info.geometry.width);
  }

  // For a letter that no font has: the replacement character, or a question mark.
  uint32_t StandIn() {
    hb_codepoint_t glyph = 0;
    if (hb_font_get_nominal_glyph(face_->font(), 0xfffd, &glyph) == 0 &&
        hb_font_get_nominal_glyph(face_->font(), '?', &glyph) == 0) {
      hb_font_get_nominal_glyph(face_->font(), ' ', &glyph);
    }
    return glyph;
  }

  // Draws a glyph where it is to stand, after moving the pen there.
  void Show(uint32_t glyph) {
    const auto move = std::llround(pen_ - target_);
    if (move != 0) {
      if (in_string_) {
        out_ += '>';
        in_string_ = false;
      }
      if (!in_array_) {
        out_ += '[';
        in_array_ = true;
      }
      out_ += fmt::format_int(move).c_str();
      pen_ -= static_cast<double>(move);
    }
    if (!in_array_) {
      out_ += '[';
      in_array_ = true;
    }
    if (!in_string_) {
      out_ += '<';
      in_string_ = true;
    }
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    for (const int shift : {12, 8, 4, 0}) {
      out_ += kDigits[(glyph >> shift) & 0xf];
    }
    pen_ += std::llround(face_->Advance(glyph));
  }

  void Close() {
    if (in_string_) {
      out_ += '>';
    }
    if (in_array_) {
      out_ += "]TJ ";
    }
    in_string_ = in_array_ = false;
    if (rise_ != 0) {
      out_ += "0 Ts ";
      rise_ = 0;
    }
  }

  void BeginActual(std::string_view text) {
    Close();
    out_ += fmt::format("/Span<</ActualText<FEFF{}>>>BDC ", Utf16Hex(text));
  }

  void EndActual() {
    Close();
    out_ += "EMC ";
  }

  double Thousandths(int units) const { return static_cast<double>(units) / PANGO_SCALE / size_ * 1000; }

  PangoGlyphItem* const run_;
  const std::string& text_;
  const std::string_view stands_for_;
  size_t number_ = 0;
  UsedFace* face_ = nullptr;
  double size_ = 0;
  double pen_ = 0;     // Where the pen is, in thousandths of the size.
  double target_ = 0;  // Where it is to be.
  double rise_ = 0;
  bool in_string_ = false;
  bool in_array_ = false;
  std::string out_;
};

size_t PieceOf(const PangoGlyphItem* run) {
  for (const GSList* entry = run->item->analysis.extra_attrs; entry != nullptr; entry = entry->next) {
    const auto* attribute = static_cast<const PangoAttribute*>(entry->data);
    if (attribute->klass->type == PANGO_ATTR_FOREGROUND) {
      const PangoColor& colour = reinterpret_cast<const PangoAttrColor*>(attribute)->color;
      return (static_cast<size_t>(colour.red) << 16) | colour.green;
    }
  }
  return 0;
}

}  // namespace

void Typesetter::AddLines(PangoLayout* layout, const Source& source, const Style& style, FontBook& fonts,
                          std::vector<Line>& lines) {
  constexpr double kUnderlineBelow = 0.13, kUnderlineHeight = 0.055;  // of the size
  constexpr double kAscent = 0.72, kDescent = 0.2;                    // of the letters seen
  PangoLayoutIter* iter = pango_layout_get_iter(layout);
  do {
    PangoLayoutLine* pango_line = pango_layout_iter_get_line_readonly(iter);
    PangoRectangle logical;
    pango_layout_iter_get_line_extents(iter, nullptr, &logical);
    Line line;
    line.height = style.leading;
    line.baseline = (style.leading + (kAscent - kDescent) * style.size) / 2;
    double x = static_cast<double>(logical.x) / PANGO_SCALE;
    for (const GSList* entry = pango_line->runs; entry != nullptr; entry = entry->next) {
      auto* run = static_cast<PangoGlyphItem*>(entry->data);
      const Source::Piece& piece = source.pieces[std::min(PieceOf(run), source.pieces.size() - 1)];
      Fragment fragment{.node = piece.node, .x = x};
      RunWriter writer(run, source.text, piece.stands_for, fonts);
      fragment.operators = FillColour(piece.colour) + writer.Write(fragment.width);
      x += fragment.width;
      if (piece.link) {
        line.bars.push_back({.x = fragment.x,
                             .y = line.baseline + kUnderlineBelow * style.size,
                             .width = fragment.width,
                             .height = kUnderlineHeight * style.size,
                             .colour = piece.colour});
      }
      line.fragments.push_back(std::move(fragment));
    }
    // Drawn from left to right, read in the order of the text.
    std::vector<int> starts;
    for (const GSList* entry = pango_line->runs; entry != nullptr; entry = entry->next) {
      starts.push_back(static_cast<PangoGlyphItem*>(entry->data)->item->offset);
    }
    if (!std::is_sorted(starts.begin(), starts.end())) {
      std::vector<size_t> order(starts.size());
      std::iota(order.begin(), order.end(), size_t{0});
      std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return starts[a] < starts[b]; });
      std::vector<Fragment> sorted;
      for (const size_t i : order) {
        sorted.push_back(std::move(line.fragments[i]));
      }
      line.fragments = std::move(sorted);
    }
    lines.push_back(std::move(line));
  } while (pango_layout_iter_next_line(iter));
  pango_layout_iter_free(iter);
}

std::vector<Line> Typesetter::Set(const Inlines& text, const Style& style, const std::string& language, double width,
                                  Node* node, unsigned link_colour, StructureTree& tree, FontBook& fonts) {
  Source whole;
  if (!style.mark.empty()) {
    whole.Add(Words(style.mark + " "), {.node = node, .bold = true, .colour = style.mark_colour}, &tree, link_colour);
  }
  whole.Add(text,
            {.node = node, .bold = style.bold, .italic = style.italic, .mono = style.mono, .colour = style.colour},
            &tree, link_colour);
  std::vector<Line> lines;
  size_t next_piece = 0;
  for (size_t begin = 0; begin < whole.text.size();) {
    // A piece of the text that is not too long, up to a space if there is one.
    size_t end = whole.text.size();
    if (end - begin > kLongestPiece) {
      end = begin + kLongestPiece;
      if (const size_t space = whole.text.rfind(' ', end); space != std::string::npos && space > begin) {
        end = space + 1;
      }
      while ((static_cast<unsigned char>(whole.text[end]) & 0xc0) == 0x80) {
        --end;
      }
    }
    Source part;
    part.text = whole.text.substr(begin, end - begin);
    for (size_t i = next_piece; i < whole.pieces.size() && whole.pieces[i].begin < end; ++i) {
      part.pieces.push_back(whole.pieces[i]);
      part.pieces.back().begin = std::max(whole.pieces[i].begin, begin) - begin;
      next_piece = i;  // It may reach into the next part.
    }
    const auto layout = LayOut(part, style, language, width);
    AddLines(layout.get(), part, style, fonts, lines);
    begin = end;
  }
  return lines;
}

Typesetter::Widths Typesetter::Measure(const Inlines& text, const Style& style, const std::string& language) {
  constexpr size_t kEnough = 2'000;  // A longer text fills any column.
  Source source;
  source.Add(text, {.bold = style.bold, .italic = style.italic, .mono = style.mono}, nullptr, 0);
  if (source.text.empty()) {
    return {};
  }
  size_t length = std::min(source.text.size(), kEnough);
  while (length < source.text.size() && (static_cast<unsigned char>(source.text[length]) & 0xc0) == 0x80) {
    --length;
  }
  source.text.resize(length);
  std::erase_if(source.pieces, [&](const Source::Piece& piece) { return piece.begin >= length; });
  const auto layout = LayOut(source, style, language, -1);
  Widths widths;
  PangoLayoutIter* iter = pango_layout_get_iter(layout.get());
  int count = 0;
  const PangoLogAttr* attributes = pango_layout_get_log_attrs_readonly(layout.get(), &count);
  PangoRectangle extents;
  pango_layout_get_extents(layout.get(), nullptr, &extents);
  widths.whole = static_cast<double>(extents.width) / PANGO_SCALE;
  // From one place where a line may break to the next.
  double piece = 0;
  for (int i = 0; i < count; ++i) {
    if (attributes[i].is_line_break) {
      piece = 0;
    }
    PangoRectangle cluster;
    pango_layout_iter_get_cluster_extents(iter, nullptr, &cluster);
    if (!attributes[i].is_white) {
      piece += static_cast<double>(cluster.width) / PANGO_SCALE;
      widths.least = std::max(widths.least, piece);
    }
    if (!pango_layout_iter_next_char(iter)) {
      break;
    }
  }
  pango_layout_iter_free(iter);
  return widths;
}

absl::StatusOr<std::shared_ptr<Typesetter>> BorrowTypesetter() {
  struct Shelf {
    absl::Mutex mutex;
    std::vector<std::unique_ptr<Typesetter>> free;
  };
  static auto* shelf = new Shelf;  // Never taken down: threads may outlive main.
  std::unique_ptr<Typesetter> typesetter;
  {
    const absl::MutexLock lock(&shelf->mutex);
    if (!shelf->free.empty()) {
      typesetter = std::move(shelf->free.back());
      shelf->free.pop_back();
    }
  }
  if (typesetter == nullptr) {
    ASSIGN_OR_RETURN(typesetter, Typesetter::Create());
  }
  return std::shared_ptr<Typesetter>(typesetter.release(), [](Typesetter* used) {
    const absl::MutexLock lock(&shelf->mutex);
    shelf->free.emplace_back(used);
  });
}

}  // namespace section55::document::pdf
