// The fonts of the documents: named files of Debian's packages and no others, so that a document looks the same, byte for byte,
// wherever it is made.
#pragma once

#include <fontconfig/fontconfig.h>
#include <hb.h>
#include <pango/pango.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace section55::document::pdf {

inline constexpr char kTextFamily[] = "Noto Sans";
inline constexpr char kMonoFamily[] = "Noto Sans Mono";

// The fonts as fontconfig knows them, read once in a process. FAILED_PRECONDITION: fonts are missing; the message says which package has
// them. Thread-safe; what it returns lives for ever.
absl::StatusOr<FcConfig*> Fonts();

// Whether one of the fonts has the character. Thread-safe; Fonts() was called before.
bool IsInFonts(char32_t character);

// The glyphs of one face that a document uses.
class UsedFace {
 public:
  explicit UsedFace(hb_face_t* face);
  UsedFace(const UsedFace&) = delete;
  UsedFace& operator=(const UsedFace&) = delete;
  ~UsedFace();

  // Notes that a glyph stands for `text`, UTF-8. False: it stands for other text already, so that this use has to say what it means.
  bool Use(uint32_t glyph, std::string_view text);

  // The width of a glyph in thousandths of the font's size.
  double Advance(uint32_t glyph) const;

  hb_face_t* face() const { return face_; }
  hb_font_t* font() const { return font_; }
  bool IsUsed(uint32_t glyph) const { return used_[glyph]; }
  const std::string& TextOf(uint32_t glyph) const { return texts_[glyph]; }
  uint32_t glyph_count() const { return static_cast<uint32_t>(used_.size()); }

 private:
  hb_face_t* const face_;
  hb_font_t* const font_;
  const double upem_;
  std::vector<bool> used_;
  std::vector<std::string> texts_;
};

// The faces that one document uses, in the order of their first use: /F0, /F1, ... Not thread-safe.
class FontBook {
 public:
  // The number of a face.
  size_t Find(hb_face_t* face);
  UsedFace& At(size_t number) { return *faces_[number]; }
  const std::vector<std::unique_ptr<UsedFace>>& faces() const { return faces_; }

 private:
  std::vector<std::unique_ptr<UsedFace>> faces_;
};

}  // namespace section55::document::pdf
