// Lines of text that know their glyphs, before they have a place on a page. Lengths are points, a 72nd of an inch.
#pragma once

#include <string>
#include <vector>

#include "libs/document/pdf/structure.h"

namespace section55::document::pdf {

// Glyphs of one node in one font, drawn one after the other.
struct Fragment {
  Node* node = nullptr;  // Null: an artifact, which says nothing.
  double x = 0;          // From the left end of the line.
  double width = 0;
  std::string operators = {};  // What draws it, from its start on the baseline.
};

// A filled rectangle that says nothing: a rule, a background, an underline.
struct Bar {
  double x = 0;
  double y = 0;  // Of its upper edge, from the upper edge of what it belongs to.
  double width = 0;
  double height = 0;
  unsigned colour = 0;
};

struct Line {
  double height = 0;
  double baseline = 0;  // From the upper edge.
  std::vector<Fragment> fragments;
  std::vector<Bar> bars;
};

// How text looks.
struct Style {
  double size = 10.5;
  double leading = 15.5;  // The height of a line.
  bool bold = false;
  bool italic = false;
  bool mono = false;
  unsigned colour = 0x1b1d21;
  // Bold words of another colour before the text.
  std::string mark = {};
  unsigned mark_colour = 0;
};

// The number in the fewest characters, to a hundredth: what a PDF's operators take.
std::string Number(double value);

// The operator that sets the colour of what is filled.
std::string FillColour(unsigned colour);

}  // namespace section55::document::pdf
