#include "libs/document/document.h"

#include <cmath>

namespace section55::document {

double ContrastOnWhite(unsigned colour) {
  // Relative luminance of sRGB.
  const auto linear = [](unsigned channel) {
    const double value = static_cast<double>(channel & 0xff) / 255;
    return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
  };
  const double luminance = 0.2126 * linear(colour >> 16) + 0.7152 * linear(colour >> 8) + 0.0722 * linear(colour);
  return 1.05 / (luminance + 0.05);
}

unsigned ColourOf(const Document& document) {
  return ContrastOnWhite(document.colour) >= kLeastContrast ? document.colour : kDefaultColour;
}

Inlines Words(std::string text) { return {Inline{Text{std::move(text)}}}; }

Inlines LinkTo(std::string href, std::string text) { return {Inline{Link{std::move(href), Words(std::move(text))}}}; }

}  // namespace section55::document
