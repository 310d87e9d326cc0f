// The contract of the full-text index: the same on both engines, and on MySQL however much is found by looking and how much by FULLTEXT.
#include "libs/search/text_index.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "libs/base/status.h"
#include "libs/testing/databases.h"
#include "libs/testing/matchers.h"
#include "libs/testing/plans.h"

namespace section55::search {
namespace {

using section55::testing::IsOk;
using section55::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

db::Schema Words() {
  return {
      "words",
      {{1, "words",
        "CREATE VIRTUAL TABLE entries USING fts5(words, tokenize = 'ascii', columnsize = 0, prefix = '3 4 5 6 7')"}},
      {{1, "words",
        "CREATE TABLE entries (position BIGINT NOT NULL PRIMARY KEY, words MEDIUMTEXT CHARACTER SET ascii COLLATE "
        "ascii_bin NOT NULL, FULLTEXT KEY entries_by_word (words)) ENGINE = InnoDB"}}};
}

class TextIndexTest : public section55::testing::OnBothEngines {
 protected:
  TextIndexTest() : OnBothEngines({Words()}) {}

  void Add(const Entry& entry) {
    EXPECT_THAT(database().Write([&](db::Transaction& tx) { return index_.Add(tx, entry); }), IsOk());
  }

  // Found by looking through all, by looking through one and asking the index for the rest, and in pages of two: always the same.
  std::vector<int64_t> Find(Query query) {
    std::vector<int64_t> found = FindWith(TextIndex("entries"), query, 1000);
    EXPECT_EQ(FindWith(TextIndex("entries", /*walk=*/1), query, 1000), found);
    EXPECT_EQ(FindWith(TextIndex("entries", /*walk=*/1), query, 2), found);
    EXPECT_EQ(FindWith(TextIndex("entries"), query, 2), found);
    return found;
  }

  std::vector<int64_t> Find(std::string_view terms) { return Find({.terms = ParseTerms(terms)}); }

  std::vector<int64_t> FindWith(const TextIndex& index, Query query, int page) {
    std::vector<int64_t> found;
    query.limit = page;
    while (true) {
      std::vector<Place> places;
      EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
        ASSIGN_OR_RETURN(places, index.Find(tx, query));
        return absl::OkStatus();
      }),
                  IsOk());
      for (const Place& place : places) {
        found.push_back(place.position);
      }
      if (static_cast<int>(places.size()) < page || found.size() > 1000) {
        return found;
      }
      query.after = places.back();
    }
  }

  const TextIndex index_{"entries"};
};

TEST_P(TextIndexTest, FindsWordsPhrasesAndPrefixes) {
  Add({.position = 1, .body = "The force should review every domestic homicide."});
  Add({.position = 2, .body = "Domestic abuse: share what is known."});
  Add({.position = 3, .body = "abuse that is domestic"});
  Add({.position = 4, .body = "domesticated"});
  EXPECT_THAT(Find("domestic"), ElementsAre(3, 2, 1));
  EXPECT_THAT(Find("domestic abuse"), ElementsAre(3, 2));
  EXPECT_THAT(Find("\"domestic abuse\""), ElementsAre(2));
  EXPECT_THAT(Find("domestic*"), ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(Find("dom* is"), ElementsAre(3, 2));
  EXPECT_THAT(Find("homicides"), IsEmpty());
  EXPECT_THAT(Find(Query{.terms = ParseTerms("domestic"), .order = Order::kOldest}), ElementsAre(1, 2, 3));
}

TEST_P(TextIndexTest, NoWordIsTooShortOrTooCommon) {
  Add({.position = 1, .body = "To be or not to be: that is the question, from www to A"});
  Add({.position = 2, .body = "a question of the"});
  EXPECT_THAT(Find("to be"), ElementsAre(1));
  EXPECT_THAT(Find("\"or not to be\""), ElementsAre(1));
  EXPECT_THAT(Find("a"), ElementsAre(2, 1));
  EXPECT_THAT(Find("www"), ElementsAre(1));
  EXPECT_THAT(Find("the question"), ElementsAre(2, 1));
  EXPECT_THAT(Find("\"the question\""), ElementsAre(1));
}

TEST_P(TextIndexTest, FoldsCaseAccentsAndQuotes) {
  Add({.position = 1, .body = "Heddlu’r Ŵyl – “tŷ” Ynys Môn"});
  Add({.position = 2, .body = "HEDDLU'R WYL - \"TY\" YNYS MON"});
  for (const char* text : {"ŵyl", "wyl", "WYL", "tŷ môn", "“heddlu’r ŵyl”", "heddlu'r", "\"heddlu r\"", "YNYS-MÔN"}) {
    EXPECT_THAT(Find(text), ElementsAre(2, 1)) << text;
  }
  EXPECT_THAT(Find("wy"), IsEmpty());
}

TEST_P(TextIndexTest, LettersOfOtherScriptsAreLetters) {
  Add({.position = 1, .body = "Жандарм 警察"});
  EXPECT_THAT(Find("жандарм"), ElementsAre(1));
  EXPECT_THAT(Find("жан*"), ElementsAre(1));
  EXPECT_THAT(Find("жандарн"), IsEmpty());
  EXPECT_THAT(Find("警察"), ElementsAre(1));
}

TEST_P(TextIndexTest, HostileTextIsNoError) {
  Add({.position = 1, .body = "near or not match"});
  for (const char* text : {"\"",
                           "'",
                           "*",
                           "a OR b",
                           "NEAR(near, 5)",
                           "words:near",
                           "near\" OR \"x",
                           "+near -not",
                           "%",
                           "_",
                           "n_ar",
                           "near%",
                           "(near",
                           "near)",
                           "near;DROP TABLE entries",
                           "@",
                           "~<>",
                           "\\",
                           "\xff\xfe",
                           "near \\\"",
                           "{near}",
                           "^near",
                           "near + or"}) {
    Find(text);
  }
  EXPECT_THAT(Find("n_ar"), IsEmpty());
  EXPECT_THAT(Find("near%"), ElementsAre(1));
  EXPECT_THAT(Find("+near -not"), ElementsAre(1));
}

TEST_P(TextIndexTest, TheBestOrderTakesHeadingsFirst) {
  Add({.position = 1, .heading = "Vetting", .body = "of officers"});
  Add({.position = 2, .heading = "Custody", .body = "vetting of officers"});
  Add({.position = 3, .heading = "Vetting of officers", .body = ""});
  Add({.position = 4, .heading = "Stop and search", .body = "vetting"});
  EXPECT_THAT(Find(Query{.terms = ParseTerms("vetting"), .order = Order::kBest}), ElementsAre(3, 1, 4, 2));
  EXPECT_THAT(Find(Query{.terms = ParseTerms("vetting officers"), .order = Order::kBest}), ElementsAre(3, 2, 1));
  EXPECT_THAT(Find(Query{.terms = ParseTerms("vetting"), .order = Order::kNewest}), ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(Find("\"search vetting\""), IsEmpty()) << "no phrase goes from heading to body";
}

TEST_P(TextIndexTest, FacetsCombineWithWordsAndEachOther) {
  Add({.position = 1, .body = "review", .facets = {"kind:A", "theme:Domestic abuse"}});
  Add({.position = 2, .body = "review", .facets = {"kind:B", "theme:domestic abuse"}});
  Add({.position = 3, .body = "nothing", .facets = {"kind:A"}});
  EXPECT_THAT(Find(Query{.facets = {{"kind:A"}}}), ElementsAre(3, 1));
  EXPECT_THAT(Find(Query{.terms = ParseTerms("review"), .facets = {{"kind:A"}}}), ElementsAre(1));
  EXPECT_THAT(Find(Query{.facets = {{"kind:A", "kind:B"}, {"theme:domestic abuse"}}}), ElementsAre(2));
  EXPECT_THAT(Find(Query{.facets = {{"kind:A", "kind:B"}}}), ElementsAre(3, 2, 1));
  EXPECT_THAT(Find("kind"), IsEmpty()) << "facets are no words";
  EXPECT_THAT(Find(Query{.without = {"kind:B"}}), ElementsAre(3, 1));
  EXPECT_THAT(Find(Query{.without = {"kind:B", "kind:A"}}), IsEmpty());
  EXPECT_THAT(Find(Query{.terms = ParseTerms("review"), .without = {"kind:A"}}), ElementsAre(2));
  EXPECT_THAT(Find(Query{.facets = {{"kind:A"}}, .without = {"theme:Domestic abuse", "none"}}), ElementsAre(3));
  EXPECT_THAT(Find(Query{.terms = ParseTerms("review"), .without = {"kind:A"}, .order = Order::kBest}), ElementsAre(2));
  EXPECT_THAT(Find(Query{}), ElementsAre(3, 2, 1));
  EXPECT_THAT(Find(Query{.lowest = 2, .highest = 2}), ElementsAre(2));
  EXPECT_THAT(Find(Query{.facets = {{"kind:A"}}, .highest = 2}), ElementsAre(1));
}

TEST_P(TextIndexTest, FollowsWhatIsChangedAndUndone) {
  Add({.position = 1, .body = "one"});
  Add({.position = 2, .body = "one"});
  EXPECT_THAT(database().Write([&](db::Transaction& tx) { return index_.Add(tx, {.position = 2, .body = "two"}); }),
              StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(database().Write([&](db::Transaction& tx) -> absl::Status {
    EXPECT_EQ(index_.Remove(tx, 1).value_or(!true), true);
    EXPECT_EQ(index_.Remove(tx, 9).value_or(!false), false);
    return index_.Add(tx, {.position = 1, .body = "other"});
  }),
              IsOk());
  EXPECT_THAT(Find("one"), ElementsAre(2));
  EXPECT_THAT(Find("other"), ElementsAre(1));
  EXPECT_FALSE(database()
                   .Write([&](db::Transaction& tx) -> absl::Status {
                     EXPECT_EQ(index_.Remove(tx, 2).value_or(!true), true);
                     RETURN_IF_ERROR(index_.Add(tx, {.position = 3, .body = "undone"}));
                     return absl::CancelledError("undo it");
                   })
                   .ok());
  EXPECT_THAT(Find("one"), ElementsAre(2));
  EXPECT_THAT(Find("undone"), IsEmpty());
}

TEST_P(TextIndexTest, FindsWhatAPlainLookFinds) {
  std::mt19937 random(55);
  const std::vector<std::string> words = {"a", "police", "force", "review", "vetting", "qualm", "the", "forces"};
  std::vector<std::string> bodies;
  EXPECT_THAT(database().Write([&](db::Transaction& tx) -> absl::Status {
    for (int i = 0; i < 300; ++i) {
      std::string body;
      for (int j = 0; j < 6; ++j) {
        body += words[random() % words.size()] + " ";
      }
      RETURN_IF_ERROR(index_.Add(tx, {.position = i, .body = body}));
      bodies.push_back(std::move(body));
    }
    return absl::OkStatus();
  }),
              IsOk());
  for (const char* text : {"police", "the qualm", "\"police force\"", "forc*", "\"a the\" vetting review", "qua* a"}) {
    std::vector<int64_t> expected;
    for (int i = 299; i >= 0; --i) {
      const std::vector<Term> terms = ParseTerms(text);
      if (std::all_of(terms.begin(), terms.end(),
                      [&](const Term& term) { return !PassagesOf(bodies[i], {term}).empty(); })) {
        expected.push_back(i);
      }
    }
    EXPECT_FALSE(expected.empty()) << text;
    EXPECT_EQ(Find(text), expected) << text;
  }
}

TEST_P(TextIndexTest, IsTheSameOnceItIsTidied) {
  for (int i = 0; i < 100; ++i) {
    Add({.position = i, .body = fmt::format("word{} all", i % 7), .facets = {"all"}});
  }
  const std::vector<int64_t> before = Find("word3 all");
  EXPECT_THAT(before, ::testing::SizeIs(14));
  const auto pieces = [&] {
    int64_t count = 0;
    EXPECT_THAT(database().Read([&](db::Transaction& tx) {
      return tx.Query("SELECT COUNT(DISTINCT segid) FROM entries_idx", {},
                      [&](const db::Row& row) { count = row.Int64(0); });
    }),
                IsOk());
    return count;
  };
  const bool in_pieces = GetParam() == db::Engine::kSqlite;
  if (in_pieces) {
    EXPECT_GT(pieces(), 5);
  }
  EXPECT_THAT(index_.Tidy(database(), [] { return true; }), IsOk());
  EXPECT_THAT(index_.Tidy(database(), [] { return false; }), IsOk());
  if (in_pieces) {
    EXPECT_EQ(pieces(), 1);
  }
  EXPECT_EQ(Find("word3 all"), before);
  Add({.position = 100, .body = "word3 all", .facets = {"all"}});
  EXPECT_THAT(Find("word3 all"), ::testing::SizeIs(15));
}

TEST_P(TextIndexTest, GoesByIndexes) {
  EXPECT_THAT(database().Write([&](db::Transaction& tx) -> absl::Status {
    for (int i = 0; i < 500; ++i) {
      RETURN_IF_ERROR(index_.Add(tx, {.position = i, .body = fmt::format("word{}", i % 50), .facets = {"all"}}));
    }
    return absl::OkStatus();
  }),
              IsOk());
  if (GetParam() == db::Engine::kMysql) {
    section55::testing::UpdateStatistics(database(), "entries");
  }
  Query query{.terms = ParseTerms("word7"), .facets = {{"all"}}, .limit = 5};
  EXPECT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
    section55::testing::ExplainingTransaction explaining(tx, GetParam());
    ASSIGN_OR_RETURN(const auto places, TextIndex("entries", /*walk=*/10).Find(explaining, query));
    EXPECT_EQ(places.size(), 5u);
    bool by_words = false;
    for (const std::string& plan : explaining.plans()) {
      SCOPED_TRACE(plan);
      if (GetParam() == db::Engine::kSqlite) {
        EXPECT_THAT(plan, ::testing::StartsWith("SCAN entries VIRTUAL TABLE INDEX"));
        EXPECT_THAT(plan, ::testing::HasSubstr("M")) << "by MATCH";
        by_words = true;
      } else {
        by_words = by_words || plan.starts_with("fulltext entries_by_word");
        EXPECT_FALSE(plan.starts_with("index") || plan.starts_with("ALL words")) << "reads everything";
      }
    }
    EXPECT_TRUE(by_words);
    return absl::OkStatus();
  }),
              IsOk());
}

SECTION55_ON_BOTH_ENGINES(TextIndexTest);

}  // namespace
}  // namespace section55::search
