#include "services/response-authoring/words.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <dtl/dtl.hpp>
#include <string>
#include <utility>

namespace section55::authoring {
namespace {

using Tokens = std::vector<std::string_view>;

// How many pairs of words are compared at most.
constexpr size_t kMostWork = 4'000'000;

bool IsSpace(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

// Words, each with the spaces after it; the first may be spaces alone.
Tokens Split(std::string_view text) {
  Tokens tokens;
  while (!text.empty()) {
    size_t end = 0;
    while (end < text.size() && !IsSpace(text[end])) {
      ++end;
    }
    while (end < text.size() && IsSpace(text[end])) {
      ++end;
    }
    tokens.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return tokens;
}

class Comparison {
 public:
  void Add(v1::Words::Kind kind, std::string_view text) {
    if (text.empty()) {
      return;
    }
    if (words_.empty() || words_.back().kind() != kind) {
      words_.emplace_back().set_kind(kind);
    }
    words_.back().mutable_text()->append(text);
  }
  std::vector<v1::Words> Take() { return std::move(words_); }

 private:
  std::vector<v1::Words> words_;
};

}  // namespace

std::vector<v1::Words> CompareWords(std::string_view before, std::string_view after) {
  Tokens removed = Split(before), added = Split(after);
  // What they begin and end with alike is most of what there is.
  const size_t begin =
      std::mismatch(removed.begin(), removed.end(), added.begin(), added.end()).first - removed.begin();
  const size_t most = std::min(removed.size(), added.size()) - begin;
  size_t end = 0;
  while (end < most && removed[removed.size() - 1 - end] == added[added.size() - 1 - end]) {
    ++end;
  }
  Comparison comparison;
  for (size_t i = 0; i < begin; ++i) {
    comparison.Add(v1::Words::SAME, removed[i]);
  }
  const Tokens same_end(removed.end() - static_cast<std::ptrdiff_t>(end), removed.end());
  for (Tokens* tokens : {&removed, &added}) {
    tokens->erase(tokens->end() - static_cast<std::ptrdiff_t>(end), tokens->end());
    tokens->erase(tokens->begin(), tokens->begin() + static_cast<std::ptrdiff_t>(begin));
  }
  if (removed.size() * added.size() > kMostWork || removed.empty() || added.empty()) {
    for (const std::string_view token : removed) {
      comparison.Add(v1::Words::REMOVED, token);
    }
    for (const std::string_view token : added) {
      comparison.Add(v1::Words::ADDED, token);
    }
  } else {
    dtl::Diff<std::string_view, Tokens> diff(removed, added, /*deletesFirst=*/true);
    diff.compose();
    for (const auto& [token, info] : diff.getSes().getSequence()) {
      comparison.Add(info.type == dtl::SES_COMMON   ? v1::Words::SAME
                     : info.type == dtl::SES_DELETE ? v1::Words::REMOVED
                                                    : v1::Words::ADDED,
                     token);
    }
  }
  for (const std::string_view token : same_end) {
    comparison.Add(v1::Words::SAME, token);
  }
  return comparison.Take();
}

}  // namespace section55::authoring
