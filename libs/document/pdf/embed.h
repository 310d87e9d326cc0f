// A face as an object of a PDF file, with the glyphs that are used and no others.
#pragma once

#include <qpdf/QPDF.hh>
#include <qpdf/QPDFObjectHandle.hh>

#include "libs/document/pdf/fonts.h"

namespace section55::document::pdf {

// The font's dictionary, an indirect object of `file`. Throws what libqpdf throws, and std::runtime_error for a face that cannot be
// subset: for WriteFile alone.
QPDFObjectHandle EmbedFace(QPDF& file, const UsedFace& face);

}  // namespace section55::document::pdf
