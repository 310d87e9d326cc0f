// A document to be read in a mail.

#include <algorithm>

#include "libs/document/headings.h"
#include "libs/document/plain_text.h"

namespace section55::document {
namespace {

// Characters, not bytes: what a reader sees of a line of European text.
std::size_t LengthOf(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

class MailWriter {
 public:
  explicit MailWriter(std::size_t width) : width_(width) {}

  std::string Write(const Document& document) {
    if (!document.watermark.empty()) {
      Part(document.watermark, "*** ", "");
    }
    Part(document.author, "", "");
    Heading(document.title, 1);
    Part(document.subtitle, "", "");
    Write(document.content, 2);
    return std::move(out_);
  }

 private:
  // One paragraph. `first` stands before its first line, `further` before the others.
  void Part(const std::string& text, const std::string& first, const std::string& further, bool tight = false) {
    if (text.empty() && first.empty()) {
      return;
    }
    if (!tight && !out_.empty()) {
      out_ += '\n';
    }
    std::size_t begin = 0;
    bool is_first = true;
    while (is_first || begin <= text.size()) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      Wrap(std::string_view(text).substr(begin, end - begin), is_first ? first : further, further);
      is_first = false;
      begin = end + 1;
    }
  }

  void Wrap(std::string_view text, const std::string& first, const std::string& further) {
    std::string line = first;
    std::size_t length = LengthOf(line);
    bool is_empty = true;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find(' '), text.size());
      const std::string_view word = text.substr(0, end);
      text.remove_prefix(std::min(text.size(), end + 1));
      const std::size_t word_length = LengthOf(word);
      if (!is_empty && length + 1 + word_length > width_) {
        out_ += line + '\n';
        line = further;
        length = LengthOf(line);
        is_empty = true;
      }
      if (!is_empty) {
        line += ' ';
        ++length;
      }
      line += word;
      length += word_length;
      is_empty = false;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out_ += line + '\n';
  }

  void Heading(const std::string& text, int level) {
    const std::size_t before = out_.size();
    Part(text, indent_, indent_);
    std::size_t longest = 0, begin = before;
    while (begin < out_.size()) {
      const std::size_t end = out_.find('\n', begin);
      longest = std::max(longest, LengthOf(std::string_view(out_).substr(begin, end - begin)));
      begin = end + 1;
    }
    constexpr int kUnderlined = 3;
    if (level <= kUnderlined && longest > indent_.size()) {
      out_ += indent_ + std::string(longest - indent_.size(), level == 1 ? '=' : '-') + '\n';
    }
  }

  void Write(const std::vector<Element>& elements, int level) {
    for (const Element& element : elements) {
      std::visit(Overloaded{
                     [&](const Section& section) {
                       const std::string outer = indent_;
                       indent_ += section.role == Section::Role::kPlain ? "" : "  ";
                       Heading(section.heading, level);
                       Write(section.content, std::min(level + 1, kDeepestHeading));
                       indent_ = outer;
                     },
                     [&](const Facts& facts) {
                       bool tight = false;
                       for (const Fact& fact : facts.facts) {
                         Part(fact.label + ": " + (fact.mark.empty() ? "" : fact.mark + " ") + TextOf(fact.value),
                              indent_, indent_ + "  ", tight);
                         tight = true;
                       }
                     },
                     [&](const Prose& prose) {
                       HeadingLevels levels(level - 1);
                       Write(prose.blocks, levels, false);
                     },
                     [&](const Remark& remark) { Part(TextOf(remark.content), indent_, indent_); },
                     [&](const Overview& overview) {
                       Part(overview.caption, indent_, indent_);
                       for (const std::vector<Inlines>& row : overview.rows) {
                         for (std::size_t i = 0; i < row.size(); ++i) {
                           Part(overview.columns[i] + ": " + TextOf(row[i]), indent_ + (i == 0 ? "- " : "  "),
                                indent_ + "    ", true);
                         }
                       }
                     },
                 },
                 element.value);
    }
  }

  void Write(const Blocks& blocks, HeadingLevels& levels, bool tight) {
    for (const Block& block : blocks) {
      std::visit(
          Overloaded{
              [&](const Paragraph& paragraph) { Part(TextOf(paragraph.content), Marker(), indent_, tight); },
              [&](const document::Heading& heading) { Heading(TextOf(heading.content), levels.Next(heading.level)); },
              [&](const List& list) { Write(list, levels); },
              [&](const BlockQuote& quote) {
                const std::string outer = indent_;
                indent_ += "> ";
                Write(quote.content, levels, false);
                indent_ = outer;
              },
              [&](const CodeBlock& code) { Verbatim(code.text); },
              [&](const Table& table) {
                for (const Table::Row& row : table.rows) {
                  for (std::size_t i = 0; i < row.size(); ++i) {
                    const std::string head = TextOf(table.header[i]);
                    Part((head.empty() ? "" : head + ": ") + TextOf(row[i]), indent_ + (i == 0 ? "- " : "  "),
                         indent_ + "    ", i > 0);
                  }
                }
              },
              [&](const ThematicBreak&) { Part("---", indent_, indent_); },
          },
          block.value);
    }
  }

  void Write(const List& list, HeadingLevels& levels) {
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      const std::string marker =
          list.ordered ? std::to_string(static_cast<long>(i) + list.start) + ". " : std::string("- ");
      const std::string outer = indent_;
      marker_ = outer + marker;
      indent_ += std::string(marker.size(), ' ');
      if ((i == 0 && depth_ == 0) || !list.tight) {
        out_ += '\n';
      }
      if (list.items[i].empty()) {
        Part("", Marker(), indent_, true);
      } else {
        // An item's first paragraph stands beside its marker.
        Blocks rest = list.items[i];
        if (const auto* paragraph = std::get_if<Paragraph>(&rest.front().value)) {
          Part(TextOf(paragraph->content), Marker(), indent_, true);
          rest.erase(rest.begin());
        } else {
          Part("", Marker(), indent_, true);
        }
        ++depth_;
        Write(rest, levels, list.tight);
        --depth_;
      }
      indent_ = outer;
    }
  }

  // The marker of the item that begins here, or the indent.
  std::string Marker() {
    std::string marker = std::move(marker_);
    marker_.clear();
    return marker.empty() ? indent_ : marker;
  }

  void Verbatim(const std::string& text) {
    out_ += out_.empty() ? "" : "\n";
    std::size_t begin = 0;
    while (begin <= text.size()) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      out_ += indent_ + "    " + text.substr(begin, end - begin) + '\n';
      begin = end + 1;
    }
  }

  // The words, and after those of a link its address where they do not say it.
  static std::string TextOf(const Inlines& inlines) {
    std::string text;
    for (const Inline& item : inlines) {
      std::visit(Overloaded{
                     [&](const Text& plain) { text += plain.text; },
                     [&](const Code& code) { text += code.text; },
                     [&](const LineBreak&) { text += '\n'; },
                     [&](const Emphasis& emphasis) { text += TextOf(emphasis.content); },
                     [&](const Strong& strong) { text += TextOf(strong.content); },
                     [&](const Link& link) {
                       const std::string words = TextOf(link.content);
                       text += words;
                       if (words != link.href && !link.href.starts_with('#')) {
                         text += " <" + link.href + ">";
                       }
                     },
                 },
                 item.value);
    }
    return text;
  }

  const std::size_t width_;
  std::string indent_;
  std::string marker_;
  int depth_ = 0;  // Of lists.
  std::string out_;
};

}  // namespace

std::string RenderMail(const Document& document, std::size_t width) { return MailWriter(width).Write(document); }

}  // namespace section55::document
