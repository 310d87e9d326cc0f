// A published document as one tree: what is said, in which order, beneath which headings, in which language. Every rendition (page,
// PDF, Word file, JSON, plain text) is written from the tree and from nothing else, so that all of them say the same in one order.
//
// Plain values. All strings are UTF-8 without control characters other than tab and line feed (blocks.h says it for texts).
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "libs/document/blocks.h"

namespace section55::document {

// How something is felt about. Never the only sign of it: the words say it too.
enum class Tone { kPlain, kGood, kBad };

// One line of a list of facts: "Due", "Wednesday 10 February 2021".
struct Fact {
  std::string label;  // Never empty.
  Inlines value;      // Never empty; a mark before it ("In time") stands in `mark`.
  std::string mark = {};
  Tone tone = Tone::kPlain;  // Of the mark.
  bool operator==(const Fact&) const = default;
};

struct Facts {
  std::vector<Fact> facts;  // Never empty.
  bool boxed = false;       // Drawn as a box: the facts that a reader looks for first.
  bool operator==(const Facts&) const = default;
};

// What somebody wrote.
struct Prose {
  Blocks blocks;
  std::string language = {};  // BCP 47, "cy"; empty: that of the document.
  std::string label =
      {};  // Whose or what text it is, "the body's comments": completes the name of a table that stands in it.
  bool operator==(const Prose&) const = default;
};

// What the document itself says in a sentence or two.
struct Remark {
  enum class Kind {
    kNote,    // Beside the matter: "Addressed to: all chief constables".
    kMark,    // The one thing to see: "Action proposed".
    kNotice,  // To be read before anything else: "This is edition 1. It was replaced on ...".
    kPlain,   // As any paragraph.
  };
  Inlines content;  // Never empty.
  Kind kind = Kind::kPlain;
  bool operator==(const Remark&) const = default;
};

// A table of the document itself; the first cell of each row names the row.
struct Overview {
  std::string caption;               // Never empty.
  std::vector<std::string> columns;  // Never empty, nor is one of them.
  std::vector<std::vector<Inlines>> rows = {};
  bool operator==(const Overview&) const = default;
};

struct Element;

// A part with a heading. The heading's level follows from where it stands: 2 beneath the document itself.
struct Section {
  // What kind of part it is, so that the voices of a document are told apart at a glance.
  enum class Role { kPlain, kQuoted, kComment, kAnswer };
  std::string id;       // What links lead to: [a-z0-9-], unique in the document, never empty.
  std::string heading;  // Never empty.
  Role role = Role::kPlain;
  std::vector<Element> content;  // no `= {}`: clang would ask here already what an Element is
  bool operator==(const Section&) const;
};

struct Element {
  std::variant<Section, Facts, Prose, Remark, Overview> value;
  bool operator==(const Element&) const = default;
};

inline bool Section::operator==(const Section& other) const {
  return id == other.id && heading == other.heading && role == other.role && content == other.content;
}

struct Document {
  std::string author;  // Whose document it is: "Police and Crime Commissioner for Norfolk". Stands above the title.
  std::string title;   // "Response to Safe to share?". Never empty.
  std::string subtitle = {};  // "Section 55 of the Police Act 1996"; may be empty.
  std::string imprint = {};   // At the foot of every page; may be empty.
  std::string language = "en-GB";
  std::string watermark = {};  // "Draft": on every page, and the first words. Empty: a document that counts.
  // The colour of the document's author, 0xRRGGBB, for rules and headings above the title. Text in it on white has a contrast of 4.5:1
  // (ContrastOnWhite) or the default is used.
  unsigned colour = 0x0a4a80;
  std::vector<Element> content = {};
  bool operator==(const Document&) const = default;
};

inline constexpr unsigned kDefaultColour = 0x0a4a80;
// WCAG 2.2, 1.4.3.
inline constexpr double kLeastContrast = 4.5;

// The contrast of a colour with white as WCAG defines it, 1 to 21.
double ContrastOnWhite(unsigned colour);

// The colour to draw in: the document's own where it can be read on white.
unsigned ColourOf(const Document& document);

// The deepest level that headings of sections and texts may reach in a rendition.
inline constexpr int kDeepestHeading = 6;

// A line of words as inlines.
Inlines Words(std::string text);

// A link with words.
Inlines LinkTo(std::string href, std::string text);

}  // namespace section55::document
