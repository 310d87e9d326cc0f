#include "libs/document/pdf/fonts.h"

#include <fmt/format.h>

#include <array>

#include "libs/base/status.h"

namespace section55::document::pdf {
namespace {

constexpr std::string_view kFolder = "/usr/share/fonts/truetype/noto/";

// What every document needs, then what stands in for a letter that these lack, in this order.
constexpr std::array<std::string_view, 6> kNeeded = {"NotoSans-Regular",     "NotoSans-Bold",
                                                     "NotoSans-Italic",      "NotoSans-BoldItalic",
                                                     "NotoSansMono-Regular", "NotoSansMono-Bold"};
constexpr std::array<std::string_view, 22> kStandIns = {
    "NotoSansSymbols-Regular",   "NotoSansSymbols2-Regular",   "NotoSansMath-Regular",     "NotoSansArabic-Regular",
    "NotoSansHebrew-Regular",    "NotoSansDevanagari-Regular", "NotoSansBengali-Regular",  "NotoSansGurmukhi-Regular",
    "NotoSansGujarati-Regular",  "NotoSansTamil-Regular",      "NotoSansTelugu-Regular",   "NotoSansKannada-Regular",
    "NotoSansMalayalam-Regular", "NotoSansSinhala-Regular",    "NotoSansThai-Regular",     "NotoSansLao-Regular",
    "NotoSansKhmer-Regular",     "NotoSansMyanmar-Regular",    "NotoSansEthiopic-Regular", "NotoSansArmenian-Regular",
    "NotoSansGeorgian-Regular",  "NotoSansThaana-Regular"};

// Outlines as they are: hints would round widths to the pixels of a screen.
constexpr char kRules[] = R"(<?xml version="1.0"?>
<fontconfig>
  <match target="font">
    <edit name="hinting" mode="assign"><bool>false</bool></edit>
    <edit name="autohint" mode="assign"><bool>false</bool></edit>
    <edit name="antialias" mode="assign"><bool>true</bool></edit>
  </match>
</fontconfig>
)";

absl::StatusOr<FcConfig*> Load() {
  FcConfig* config = FcConfigCreate();
  if (config == nullptr ||
      FcConfigParseAndLoadFromMemory(config, reinterpret_cast<const FcChar8*>(kRules), FcTrue) != FcTrue) {
    return absl::InternalError("fontconfig could not be configured");
  }
  const auto add = [&](std::string_view name) {
    const std::string path = fmt::format("{}{}.ttf", kFolder, name);
    return FcConfigAppFontAddFile(config, reinterpret_cast<const FcChar8*>(path.c_str())) == FcTrue;
  };
  for (const std::string_view name : kNeeded) {
    if (!add(name)) {
      return base::Error(absl::StatusCode::kFailedPrecondition, "FONTS_MISSING",
                         fmt::format("{}{}.ttf cannot be read: install Debian's packages fonts-noto-core and "
                                     "fonts-noto-mono",
                                     kFolder, name));
    }
  }
  for (const std::string_view name : kStandIns) {
    if (!add(name)) {
      return base::Error(
          absl::StatusCode::kFailedPrecondition, "FONTS_MISSING",
          fmt::format("{}{}.ttf cannot be read: install Debian's package fonts-noto-core", kFolder, name));
    }
  }
  return config;
}

// All characters of all fonts.
FcCharSet* Coverage() {
  static FcCharSet* const coverage = [] {
    FcCharSet* all = FcCharSetCreate();
    const FcFontSet* fonts = FcConfigGetFonts(*Fonts(), FcSetApplication);
    for (int i = 0; fonts != nullptr && i < fonts->nfont; ++i) {
      FcCharSet* own = nullptr;
      if (FcPatternGetCharSet(fonts->fonts[i], FC_CHARSET, 0, &own) == FcResultMatch) {
        FcCharSetMerge(all, own, nullptr);
      }
    }
    return all;
  }();
  return coverage;
}

}  // namespace

bool IsInFonts(char32_t character) { return FcCharSetHasChar(Coverage(), character) == FcTrue; }

absl::StatusOr<FcConfig*> Fonts() {
  static const absl::StatusOr<FcConfig*> config = Load();
  return config;
}

UsedFace::UsedFace(hb_face_t* face)
    : face_(hb_face_reference(face)),
      font_(hb_font_create(face)),
      upem_(hb_face_get_upem(face)),
      used_(hb_face_get_glyph_count(face)),
      texts_(used_.size()) {
  used_[0] = true;  // .notdef, which every font has
}

UsedFace::~UsedFace() {
  hb_font_destroy(font_);
  hb_face_destroy(face_);
}

bool UsedFace::Use(uint32_t glyph, std::string_view text) {
  used_[glyph] = true;
  std::string& known = texts_[glyph];
  if (known.empty()) {
    known = text;
  }
  return known == text;
}

double UsedFace::Advance(uint32_t glyph) const { return hb_font_get_glyph_h_advance(font_, glyph) * 1000.0 / upem_; }

size_t FontBook::Find(hb_face_t* face) {
  for (size_t i = 0; i < faces_.size(); ++i) {
    if (faces_[i]->face() == face) {
      return i;
    }
  }
  faces_.push_back(std::make_unique<UsedFace>(face));
  return faces_.size() - 1;
}

}  // namespace section55::document::pdf
