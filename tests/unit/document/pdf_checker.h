// Reads a PDF file as assistive software does, and says what is wrong with it by the rules of PDF/UA-1 (ISO 14289-1).
#pragma once

#include <string>
#include <vector>

namespace section55::document {

struct PdfReport {
  std::vector<std::string> faults;  // None: it passes.
  std::string text;                 // Of the structure tree in its order, without bullets and numbers of list items.
  std::string text_with_labels;     // With them.
  int pages = 0;
  int elements = 0;
};

PdfReport CheckPdf(const std::string& bytes);

}  // namespace section55::document
