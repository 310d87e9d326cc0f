#include "libs/document/pdf/embed.h"

#include <fmt/format.h>
#include <glib.h>
#include <hb-ot.h>
#include <hb-subset.h>

#include <array>
#include <stdexcept>
#include <string>

#include "libs/base/ids.h"

namespace section55::document::pdf {
namespace {

// The glyphs keep their numbers, so that what is drawn already stays right.
std::string Subset(const UsedFace& face) {
  hb_subset_input_t* input = hb_subset_input_create_or_fail();
  if (input == nullptr) {
    throw std::runtime_error("no memory for a font");
  }
  hb_subset_input_set_flags(input, HB_SUBSET_FLAGS_RETAIN_GIDS | HB_SUBSET_FLAGS_NO_HINTING);
  for (uint32_t glyph = 0; glyph < face.glyph_count(); ++glyph) {
    if (face.IsUsed(glyph)) {
      hb_set_add(hb_subset_input_glyph_set(input), glyph);
    }
  }
  // A viewer of a PDF file reads outlines and widths alone.
  constexpr std::array<const char*, 14> kDropped = {"GSUB", "GPOS", "GDEF", "BASE", "JSTF", "DSIG", "name",
                                                    "OS/2", "post", "cmap", "kern", "gasp", "MATH", "meta"};
  for (const char* table : kDropped) {
    hb_set_add(hb_subset_input_set(input, HB_SUBSET_SETS_DROP_TABLE_TAG),
               HB_TAG(table[0], table[1], table[2], table[3]));
  }
  hb_face_t* subset = hb_subset_or_fail(face.face(), input);
  hb_subset_input_destroy(input);
  if (subset == nullptr) {
    throw std::runtime_error("a font cannot be reduced to what is used of it");
  }
  hb_blob_t* blob = hb_face_reference_blob(subset);
  unsigned length = 0;
  const char* data = hb_blob_get_data(blob, &length);
  std::string bytes(data, length);
  hb_blob_destroy(blob);
  hb_face_destroy(subset);
  return bytes;
}

std::string NameOf(hb_face_t* face) {
  std::array<char, 128> name{};
  unsigned size = name.size();
  hb_ot_name_get_utf8(face, HB_OT_NAME_ID_POSTSCRIPT_NAME, HB_LANGUAGE_INVALID, &size, name.data());
  return name.data();
}

// Six capital letters that differ for different subsets.
std::string TagOf(const std::string& bytes) {
  const std::string hash = base::Sha256Hex(bytes);
  std::string tag;
  for (size_t i = 0; i < 6; ++i) {
    tag += static_cast<char>('A' + (hash[i] <= '9' ? hash[i] - '0' : hash[i] - 'a' + 10));
  }
  return tag;
}

std::string Hex16(std::string_view text) {
  std::string hex;
  glong length = 0;
  gunichar2* units = g_utf8_to_utf16(text.data(), static_cast<glong>(text.size()), nullptr, &length, nullptr);
  for (glong i = 0; i < length; ++i) {
    hex += fmt::format("{:04X}", units[i]);
  }
  g_free(units);
  return hex;
}

// Which text each glyph stands for.
std::string ToUnicode(const UsedFace& face) {
  constexpr size_t kMostInOne = 100;  // by the specification of CMaps
  std::vector<std::string> pairs;
  for (uint32_t glyph = 1; glyph < face.glyph_count(); ++glyph) {
    if (face.IsUsed(glyph)) {
      const std::string text = Hex16(face.TextOf(glyph));
      // Where it never stands for text by itself, what it means is said where it is used.
      pairs.push_back(fmt::format("<{:04X}> <{}>\n", glyph, text.empty() ? "FFFD" : text));
    }
  }
  std::string map =
      "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
      "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
      "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
      "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n";
  for (size_t i = 0; i < pairs.size(); i += kMostInOne) {
    const size_t end = std::min(pairs.size(), i + kMostInOne);
    map += fmt::format("{} beginbfchar\n", end - i);
    for (size_t k = i; k < end; ++k) {
      map += pairs[k];
    }
    map += "endbfchar\n";
  }
  return map + "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n";
}

QPDFObjectHandle Widths(const UsedFace& face) {
  QPDFObjectHandle widths = QPDFObjectHandle::newArray();
  for (uint32_t glyph = 0; glyph < face.glyph_count();) {
    if (!face.IsUsed(glyph)) {
      ++glyph;
      continue;
    }
    widths.appendItem(QPDFObjectHandle::newInteger(glyph));
    QPDFObjectHandle run = QPDFObjectHandle::newArray();
    for (; glyph < face.glyph_count() && face.IsUsed(glyph); ++glyph) {
      run.appendItem(QPDFObjectHandle::newInteger(std::llround(face.Advance(glyph))));
    }
    widths.appendItem(run);
  }
  return widths;
}

// Of the head table: xMin, yMin, xMax, yMax.
QPDFObjectHandle BoundingBox(hb_face_t* face, double scale) {
  hb_blob_t* head = hb_face_reference_table(face, HB_TAG('h', 'e', 'a', 'd'));
  unsigned length = 0;
  const auto* data = reinterpret_cast<const unsigned char*>(hb_blob_get_data(head, &length));
  QPDFObjectHandle box = QPDFObjectHandle::newArray();
  constexpr unsigned kPlace = 36;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned at = kPlace + 2 * i;
    const int value = at + 1 < length ? static_cast<int16_t>((data[at] << 8) | data[at + 1]) : 0;
    box.appendItem(QPDFObjectHandle::newInteger(std::llround(value * scale)));
  }
  hb_blob_destroy(head);
  return box;
}

}  // namespace

QPDFObjectHandle EmbedFace(QPDF& file, const UsedFace& face) {
  const std::string bytes = Subset(face);
  const std::string name = NameOf(face.face());
  const std::string base_font = "/" + TagOf(bytes) + "+" + name;
  const double scale = 1000.0 / hb_face_get_upem(face.face());
  hb_font_extents_t extents{};
  hb_font_get_h_extents(face.font(), &extents);
  hb_position_t cap_height = 0;
  hb_ot_metrics_get_position(face.font(), HB_OT_METRICS_TAG_CAP_HEIGHT, &cap_height);
  const auto integer = [](double value) { return QPDFObjectHandle::newInteger(std::llround(value)); };
  const auto name_object = [](std::string_view text) { return QPDFObjectHandle::newName(std::string(text)); };
  const bool bold = name.find("Bold") != std::string::npos, italic = name.find("Italic") != std::string::npos;

  QPDFObjectHandle program = QPDFObjectHandle::newStream(&file, bytes);
  program.getDict().replaceKey("/Length1", integer(static_cast<double>(bytes.size())));

  constexpr int kNonsymbolic = 32, kItalicFlag = 64;
  constexpr double kItalicAngle = -12;
  QPDFObjectHandle descriptor = QPDFObjectHandle::newDictionary();
  descriptor.replaceKey("/Type", name_object("/FontDescriptor"));
  descriptor.replaceKey("/FontName", name_object(base_font));
  descriptor.replaceKey("/Flags", QPDFObjectHandle::newInteger(kNonsymbolic | (italic ? kItalicFlag : 0)));
  descriptor.replaceKey("/FontBBox", BoundingBox(face.face(), scale));
  descriptor.replaceKey("/ItalicAngle", integer(italic ? kItalicAngle : 0));
  descriptor.replaceKey("/Ascent", integer(extents.ascender * scale));
  descriptor.replaceKey("/Descent", integer(extents.descender * scale));
  descriptor.replaceKey("/CapHeight", integer(cap_height * scale));
  descriptor.replaceKey("/StemV", QPDFObjectHandle::newInteger(bold ? 130 : 80));
  descriptor.replaceKey("/FontFile2", program);

  QPDFObjectHandle system = QPDFObjectHandle::newDictionary();
  system.replaceKey("/Registry", QPDFObjectHandle::newString("Adobe"));
  system.replaceKey("/Ordering", QPDFObjectHandle::newString("Identity"));
  system.replaceKey("/Supplement", QPDFObjectHandle::newInteger(0));

  QPDFObjectHandle descendant = QPDFObjectHandle::newDictionary();
  descendant.replaceKey("/Type", name_object("/Font"));
  descendant.replaceKey("/Subtype", name_object("/CIDFontType2"));
  descendant.replaceKey("/BaseFont", name_object(base_font));
  descendant.replaceKey("/CIDSystemInfo", system);
  descendant.replaceKey("/FontDescriptor", file.makeIndirectObject(descriptor));
  descendant.replaceKey("/CIDToGIDMap", name_object("/Identity"));
  descendant.replaceKey("/DW", QPDFObjectHandle::newInteger(1000));
  descendant.replaceKey("/W", Widths(face));

  QPDFObjectHandle descendants = QPDFObjectHandle::newArray();
  descendants.appendItem(file.makeIndirectObject(descendant));
  QPDFObjectHandle font = QPDFObjectHandle::newDictionary();
  font.replaceKey("/Type", name_object("/Font"));
  font.replaceKey("/Subtype", name_object("/Type0"));
  font.replaceKey("/BaseFont", name_object(base_font));
  font.replaceKey("/Encoding", name_object("/Identity-H"));
  font.replaceKey("/DescendantFonts", descendants);
  font.replaceKey("/ToUnicode", QPDFObjectHandle::newStream(&file, ToUnicode(face)));
  return file.makeIndirectObject(font);
}

}  // namespace section55::document::pdf
