// The index on SQLite. FTS5 merges the lists of the words as it goes through them in the order of the rowids, so that a page costs what
// stands before its last row, and not what is found in all.
#include <fmt/format.h>

#include <optional>

#include "libs/base/status.h"
#include "libs/search/text_index.h"

namespace section55::search::internal {
namespace {

// Stored words are of [a-z0-9] alone: within quotes nothing in them is syntax.
std::string AllOf(const std::vector<Selection::AnyOf>& all) {
  std::string expression;
  for (const Selection::AnyOf& any : all) {
    std::string alternatives;
    for (const Selection::Pattern& pattern : any) {
      alternatives +=
          fmt::format("{}\"{}\"{}", alternatives.empty() ? "" : " OR ", pattern.words, pattern.prefix ? " *" : "");
    }
    expression += fmt::format("{}({})", expression.empty() ? "" : " AND ", alternatives);
  }
  return expression;
}

}  // namespace

// Up to `most`. A table of FTS5's own knows them, by their numbers.
absl::StatusOr<int> CountPieces(db::Transaction& tx, const std::string& table, int most) {
  int pieces = 0;
  for (int64_t piece = -1; pieces < most; ++pieces) {
    std::optional<int64_t> next;
    RETURN_IF_ERROR(
        tx.Query(fmt::format("SELECT MIN(segid) FROM {}_idx WHERE segid > ?", table), {piece}, [&](const db::Row& row) {
          if (!row.IsNull(0)) {
            next = row.Int64(0);
          }
        }));
    if (!next) {
      break;
    }
    piece = *next;
  }
  return pieces;
}

absl::Status MergeALittle(db::Transaction& tx, const std::string& table) {
  // Negative: all pieces become one, whatever their sizes; so many pages are written at a time.
  constexpr int kPages = 250;
  return tx.Execute(fmt::format("INSERT INTO {0} ({0}, rank) VALUES ('merge', ?)", table), {-kPages}).status();
}

absl::StatusOr<std::vector<int64_t>> SelectFts5(db::Transaction& tx, const std::string& table,
                                                const Selection& selection) {
  std::string expression = AllOf(selection.all);
  if (!selection.without.empty()) {
    // Something must be asked for that others are left out of.
    expression = fmt::format("({}) NOT ({})", expression.empty() ? kBorder : expression, AllOf({selection.without}));
  }
  if (!selection.unless_all.empty()) {
    expression = fmt::format("({}) NOT ({})", expression, AllOf(selection.unless_all));
  }
  std::vector<db::Value> values;
  if (!expression.empty()) {
    values.emplace_back(expression);
  }
  values.insert(values.end(), {selection.lowest, selection.highest, selection.limit});
  std::vector<int64_t> positions;
  RETURN_IF_ERROR(
      tx.Query(fmt::format("SELECT rowid FROM {0} WHERE {1}rowid >= ? AND rowid <= ? ORDER BY rowid {2} LIMIT ?", table,
                           expression.empty() ? "" : fmt::format("{} MATCH ? AND ", table),
                           selection.ascending ? "ASC" : "DESC"),
               values, [&](const db::Row& row) { positions.push_back(row.Int64(0)); }));
  return positions;
}

}  // namespace section55::search::internal
