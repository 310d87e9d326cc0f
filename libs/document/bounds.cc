#include "libs/document/bounds.h"

#include <algorithm>
#include <array>

#include "libs/base/unicode.h"
#include "libs/document/blocks.h"

namespace section55::document {
namespace {

// What may stand before the first word of a line: spaces, the marks of quotes, lists, headings, emphasis and rules.
constexpr std::string_view kLeading = " \t\n\r>-+*_#.)0123456789";

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool IsEmptyLine(std::string_view line) { return line.find_first_not_of(" \t") == std::string_view::npos; }

// Calls `visit(first, last)` for every run of lines [first, last) that are not empty. No paragraph, definition or table is longer.
template <class Visit>
void ForEachRun(const std::vector<std::string_view>& lines, Visit visit) {
  std::size_t first = 0;
  for (std::size_t i = 0; i <= lines.size(); ++i) {
    if (i == lines.size() || IsEmptyLine(lines[i])) {
      if (i > first) {
        visit(first, i);
      }
      first = i + 1;
    }
  }
}

// Whether a title that begins on this line, if one does, may go on after it.
bool TitleMayStayOpen(std::string_view line) {
  constexpr std::string_view kOpening = "\"'(";
  constexpr std::string_view kClosing = "\"')";
  for (std::size_t kind = 0; kind < kOpening.size(); ++kind) {
    // The last place where one can begin: what closes it there closes any that began before.
    std::size_t open = std::string_view::npos;
    bool closed = true;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const bool escaped = i > 0 && line[i - 1] == '\\';
      if (line[i] == kClosing[kind] && open != std::string_view::npos && !escaped) {
        closed = true;
      }
      if (line[i] == kOpening[kind] &&
          (i == 0 || std::string_view(" \t\v\f>").find(line[i - 1]) != std::string_view::npos)) {
        open = i;
        closed = false;
      }
    }
    if (!closed) {
      return true;
    }
  }
  return false;
}

// The columns of a table whose row of dashes this line is; 0 if it cannot be one.
std::size_t ColumnsOf(std::string_view line) {
  // Beside dashes, colons and pipes: the marks of the quotes and lists in which the table stands.
  if (line.find('-') == std::string_view::npos ||
      line.find_first_not_of("-:| \t\v\f>+*.)0123456789") != std::string_view::npos) {
    return 0;
  }
  return static_cast<std::size_t>(std::count(line.begin(), line.end(), '|')) + 1;
}

constexpr std::array<bool, 256> MakeSet(std::string_view members) {
  std::array<bool, 256> set{};
  for (const char member : members) {
    set[static_cast<unsigned char>(member)] = true;
  }
  return set;
}

// What one byte can bring into a rendition: what it begins in the larger of the two, JSON's `{"type":"text","text":""},` for the
// text within and after it included.
constexpr std::array<unsigned char, 256> MakeCosts() {
  std::array<unsigned char, 256> costs{};
  for (std::size_t byte = 0; byte < costs.size(); ++byte) {
    // Shown twice, as a link's address and its text; escaped, too, if it is neither a letter nor a digit nor a space.
    costs[byte] = byte >= 0x80 ? 6 : 12;
  }
  for (std::size_t byte = '0'; byte <= 'z'; ++byte) {
    if (byte <= '9' || (byte >= 'A' && byte <= 'Z') || byte >= 'a') {
      costs[byte] = 2;
    }
  }
  costs[' '] = 2;
  for (const char c : {'-', '+', '*', '.', ')'}) {  // A list, its item and the paragraph in it.
    costs[static_cast<unsigned char>(c)] = 150;
  }
  for (const char c : {'\n', '\r', '[', '<', ':'}) {  // A paragraph, a line break; a link.
    costs[static_cast<unsigned char>(c)] = 130;
  }
  for (const char c : {'_', '>', '#', '`', '~', '\\'}) {  // Emphasis, a quote, a heading, code, a line break.
    costs[static_cast<unsigned char>(c)] = 100;
  }
  costs[static_cast<unsigned char>('|')] = 60;  // A cell.
  return costs;
}

}  // namespace

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of("\r\n");
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      break;
    }
    text.remove_prefix(end + (text.substr(end, 2) == "\r\n" ? 2 : 1));
  }
  return lines;
}

std::size_t MostReferenceBytes(const std::vector<std::string_view>& lines) {
  std::size_t uses = 0;
  std::size_t longest = 0;
  ForEachRun(lines, [&](std::size_t first, std::size_t last) {
    std::size_t from_here = 0;  // The bytes from line i to the end of the run.
    for (std::size_t i = last; i-- > first;) {
      from_here += lines[i].size() + 1;
      uses += static_cast<std::size_t>(std::count(lines[i].begin(), lines[i].end(), ']'));
      if (lines[i].find("]:") == std::string_view::npos) {
        continue;
      }
      // The address stands on this line or the next, a title begins on one of them or the next, and may go on.
      std::size_t near = 0;
      bool open = false;
      for (std::size_t j = i; j < std::min(i + 3, last); ++j) {
        near += lines[j].size() + 1;
        open = open || TitleMayStayOpen(lines[j]);
      }
      longest = std::max(longest, open ? from_here : near);
    }
  });
  return uses * longest;
}

std::size_t MostTableCells(const std::vector<std::string_view>& lines) {
  std::size_t cells = 0;
  ForEachRun(lines, [&](std::size_t first, std::size_t last) {
    std::size_t columns = 0;
    for (std::size_t i = first; i < last; ++i) {
      columns = std::max(columns, ColumnsOf(lines[i]));
    }
    cells += columns * (last - first);
  });
  return cells;
}

std::size_t MostRenderedBytes(std::string_view markdown) {
  static constexpr std::array<unsigned char, 256> kCosts = MakeCosts();
  constexpr std::size_t kFirstBlock = 200;
  constexpr std::size_t kEmptyCell = 16;
  constexpr std::size_t kReferenceByte = 6;  // Percent-encoded, and shown where the link has no text.
  std::size_t most = kFirstBlock;
  for (const char c : markdown) {
    most += kCosts[static_cast<unsigned char>(c)];
  }
  const bool has_definitions = markdown.find("]:") != std::string_view::npos;
  const bool has_tables = markdown.find('|') != std::string_view::npos;
  if (has_definitions || has_tables) {
    const std::vector<std::string_view> lines = Lines(markdown);
    most += has_definitions ? kReferenceByte * MostReferenceBytes(lines) : 0;
    most += has_tables ? kEmptyCell * MostTableCells(lines) : 0;
  }
  return most;
}

bool IsSurelyShallow(std::string_view markdown) {
  // Every level of blocks takes at least one column of the leading marks or of the indentation that stands for them, every level of
  // inlines a mark of its own within the paragraph.
  constexpr std::size_t kTab = 4;
  static constexpr std::array<bool, 256> kMatters = MakeSet("\n\r*_[");
  bool leading = true;
  std::size_t columns = 0;
  std::size_t marks = 0;
  for (std::size_t i = 0; i < markdown.size(); ++i) {
    // Nearly all of a text is words, of which only the first of a line is of interest.
    while (!leading && i < markdown.size() && !kMatters[static_cast<unsigned char>(markdown[i])]) {
      ++i;
    }
    if (i == markdown.size()) {
      break;
    }
    const char c = markdown[i];
    if (c == '\n' || c == '\r') {
      marks = leading ? 0 : marks;
      leading = true;
      columns = 0;
    } else if (leading && kLeading.find(c) != std::string_view::npos) {
      columns += c == '\t' ? kTab : 1;
    } else {
      leading = false;
    }
    marks += c == '*' || c == '_' || c == '[';
    if (columns >= kMaxDepth || marks >= kMaxDepth) {
      return false;
    }
  }
  return true;
}

bool IsSurelyVisible(std::string_view markdown) {
  const std::size_t first = markdown.find_first_not_of(kLeading);
  if (first == std::string_view::npos) {
    return false;
  }
  markdown.remove_prefix(first);
  if (static_cast<unsigned char>(markdown[0]) < 0x80) {
    return IsLetter(markdown[0]);
  }
  return base::IsVisible(base::TakeCharacter(markdown));
}

}  // namespace section55::document
