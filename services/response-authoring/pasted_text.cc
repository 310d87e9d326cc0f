#include "services/response-authoring/pasted_text.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

namespace section55::authoring {
namespace {

// What was found and put right, in the order in which it is told.
enum class Kind {
  kBullets,
  kJoined,
  kIndents,
  kNesting,
  kHeadings,
  kNumbers,
  kParagraphs,
  kTabs,
  kSpaces,
  kInvisible,
  kLigatures,
  kLines
};

constexpr std::pair<Kind, std::string_view> kSentences[] = {
    {Kind::kBullets, "Bullet characters became lists."},
    {Kind::kJoined, "Lines that go on with the item before them were joined to it."},
    {Kind::kIndents, "Indented lines lost their indent, which would have made code of them."},
    {Kind::kNesting, "Lists in lists were indented alike."},
    {Kind::kHeadings, "A # before a number was escaped, so that it makes no heading."},
    {Kind::kNumbers, "A year or other large number at the beginning of a line was escaped, so that it makes no list."},
    {Kind::kParagraphs, "Paragraphs that stood line by line were set apart."},
    {Kind::kTabs, "Tabs and runs of spaces became single spaces."},
    {Kind::kSpaces, "Double and no-break spaces became single ones, and those at the end of a line went."},
    {Kind::kInvisible, "Characters that nobody sees were removed."},
    {Kind::kLigatures, "Ligatures were spelt out."},
    {Kind::kLines, "Line ends and empty lines were put in order."},
};

// Of those, what is not published as it looks.
constexpr Kind kPasted[] = {Kind::kBullets, Kind::kIndents, Kind::kHeadings, Kind::kTabs};

struct Replacement {
  std::string_view from, to;
  Kind kind;
};

// What stands for something else wherever it stands.
constexpr Replacement kCharacters[] = {
    {"\r\n", "\n", Kind::kLines},        {"\r", "\n", Kind::kLines},         {"\x0b", "\n", Kind::kLines},
    {"\x0c", "\n\n", Kind::kLines},      {"\u2028", "\n", Kind::kLines},     {"\u2029", "\n\n", Kind::kLines},
    {"\u00a0", " ", Kind::kSpaces},      {"\u2007", " ", Kind::kSpaces},     {"\u202f", " ", Kind::kSpaces},
    {"\u3000", " ", Kind::kSpaces},      {"\u00ad", "", Kind::kInvisible},   {"\u200b", "", Kind::kInvisible},
    {"\u2060", "", Kind::kInvisible},    {"\ufeff", "", Kind::kInvisible},   {"\ufb00", "ff", Kind::kLigatures},
    {"\ufb01", "fi", Kind::kLigatures},  {"\ufb02", "fl", Kind::kLigatures}, {"\ufb03", "ffi", Kind::kLigatures},
    {"\ufb04", "ffl", Kind::kLigatures},
};

// Bullets that are bullets whatever follows ...
constexpr std::string_view kBullets[] = {"\u2022", "\u25e6", "\u25aa", "\u25ab", "\u2023", "\u2043", "\u25cf", "\u25cb",
                                         "\u25a0", "\u25a1", "\uf0b7", "\uf0a7", "\uf0d8", "\uf0fc", "\u2219"};
// ... and those that are ones only before a space: a dash, a middle dot, and the "o" of Word's second level, which comes with a tab.
constexpr std::string_view kBulletsBeforeSpace[] = {"\u2013", "\u2014", "\u00b7", "\u2212"};

bool IsSpace(char c) { return c == ' ' || c == '\t'; }

// A line without its indent.
struct Line {
  size_t indent = 0;  // columns; a tab goes to the next multiple of four
  std::string_view rest;
  bool has_end = false;  // spaces at the end, which are not part of it
};

Line Measure(std::string_view text) {
  Line line;
  size_t i = 0;
  for (; i < text.size() && IsSpace(text[i]); ++i) {
    constexpr size_t kTab = 4;
    line.indent = text[i] == '\t' ? (line.indent / kTab + 1) * kTab : line.indent + 1;
  }
  line.rest = text.substr(i);
  while (!line.rest.empty() && IsSpace(line.rest.back())) {
    line.rest.remove_suffix(1);
    line.has_end = true;
  }
  return line;
}

// A line that begins an item.
struct Marker {
  std::string_view mark;  // "\u2022", "-", "12."
  std::string_view text;
  bool is_markdown = false;
};

std::string_view TrimFront(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) {
    text.remove_prefix(1);
  }
  return text;
}

size_t CountDigits(std::string_view text) {
  return std::find_if(text.begin(), text.end(), [](char c) { return c < '0' || c > '9'; }) - text.begin();
}

// The bullet that a line begins with; empty if none.
std::string_view BulletOf(std::string_view line) {
  const auto* const found = std::find_if(std::begin(kBullets), std::end(kBullets),
                                         [&](std::string_view bullet) { return line.starts_with(bullet); });
  return found == std::end(kBullets) ? std::string_view() : *found;
}

// How many digits the number of a list can have: more are a year or a sum.
constexpr size_t kMostListDigits = 3;

// "* * *", "---": a line across the page.
bool IsRule(std::string_view line) {
  constexpr std::ptrdiff_t kFewest = 3;
  return std::all_of(line.begin(), line.end(), [&](char c) { return c == line[0] || IsSpace(c); }) &&
         std::count(line.begin(), line.end(), line[0]) >= kFewest;
}

std::optional<Marker> FindMarker(std::string_view rest) {
  if (const std::string_view bullet = BulletOf(rest); !bullet.empty()) {
    std::string_view text = TrimFront(rest.substr(bullet.size()));
    // One beside another says nothing more.
    for (std::string_view again = BulletOf(text); !again.empty(); again = BulletOf(text)) {
      text = TrimFront(text.substr(again.size()));
    }
    return Marker{bullet, text};
  }
  for (const std::string_view bullet : kBulletsBeforeSpace) {
    if (rest.starts_with(bullet) && rest.size() > bullet.size() && IsSpace(rest[bullet.size()])) {
      return Marker{bullet, TrimFront(rest.substr(bullet.size()))};
    }
  }
  if (rest.starts_with("o\t")) {
    return Marker{"o", TrimFront(rest.substr(2))};
  }
  if ((rest[0] == '-' || rest[0] == '*' || rest[0] == '+') && (rest.size() == 1 || IsSpace(rest[1]))) {
    return IsRule(rest) ? std::nullopt : std::optional(Marker{rest.substr(0, 1), TrimFront(rest.substr(1)), true});
  }
  const size_t digits = CountDigits(rest);
  if (digits > 0 && digits <= kMostListDigits && rest.size() > digits + 1 &&
      (rest[digits] == '.' || rest[digits] == ')') && IsSpace(rest[digits + 1])) {
    return Marker{rest.substr(0, digits + 1), TrimFront(rest.substr(digits + 1)), true};
  }
  return std::nullopt;
}

bool IsFence(std::string_view rest) { return rest.starts_with("```") || rest.starts_with("~~~"); }

// The pieces of a line with several bullets in it, " \u2022 one \u2022 two", each from its bullet on.
std::vector<std::string_view> SplitAtBullets(std::string_view line) {
  constexpr std::string_view kInner[] = {"\u2022", "\uf0b7", "\u25aa", "\u25cf"};
  for (const std::string_view bullet : kInner) {
    std::vector<std::string_view> pieces;
    size_t begin = 0, count = 0;
    for (size_t at = line.find(bullet); at != std::string_view::npos; at = line.find(bullet, at + bullet.size())) {
      const size_t after = at + bullet.size();
      if ((after < line.size() && !IsSpace(line[after])) || (at > 0 && !IsSpace(line[at - 1]))) {
        continue;
      }
      ++count;
      if (at > begin && !TrimFront(line.substr(begin, at - begin)).empty()) {
        pieces.push_back(line.substr(begin, at - begin));
        begin = at;
      }
    }
    if (count > 1 && !pieces.empty()) {
      pieces.push_back(line.substr(begin));
      return pieces;
    }
  }
  return {line};
}

bool EndsSentence(char c) { return c == '.' || c == ';' || c == ':' || c == '!' || c == '?'; }
bool IsLower(char c) { return std::islower(static_cast<unsigned char>(c)) != 0; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

class Normaliser {
 public:
  NormalisedText Run(std::string_view text) {
    const std::string plain = Replace(text);
    std::string_view left = plain;
    while (!left.empty()) {
      const size_t end = std::min(left.find('\n'), left.size());
      TakeLine(left.substr(0, end));
      left.remove_prefix(std::min(end + 1, left.size()));
    }
    while (!lines_.empty() && lines_.back().empty()) {
      lines_.pop_back();
      found_.insert(Kind::kLines);
    }
    NormalisedText result;
    for (size_t i = 0; i < lines_.size(); ++i) {
      result.text += i == 0 ? "" : "\n";
      result.text += lines_[i];
    }
    if (!result.text.empty() && plain.ends_with('\n')) {
      result.text += '\n';
    }
    for (const auto& [kind, sentence] : kSentences) {
      if (found_.contains(kind) && result.text != text) {
        result.changes.emplace_back(sentence);
      }
    }
    return result;
  }

  bool Found(Kind kind) const { return found_.contains(kind); }

 private:
  // An item that the next line may stand in.
  struct Item {
    size_t source_indent, source_content;  // where its marker and its text stand as it came
    size_t indent, content;                // and as it goes out
    std::string mark;
  };

  std::string Replace(std::string_view text) {
    std::string plain;
    while (!text.empty()) {
      const auto* const known = std::find_if(std::begin(kCharacters), std::end(kCharacters),
                                             [&](const Replacement& one) { return text.starts_with(one.from); });
      if (known != std::end(kCharacters)) {
        plain += known->to;
        found_.insert(known->kind);
        text.remove_prefix(known->from.size());
        continue;
      }
      const auto byte = static_cast<unsigned char>(text.front());
      constexpr unsigned char kDelete = 0x7f;
      if ((byte < ' ' && byte != '\n' && byte != '\t') || byte == kDelete) {
        found_.insert(Kind::kInvisible);
      } else {
        plain += text.front();
      }
      text.remove_prefix(1);
    }
    return plain;
  }

  void TakeLine(std::string_view text) {
    const std::string_view rest = TrimFront(text);
    if (!fence_.empty() || IsFence(rest)) {
      const bool begins = fence_.empty();
      if (begins || rest.starts_with(fence_)) {
        fence_ = begins ? rest.substr(0, kFence) : "";
      }
      lines_.emplace_back(text);
      return;
    }
    for (const std::string_view piece : SplitAtBullets(text)) {
      const Line line = Measure(piece);
      if (line.has_end) {
        found_.insert(Kind::kSpaces);
      }
      if (line.rest.empty()) {
        TakeEmpty();
      } else if (const auto marker = FindMarker(line.rest)) {
        TakeItem(line, *marker);
      } else {
        TakeWords(line);
      }
      last_length_ = line.rest.size();
    }
  }

  void TakeEmpty() {
    if (lines_.empty() || lines_.back().empty()) {
      found_.insert(Kind::kLines);
    } else {
      lines_.emplace_back();
    }
  }

  bool AfterEmpty() const { return lines_.empty() || lines_.back().empty(); }

  void TakeItem(const Line& line, const Marker& marker) {
    const bool in_list = !items_.empty();
    while (!items_.empty() && !StandsIn(items_.back(), line, marker)) {
      items_.pop_back();
    }
    const size_t indent = items_.empty() ? 0 : items_.back().content;
    if (marker.is_markdown && indent != line.indent) {
      found_.insert(Kind::kNesting);
    }
    if (!marker.is_markdown) {
      found_.insert(Kind::kBullets);
      if (!in_list && !AfterEmpty()) {
        lines_.emplace_back();
      }
    }
    const std::string mark(marker.is_markdown ? marker.mark : "-");
    items_.push_back({.source_indent = line.indent,
                      .source_content = line.indent + mark.size() + 1,
                      .indent = indent,
                      .content = indent + mark.size() + 1,
                      .mark = std::string(marker.mark)});
    const std::string words = marker.is_markdown ? Words(marker.text) : ItemText(marker.text);
    lines_.push_back(std::string(indent, ' ') + mark + (words.empty() ? "" : " " + words));
    is_pasted_ = !marker.is_markdown;
    is_bare_ = marker.text.empty();
  }

  // A list in a list is indented as far as the text that it stands under; pasted, it may only have another kind of bullet.
  bool StandsIn(const Item& item, const Line& line, const Marker& marker) const {
    if (line.indent >= item.source_content) {
      return true;
    }
    const bool known =
        std::any_of(items_.begin(), items_.end(), [&](const Item& other) { return other.mark == marker.mark; });
    return !marker.is_markdown && line.indent >= item.source_indent && !known;
  }

  void TakeWords(const Line& line) {
    const bool after_empty = AfterEmpty(), in_list = !items_.empty();
    if (in_list && !after_empty && is_pasted_ && GoesOn(line.rest)) {
      found_.insert(Kind::kJoined);
      lines_.back() += " " + (is_bare_ ? ItemText(line.rest) : Words(line.rest));
      is_bare_ = false;
      return;
    }
    if (in_list && !after_empty && !is_pasted_) {
      // Markdown goes on with an item whatever the indent.
      lines_.push_back(std::string(line.indent >= items_.back().source_content ? items_.back().content : 0, ' ') +
                       Escape(Words(line.rest)));
      return;
    }
    const size_t before = items_.size();
    while (!items_.empty() && line.indent < items_.back().source_content) {
      items_.pop_back();
    }
    const size_t indent = items_.empty() ? 0 : items_.back().content;
    if (indent != line.indent) {
      found_.insert(items_.empty() ? Kind::kIndents : Kind::kNesting);
    }
    const bool is_paragraph = !in_list && last_length_ >= kLongLine && !lines_.empty() && !lines_.back().empty() &&
                              EndsSentence(lines_.back().back()) && !IsLower(line.rest.front()) &&
                              line.rest.front() != '|';
    if (is_paragraph) {
      found_.insert(Kind::kParagraphs);
    }
    // After an item, or a paragraph, it would be read as going on with it.
    if (!after_empty && (items_.size() < before || is_paragraph)) {
      lines_.emplace_back();
    }
    lines_.push_back(std::string(indent, ' ') + Escape(Words(line.rest)));
  }

  // Whether a line goes on with the pasted item before it: the item is only a bullet, the line has no beginning, or the item broke off
  // where a line of a PDF ends.
  bool GoesOn(std::string_view rest) const {
    constexpr size_t kPdfLine = 60;
    return is_bare_ || IsLower(rest.front()) || (last_length_ >= kPdfLine && !EndsSentence(lines_.back().back()));
  }

  // What follows the "-" of a list, which must not become a rule with it.
  std::string ItemText(std::string_view text) {
    std::string words = Words(text);
    if (IsRule("-" + words)) {
      words.insert(0, "\\");
    }
    return words;
  }

  // Spaces within a line. The rows of a table keep theirs.
  std::string Words(std::string_view text) {
    if (text.starts_with('|')) {
      return std::string(text);
    }
    std::string words;
    for (size_t i = 0; i < text.size();) {
      if (!IsSpace(text[i])) {
        words += text[i++];
        continue;
      }
      size_t end = i;
      bool has_tab = false;
      for (; end < text.size() && IsSpace(text[end]); ++end) {
        has_tab = has_tab || text[end] == '\t';
      }
      constexpr size_t kRun = 3;
      if (has_tab || end - i > 1) {
        found_.insert(has_tab || end - i >= kRun ? Kind::kTabs : Kind::kSpaces);
      }
      words += ' ';
      i = end;
    }
    return words;
  }

  // What would begin something else than words.
  std::string Escape(std::string words) {
    constexpr std::string_view kHash = "# ";
    if (words.starts_with(kHash) && words.size() > kHash.size() && IsDigit(words[kHash.size()])) {
      found_.insert(Kind::kHeadings);
      return "\\" + words;
    }
    const size_t digits = CountDigits(words);
    if (digits > kMostListDigits && words.size() > digits + 1 && (words[digits] == '.' || words[digits] == ')') &&
        words[digits + 1] == ' ') {
      found_.insert(Kind::kNumbers);
      words.insert(digits, "\\");
    }
    return words;
  }

  static constexpr size_t kFence = 3;       // "```"
  static constexpr size_t kLongLine = 100;  // no program that breaks lines makes them so long

  std::set<Kind> found_;
  std::vector<std::string> lines_;
  std::vector<Item> items_;  // the outermost first
  bool is_pasted_ = false;   // whether the last item had a bullet that is a character
  bool is_bare_ = false;     // whether the last item has no text yet
  size_t last_length_ = 0;   // of the last line, as it came
  std::string fence_;        // what ends the code that the next line stands in
};

}  // namespace

NormalisedText NormaliseText(std::string_view text) {
  NormalisedText result = Normaliser().Run(text);
  // Joined, two lines can hold what is put right in one: twice is enough for all that has been seen.
  constexpr int kMostTimes = 4;
  for (int i = 0; i < kMostTimes; ++i) {
    NormalisedText again = Normaliser().Run(result.text);
    if (again.text == result.text) {
      break;
    }
    result.text = std::move(again.text);
  }
  return result;
}

bool LooksPasted(std::string_view text) {
  Normaliser normaliser;
  normaliser.Run(text);
  return std::any_of(std::begin(kPasted), std::end(kPasted), [&](Kind kind) { return normaliser.Found(kind); });
}

}  // namespace section55::authoring
