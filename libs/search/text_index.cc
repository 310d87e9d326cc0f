#include "libs/search/text_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libs/base/status.h"
#include "libs/db/proto_table.h"

namespace section55::search {
namespace {

// Every stored word begins with what it is. None of them is a stop word of an engine, nor shorter than one takes.
constexpr std::string_view kAnywhere = "zz";
constexpr std::string_view kInHeading = "hh";
constexpr std::string_view kFacet = "ff";
std::string StoredFacet(std::string_view facet) {
  return fmt::format("{}{:016x}", kFacet, static_cast<uint64_t>(db::ChecksumOf(facet)));
}

// In spaces, so that a word is found between two of them.
std::string StoredWords(const Entry& entry) {
  std::string stored = " ";
  const std::vector<Word> heading = WordsOf(entry.heading);
  const auto add = [&](std::string_view kind, const std::vector<Word>& words) {
    for (const Word& word : words) {
      stored.append(kind).append(word.folded) += ' ';
    }
  };
  add(kInHeading, heading);
  add(kAnywhere, heading);
  stored.append(internal::kBorder) += ' ';
  add(kAnywhere, WordsOf(entry.body));
  for (const std::string& facet : entry.facets) {
    stored.append(StoredFacet(facet)) += ' ';
  }
  return stored;
}

std::vector<Selection::AnyOf> PatternsOf(const std::vector<Term>& terms, std::string_view kind) {
  std::vector<Selection::AnyOf> patterns;
  for (const Term& term : terms) {
    Selection::Pattern pattern{"", term.prefix};
    for (const std::string& word : term.words) {
      pattern.words.append(pattern.words.empty() ? "" : " ").append(kind).append(word);
    }
    patterns.push_back({std::move(pattern)});
  }
  return patterns;
}

}  // namespace

absl::Status TextIndex::Add(db::Transaction& tx, const Entry& entry) const {
  const std::string words = StoredWords(entry);
  const char* key = tx.engine() == db::Engine::kSqlite ? "rowid" : "position";
  return tx.Execute(fmt::format("INSERT INTO {} ({}, words) VALUES (?, ?)", table_, key), {entry.position, words})
      .status();
}

absl::StatusOr<bool> TextIndex::Remove(db::Transaction& tx, int64_t position) const {
  const char* key = tx.engine() == db::Engine::kSqlite ? "rowid" : "position";
  ASSIGN_OR_RETURN(const int64_t removed,
                   tx.Execute(fmt::format("DELETE FROM {} WHERE {} = ?", table_, key), {position}));
  return removed > 0;
}

absl::Status TextIndex::Tidy(db::Database& database, absl::FunctionRef<bool()> cancelled, int few_pieces) const {
  if (database.engine() != db::Engine::kSqlite) {
    return absl::OkStatus();
  }
  // While others write there is always a new one: it ends some time all the same.
  constexpr int kMostSteps = 10'000;
  const auto is_in_more_than = [&](int most) -> absl::StatusOr<bool> {
    int pieces = 0;
    RETURN_IF_ERROR(database.Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(pieces, internal::CountPieces(tx, table_, most + 1));
      return absl::OkStatus();
    }));
    return pieces > most;
  };
  ASSIGN_OR_RETURN(bool more, is_in_more_than(few_pieces));
  for (int step = 0; more && step < kMostSteps && !cancelled(); ++step) {
    RETURN_IF_ERROR(database.Write([&](db::Transaction& tx) { return internal::MergeALittle(tx, table_); }));
    ASSIGN_OR_RETURN(more, is_in_more_than(1));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int64_t>> TextIndex::Select(db::Transaction& tx, const Selection& selection) const {
  if (selection.limit <= 0 || selection.lowest > selection.highest) {
    return std::vector<int64_t>();
  }
  return tx.engine() == db::Engine::kSqlite ? internal::SelectFts5(tx, table_, selection)
                                            : internal::SelectFulltext(tx, table_, walk_, selection);
}

absl::StatusOr<std::vector<Place>> TextIndex::Find(db::Transaction& tx, const Query& query) const {
  Selection common;
  common.lowest = query.lowest;
  common.highest = query.highest;
  common.ascending = query.order == Order::kOldest;
  for (const std::vector<std::string>& group : query.facets) {
    Selection::AnyOf& any = common.all.emplace_back();
    for (const std::string& facet : group) {
      any.push_back({StoredFacet(facet), false});
    }
  }
  for (const std::string& facet : query.without) {
    common.without.push_back({StoredFacet(facet), false});
  }
  const bool ranked = query.order == Order::kBest && !query.terms.empty();
  std::vector<Place> found;
  const int64_t first_tier = ranked && query.after ? query.after->tier : 0;
  for (int64_t tier = first_tier; tier <= (ranked ? 1 : 0); ++tier) {
    Selection selection = common;
    if (query.after && tier == first_tier) {
      int64_t& bound = selection.ascending ? selection.lowest : selection.highest;
      bound =
          selection.ascending ? std::max(bound, query.after->position + 1) : std::min(bound, query.after->position - 1);
    }
    // The words first: as a rule fewer things have them.
    std::vector<Selection::AnyOf> terms = PatternsOf(query.terms, ranked && tier == 0 ? kInHeading : kAnywhere);
    selection.all.insert(selection.all.begin(), terms.begin(), terms.end());
    if (tier == 1) {
      selection.unless_all = PatternsOf(query.terms, kInHeading);
    }
    selection.limit = query.limit - static_cast<int>(found.size());
    ASSIGN_OR_RETURN(const std::vector<int64_t> positions, Select(tx, selection));
    for (const int64_t position : positions) {
      found.push_back({tier, position});
    }
  }
  return found;
}

}  // namespace section55::search
