// The index on MySQL and MariaDB. FULLTEXT of InnoDB fetches all that a word is in before the first of it is given out, and its phrases,
// short words and stop words depend on the server's settings. So it is asked for one word only, the rarest; whether a candidate is what is
// looked for is decided by LIKE on the stored words. And as a common word is found soon by looking, some entries are looked through in
// their order first: what remains for the index is rare.
#include <fmt/format.h>

#include <algorithm>

#include "libs/base/status.h"
#include "libs/search/text_index.h"

namespace section55::search::internal {
namespace {

// Conditions on the column `words`, with their values.
struct Conditions {
  std::string sql;
  std::vector<std::string> texts;
};

std::string LikeOf(const Selection::Pattern& pattern) {
  return fmt::format("% {}{}%", pattern.words, pattern.prefix ? "" : " ");
}

Conditions AllOf(const std::vector<Selection::AnyOf>& all) {
  Conditions conditions;
  for (const Selection::AnyOf& any : all) {
    std::string alternatives;
    for (const Selection::Pattern& pattern : any) {
      alternatives += alternatives.empty() ? "words LIKE ?" : " OR words LIKE ?";
      conditions.texts.push_back(LikeOf(pattern));
    }
    conditions.sql += fmt::format("{}({})", conditions.sql.empty() ? "" : " AND ", alternatives);
  }
  return conditions;
}

Conditions ConditionsOf(const Selection& selection) {
  Conditions conditions = AllOf(selection.all);
  if (!selection.unless_all.empty()) {
    const Conditions unless = AllOf(selection.unless_all);
    conditions.sql += fmt::format("{}NOT ({})", conditions.sql.empty() ? "" : " AND ", unless.sql);
    conditions.texts.insert(conditions.texts.end(), unless.texts.begin(), unless.texts.end());
  }
  if (!selection.without.empty()) {
    const Conditions without = AllOf({selection.without});
    conditions.sql += fmt::format("{}NOT {}", conditions.sql.empty() ? "" : " AND ", without.sql);
    conditions.texts.insert(conditions.texts.end(), without.texts.begin(), without.texts.end());
  }
  return conditions;
}

struct Range {
  int64_t lowest = 0;
  int64_t highest = 0;
};

// What the index can be asked for in place of a whole selection: something that all it selects has.
std::vector<Selection::AnyOf> CandidatesOf(const Selection& selection) {
  std::vector<Selection::AnyOf> candidates;
  for (const Selection::AnyOf& any : selection.all) {
    if (any.size() > 1) {
      candidates.push_back(any);
      continue;
    }
    const std::string& words = any.front().words;
    for (size_t begin = 0, end = 0; begin < words.size(); begin = end + 1) {
      end = std::min(words.find(' ', begin), words.size());
      candidates.push_back({{words.substr(begin, end - begin), any.front().prefix}});
    }
  }
  return candidates;
}

class Selecting {
 public:
  Selecting(db::Transaction& tx, const std::string& table, const Selection& selection)
      : tx_(tx), table_(table), selection_(selection), conditions_(ConditionsOf(selection)) {}

  // The positions of the first `walk` entries; nothing when there are none.
  absl::StatusOr<std::optional<Range>> Walked(int walk) {
    std::optional<Range> range;
    RETURN_IF_ERROR(tx_.Query(
        fmt::format("SELECT MIN(position), MAX(position) FROM (SELECT position FROM {} WHERE position >= ? AND "
                    "position <= ? ORDER BY position {} LIMIT ?) AS walked",
                    table_, Direction()),
        {selection_.lowest, selection_.highest, walk}, [&](const db::Row& row) {
          if (!row.IsNull(0)) {
            range = Range{row.Int64(0), row.Int64(1)};
          }
        }));
    return range;
  }

  // Adds what is selected in a range, in order. With `match` only what the index finds by it.
  absl::Status AddFrom(Range range, const std::string& match, std::vector<int64_t>& positions) {
    std::string sql = fmt::format("SELECT position FROM {} WHERE ", table_);
    std::vector<db::Value> values;
    if (!match.empty()) {
      sql += "MATCH (words) AGAINST (? IN BOOLEAN MODE) AND ";
      values.emplace_back(match);
    }
    sql += "position >= ? AND position <= ?";
    values.insert(values.end(), {range.lowest, range.highest});
    if (!conditions_.sql.empty()) {
      sql += " AND " + conditions_.sql;
      values.insert(values.end(), conditions_.texts.begin(), conditions_.texts.end());
    }
    sql += fmt::format(" ORDER BY position {} LIMIT ?", Direction());
    values.emplace_back(selection_.limit - static_cast<int>(positions.size()));
    return tx_.Query(sql, values, [&](const db::Row& row) { positions.push_back(row.Int64(0)); });
  }

  // The candidate that the fewest entries of a range have, as the index is asked for it. How often it is there tells little where it is
  // rare, and enough to pass over what is everywhere.
  absl::StatusOr<std::string> Rarest(Range range) {
    const std::vector<Selection::AnyOf> candidates = CandidatesOf(selection_);
    std::string counts;
    std::vector<std::string> texts;
    for (const Selection::AnyOf& candidate : candidates) {
      const Conditions condition = AllOf({candidate});
      counts += fmt::format("{}SUM({})", counts.empty() ? "" : ", ", condition.sql);
      texts.insert(texts.end(), condition.texts.begin(), condition.texts.end());
    }
    std::vector<db::Value> values(texts.begin(), texts.end());
    values.insert(values.end(), {range.lowest, range.highest});
    size_t rarest = 0;
    RETURN_IF_ERROR(tx_.Query(fmt::format("SELECT {} FROM {} WHERE position >= ? AND position <= ?", counts, table_),
                              values, [&](const db::Row& row) {
                                for (size_t i = 1; i < candidates.size(); ++i) {
                                  if (row.Int64(static_cast<int>(i)) < row.Int64(static_cast<int>(rarest))) {
                                    rarest = i;
                                  }
                                }
                              }));
    std::string match;
    for (const Selection::Pattern& pattern : candidates[rarest]) {
      match += fmt::format("{}{}{}", match.empty() ? "" : " ", pattern.words, pattern.prefix ? "*" : "");
    }
    return match;
  }

 private:
  const char* Direction() const { return selection_.ascending ? "ASC" : "DESC"; }

  db::Transaction& tx_;
  const std::string& table_;
  const Selection& selection_;
  const Conditions conditions_;
};

}  // namespace

absl::StatusOr<std::vector<int64_t>> SelectFulltext(db::Transaction& tx, const std::string& table, int walk,
                                                    const Selection& selection) {
  Selecting selecting(tx, table, selection);
  std::vector<int64_t> positions;
  if (selection.all.empty()) {
    RETURN_IF_ERROR(selecting.AddFrom({selection.lowest, selection.highest}, "", positions));
    return positions;
  }
  ASSIGN_OR_RETURN(const std::optional<Range> walked, selecting.Walked(walk));
  if (!walked) {
    return positions;
  }
  RETURN_IF_ERROR(selecting.AddFrom(*walked, "", positions));
  Range rest{selection.lowest, selection.highest};
  (selection.ascending ? rest.lowest : rest.highest) = selection.ascending ? walked->highest + 1 : walked->lowest - 1;
  if (static_cast<int>(positions.size()) < selection.limit && rest.lowest <= rest.highest) {
    ASSIGN_OR_RETURN(const std::string match, selecting.Rarest(*walked));
    RETURN_IF_ERROR(selecting.AddFrom(rest, match, positions));
  }
  return positions;
}

}  // namespace section55::search::internal
