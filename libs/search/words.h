// What a search compares: the words of a text, folded so that those which a reader takes for the same are the same.
//
// Case, accents (ŵ is w, é is e), ligatures and widths do not count; quotes, apostrophes and hyphens, straight or curly, part words as
// spaces do; soft hyphens and joiners are not there at all. No word is left out, however short or common, and none is cut to a stem.
// Pure and thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace section55::search {

// A word, and where it stands in its text: bytes [begin, end).
struct Word {
  // Of [a-z0-9] alone, as both engines take such words as they are: a letter outside of it is spelt out, so that different letters
  // stay different, and the beginning of a word is spelt as the beginning. At most kLongestWord characters, the rest does not count.
  std::string folded;
  size_t begin = 0;
  size_t end = 0;
};

inline constexpr size_t kLongestWord = 60;

std::vector<Word> WordsOf(std::string_view text);

// One thing that must be found: words that follow each other, or the beginning of a word.
struct Term {
  std::vector<std::string> words;  // folded; at least one
  bool prefix = false;             // only of a single word: words that begin with it count as well

  friend bool operator==(const Term&, const Term&) = default;
};

inline constexpr size_t kMostTerms = 32;

// What somebody typed into a search box: words, all of which must be found; "words in double quotes", straight or curly, must follow
// each other, and so must the parts of a word such as follow-up; a * behind a word asks for all that begin with it. Nothing is an error,
// and nothing else means anything. Terms past kMostTerms do not count. Empty when there is no word in it.
std::vector<Term> ParseTerms(std::string_view text);

// Where a term is found in a text: bytes [begin, end), from its first word to its last.
struct Passage {
  size_t begin = 0;
  size_t end = 0;

  friend bool operator==(const Passage&, const Passage&) = default;
};

// Every place in `text` where one of the terms is found, in order and not overlapping: what a page marks.
std::vector<Passage> PassagesOf(std::string_view text, const std::vector<Term>& terms);

}  // namespace section55::search
