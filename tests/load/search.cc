#include "tests/load/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>

#include "absl/time/clock.h"
#include "libs/base/status.h"
#include "libs/db/migrate.h"
#include "libs/search/text_index.h"

namespace section55::load {
namespace {

constexpr int kFewRows = 10'000;
constexpr int kPage = 10;
constexpr int kRowsPerCommit = 2'000;
constexpr int kWords = 20;
// As many rows have a rare word however many rows there are: what is looked for by name, a case, an operation.
constexpr int kRowsWithRareWord = 20;
// What is not published yet is the newest, and no more of it in a larger register.
constexpr int kDrafts = 500;

void Must(const absl::Status& status) {
  if (!status.ok()) {
    fmt::print(stderr, "bench: a search failed: {}\n", status.ToString());
    std::exit(1);
  }
}

db::Schema Schema() {
  return {
      "bench",
      {{1, "words",
        "CREATE VIRTUAL TABLE entries USING fts5(words, tokenize = 'ascii', columnsize = 0, prefix = '3 4 5 6 7')"}},
      {{1, "words",
        "CREATE TABLE entries (position BIGINT NOT NULL PRIMARY KEY, words MEDIUMTEXT CHARACTER SET ascii COLLATE "
        "ascii_bin NOT NULL, FULLTEXT KEY entries_by_word (words)) ENGINE = InnoDB"}}};
}

const search::TextIndex& Index() {
  static const auto* const index = new search::TextIndex("entries");
  return *index;
}

// Words as texts have them: few are in nearly all, many in few. word0 is in half of the rows, word1 in a third ...
std::string Text(std::mt19937& random, int row, int rows) {
  std::string text;
  for (int i = 0; i < kWords; ++i) {
    const double uniform = static_cast<double>(random() % 1'000'000 + 1) / 1'000'000;
    text += fmt::format("word{} ", static_cast<int>(1 / uniform) - 1);
  }
  if (row % (rows / kRowsWithRareWord) == 7) {
    text += "operation goldfinch ";
  }
  return text;
}

// The first words of it, as many as a summary or a title has.
std::string_view HeadingOf(std::string_view text) {
  constexpr int kWordsOfHeading = 6;
  size_t end = 0;
  for (int i = 0; i < kWordsOfHeading && end != std::string_view::npos; ++i) {
    end = text.find(' ', end + 1);
  }
  return text.substr(0, end);
}

std::unique_ptr<db::Database> Fill(const db::Options& options, int rows) {
  auto database = db::Open(options);
  Must(database.status());
  Must(db::Migrate(**database, {Schema()}, absl::Now(), /*dry_run=*/false).status());
  std::mt19937 random(55);
  for (int first = 0; first < rows; first += kRowsPerCommit) {
    const std::mt19937 before = random;
    Must((*database)->Write([&](db::Transaction& tx) -> absl::Status {
      random = before;
      for (int row = first; row < first + kRowsPerCommit; ++row) {
        const std::string text = Text(random, row, rows);
        RETURN_IF_ERROR(
            Index().Add(tx, {.position = row,
                             .heading = HeadingOf(text),
                             .body = text,
                             .facets = {row < rows - kDrafts ? "state:PUBLISHED" : "state:DRAFT",
                                        fmt::format("kind:{}", row % 4), fmt::format("theme:{}", row % 50)}}));
      }
      return absl::OkStatus();
    }));
    if (first % 100'000 == 0) {
      fmt::print(stderr, "filled {} of {}\n", first, rows);
    }
  }
  // In one piece, whatever their number: a search looks into each piece, of which a small index can have as many as a large one.
  Must(Index().Tidy(
      **database, [] { return false; }, /*few_pieces=*/1));
  return *std::move(database);
}

int Search(db::Database& database, search::Query query) {
  query.limit = kPage + 1;
  size_t found = 0;
  Must(database.Read([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const auto places, Index().Find(tx, query));
    found = places.size();
    return absl::OkStatus();
  }));
  return static_cast<int>(found);
}

double PagesPerSecond(db::Database& database, const search::Query& query, absl::Duration length) {
  int64_t pages = 0;
  const absl::Time start = absl::Now();
  do {
    Search(database, query);
    ++pages;
  } while (absl::Now() - start < length);
  return static_cast<double>(pages) / absl::ToDoubleSeconds(absl::Now() - start);
}

struct Case {
  std::string name;
  search::Query query;
};

}  // namespace

std::vector<Comparison> CompareSearches(const std::string& engine, const std::function<db::Options()>& new_database,
                                        int rows, int rounds, absl::Duration length) {
  const auto few = Fill(new_database(), kFewRows);
  const auto many = Fill(new_database(), rows);
  const auto words = [](std::string_view text) { return search::ParseTerms(text); };
  const std::vector<std::string> drafts = {"state:DRAFT"};
  const Case cases[] = {
      {"the newest", {.without = drafts}},
      {"filtered by theme and kind", {.facets = {{"theme:7"}, {"kind:3"}}, .without = drafts}},
      {"a common word", {.terms = words("word0"), .without = drafts}},
      {"two common words, the best first",
       {.terms = words("word0 word1"), .without = drafts, .order = search::Order::kBest}},
      {"a phrase of common words", {.terms = words("\"word0 word0\""), .without = drafts}},
      {"a rare word", {.terms = words("goldfinch"), .without = drafts}},
      {"a rare phrase, the best first",
       {.terms = words("\"operation goldfinch\""), .without = drafts, .order = search::Order::kBest}},
      {"a common and a rare word", {.terms = words("word0 goldfinch"), .without = drafts}},
      {"a word that is nowhere", {.terms = words("nightingale"), .without = drafts}},
      {"a word in one row of 20", {.terms = words("word19"), .without = drafts}},
      {"the beginning of a common word", {.terms = words("wor*"), .without = drafts}},
  };
  std::vector<Comparison> comparisons;
  for (const Case& each : cases) {
    // Dearer by half at most.
    Comparison& comparison =
        comparisons.emplace_back(Comparison{fmt::format("search, {}, {}, {} rows", each.name, engine, rows),
                                            fmt::format("{} rows", kFewRows),
                                            {},
                                            {},
                                            1 / 1.5});
    const int found_of_few = Search(*few, each.query), found_of_many = Search(*many, each.query);
    for (int round = 0; round < rounds; ++round) {
      comparison.floor_per_second.push_back(PagesPerSecond(*few, each.query, length));
      comparison.subject_per_second.push_back(PagesPerSecond(*many, each.query, length));
    }
    fmt::print(stderr, "{}: {:.0f}/s ({} found), of few {:.0f}/s ({} found)\n", comparison.name,
               Median(comparison.subject_per_second), found_of_many, Median(comparison.floor_per_second), found_of_few);
  }
  return comparisons;
}

}  // namespace section55::load
