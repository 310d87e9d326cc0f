// Full-text search: one seam, two implementations (FTS5 of SQLite, FULLTEXT of MySQL and MariaDB), the same results.
//
// The index is a table of the service's own database, written in the transaction that writes the row it is of; README.md has its DDL.
//
//   const search::TextIndex kFindings("finding_words");
//   RETURN_IF_ERROR(kFindings.Add(tx, {.position = position, .heading = finding.summary(), .body = finding.text(),
//                                      .facets = {"kind:RECOMMENDATION"}}));
//   search::Query query{.terms = search::ParseTerms("domestic abuse"), .facets = {{"kind:RECOMMENDATION"}}, .limit = 10};
//   ASSIGN_OR_RETURN(const std::vector<search::Place> found, kFindings.Find(tx, query));
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/db/database.h"
#include "libs/search/words.h"

namespace section55::search {

// What is indexed of one thing.
struct Entry {
  int64_t position = 0;  // its key, and its place in every result: higher ones come first; not negative
  std::string_view heading = {};
  std::string_view body = {};
  // What it is filtered by: any texts, compared as they are. They are found by a digest of 64 bits.
  std::vector<std::string> facets = {};
};

// Where something stands in a result, which is also the key that the next page begins after.
struct Place {
  // 0: all terms are found in the heading; 1: some only elsewhere. Always 0 unless the order is kBest.
  int64_t tier = 0;
  int64_t position = 0;

  friend bool operator==(const Place&, const Place&) = default;
};

enum class Order {
  kNewest,  // the highest position first
  kOldest,  // the lowest first
  kBest,    // first what has all terms in its heading, then the rest; the highest position first in both
};

struct Query {
  std::vector<Term> terms = {};                           // all are found in heading or body
  std::vector<std::vector<std::string>> facets = {};      // of each group it has at least one
  std::vector<std::string> without = {};                  // facets that it has none of; cheaper where few have them
  int64_t lowest = 0;                                     // positions from here ...
  int64_t highest = std::numeric_limits<int64_t>::max();  // ... to here, both included
  Order order = Order::kNewest;
  std::optional<Place> after = {};  // begins behind this place
  int limit = 0;                    // at most this many
};

// What the engines are asked, in the words that are stored. For the implementations and their tests.
struct Selection {
  // Words as stored, joined by spaces: they follow each other. With `prefix` it is one, and the beginning of a word is enough.
  struct Pattern {
    std::string words;
    bool prefix = false;
  };
  using AnyOf = std::vector<Pattern>;
  std::vector<AnyOf> all;         // each must hold
  std::vector<AnyOf> unless_all;  // not all of these may hold; empty: no such condition
  AnyOf without;                  // none of these may hold
  int64_t lowest = 0;
  int64_t highest = 0;
  bool ascending = false;
  int limit = 0;
};

// Thread-safe. Ranks do not depend on what else is stored, so pages do not shift while others write.
class TextIndex {
 public:
  // On MySQL: how many entries are looked through in their order before the index is asked; see fulltext.cc.
  static constexpr int kWalk = 2000;

  // `table` is put into the SQL as it stands.
  explicit TextIndex(std::string_view table, int walk = kWalk) : table_(table), walk_(walk) {}

  // Adds an entry. ALREADY_EXISTS: the position is taken.
  absl::Status Add(db::Transaction& tx, const Entry& entry) const;

  // Removes the entry at a position. Whether there was one.
  absl::StatusOr<bool> Remove(db::Transaction& tx, int64_t position) const;

  // Brings an index together again that many writes have left in pieces, each of which every search looks into: in many transactions, so
  // that writers wait for milliseconds. To be called now and then, and after much was written; does nothing while there are no
  // more than `few_pieces`, and on MySQL. Ends early when `cancelled`.
  absl::Status Tidy(db::Database& database, absl::FunctionRef<bool()> cancelled, int few_pieces = 5) const;

  // What a query finds, in its order. What the transaction itself has written may be missing (FULLTEXT tells only what is committed).
  // On MySQL several queries: for a Read.
  absl::StatusOr<std::vector<Place>> Find(db::Transaction& tx, const Query& query) const;

 private:
  absl::StatusOr<std::vector<int64_t>> Select(db::Transaction& tx, const Selection& selection) const;

  const std::string table_;
  const int walk_;
};

namespace internal {

// Stands in every entry, between heading and body, so that no phrase is found across.
inline constexpr std::string_view kBorder = "bbb";

// fts5.cc and fulltext.cc: the positions of what is selected, in order.
absl::StatusOr<std::vector<int64_t>> SelectFts5(db::Transaction& tx, const std::string& table,
                                                const Selection& selection);
absl::StatusOr<int> CountPieces(db::Transaction& tx, const std::string& table, int most);
absl::Status MergeALittle(db::Transaction& tx, const std::string& table);
absl::StatusOr<std::vector<int64_t>> SelectFulltext(db::Transaction& tx, const std::string& table, int walk,
                                                    const Selection& selection);

}  // namespace internal

}  // namespace section55::search
