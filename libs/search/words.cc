#include "libs/search/words.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "libs/base/unicode.h"

namespace section55::search {
namespace {

enum class Part { kLetter, kNothing, kGap };

Part PartOf(char32_t character) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(character))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return Part::kLetter;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
      return Part::kNothing;
    default:
      return Part::kGap;
  }
}

// q introduces what is spelt out, and so is spelt out itself: no spelling is the beginning of another's.
std::string Spell(char32_t character) {
  const bool plain = (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9');
  if (plain && character != 'q') {
    return std::string(1, static_cast<char>(character));
  }
  return character == 'q' ? "qq" : fmt::format("qx{:06x}", static_cast<uint32_t>(character));
}

// False when the word is as long as a word can be.
bool AppendFolded(char32_t character, std::string& folded) {
  // The longest decomposition of Unicode has 18 characters.
  std::array<utf8proc_int32_t, 32> parts;
  int last_boundary = 0;
  const auto options =
      static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK);
  const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(character), parts.data(), parts.size(),
                                             options, &last_boundary);
  for (utf8proc_ssize_t i = 0; i < std::min<utf8proc_ssize_t>(count, parts.size()); ++i) {
    const std::string spelt = PartOf(parts[i]) == Part::kLetter ? Spell(parts[i]) : "";
    if (folded.size() + spelt.size() > kLongestWord) {
      return false;
    }
    folded += spelt;
  }
  return true;
}

bool IsDoubleQuote(char32_t character) {
  return character == '"' || character == 0x201C || character == 0x201D || character == 0x201E || character == 0x201F ||
         character == 0xAB || character == 0xBB || character == 0xFF02;
}

bool IsSpace(char32_t character) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(character));
  return character <= 0x20 || character == 0x85 || category == UTF8PROC_CATEGORY_ZS ||
         category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

void AddChunk(std::string_view chunk, bool quoted, std::vector<Term>& terms) {
  Term phrase;
  for (Word& word : WordsOf(chunk)) {
    phrase.words.push_back(std::move(word.folded));
  }
  if (phrase.words.empty()) {
    return;
  }
  if (!quoted && chunk.ends_with('*')) {
    Term last{{std::move(phrase.words.back())}, /*prefix=*/true};
    phrase.words.pop_back();
    if (!phrase.words.empty()) {
      terms.push_back(std::move(phrase));
    }
    terms.push_back(std::move(last));
  } else {
    terms.push_back(std::move(phrase));
  }
}

// How many words from `first` on are the term; 0 when they are not.
size_t Found(const std::vector<Word>& words, size_t first, const Term& term) {
  if (words.size() - first < term.words.size()) {
    return 0;
  }
  for (size_t i = 0; i < term.words.size(); ++i) {
    const std::string& word = words[first + i].folded;
    if (term.prefix ? !word.starts_with(term.words[i]) : word != term.words[i]) {
      return 0;
    }
  }
  return term.words.size();
}

}  // namespace

std::vector<Word> WordsOf(std::string_view text) {
  std::vector<Word> words;
  bool within = false, has_room = false;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t begin = text.size() - rest.size();
    const char32_t character = base::TakeCharacter(rest);
    const Part part = PartOf(character);
    if (part == Part::kGap) {
      within = false;
    } else if (part == Part::kLetter) {
      if (!within) {
        words.push_back({"", begin, begin});
        within = has_room = true;
      }
      has_room = has_room && AppendFolded(character, words.back().folded);
    }
    if (within) {
      words.back().end = text.size() - rest.size();
    }
  }
  std::erase_if(words, [](const Word& word) { return word.folded.empty(); });
  return words;
}

std::vector<Term> ParseTerms(std::string_view text) {
  std::vector<Term> terms;
  bool quoted = false;
  size_t begin = 0;
  for (std::string_view rest = text; !rest.empty() && terms.size() < kMostTerms;) {
    const size_t at = text.size() - rest.size();
    const char32_t character = base::TakeCharacter(rest);
    const bool quote = IsDoubleQuote(character);
    if (quote || (!quoted && IsSpace(character))) {
      AddChunk(text.substr(begin, at - begin), quoted, terms);
      quoted = quoted != quote;
      begin = text.size() - rest.size();
    }
  }
  AddChunk(text.substr(begin), quoted, terms);
  terms.resize(std::min(terms.size(), kMostTerms));
  return terms;
}

std::vector<Passage> PassagesOf(std::string_view text, const std::vector<Term>& terms) {
  const std::vector<Word> words = WordsOf(text);
  std::vector<Passage> passages;
  for (size_t first = 0; first < words.size();) {
    size_t longest = 0;
    for (const Term& term : terms) {
      longest = std::max(longest, Found(words, first, term));
    }
    if (longest > 0) {
      passages.push_back({words[first].begin, words[first + longest - 1].end});
    }
    first += std::max<size_t>(longest, 1);
  }
  return passages;
}

}  // namespace section55::search
