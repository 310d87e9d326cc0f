// How the engines would answer a store's queries: that no list scans.
#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/db/database.h"

namespace section55::testing {

// Hands everything on to another transaction, and asks for the plan of every SELECT, with its values.
class ExplainingTransaction : public db::Transaction {
 public:
  ExplainingTransaction(db::Transaction& tx, db::Engine engine) : tx_(tx), engine_(engine) {}

  db::Engine engine() const override { return engine_; }
  absl::StatusOr<int64_t> Execute(std::string_view sql, absl::Span<const db::Value> values) override {
    return tx_.Execute(sql, values);
  }
  absl::Status Query(std::string_view sql, absl::Span<const db::Value> values,
                     absl::FunctionRef<void(const db::Row&)> each) override;
  absl::Status QueryAndLock(std::string_view sql, absl::Span<const db::Value> values,
                            absl::FunctionRef<void(const db::Row&)> each) override {
    return tx_.QueryAndLock(sql, values, each);
  }
  absl::Status Conflict() override { return tx_.Conflict(); }
  void AfterCommit(std::function<void()> then) override { tx_.AfterCommit(std::move(then)); }

  // How many SELECTs there were.
  int queries() const { return queries_; }
  // A line for each step: on SQLite as it says it, "SEARCH deadlines USING INDEX ..."; on MySQL "TYPE KEY EXTRA".
  const std::vector<std::string>& plans() const { return plans_; }

 private:
  db::Transaction& tx_;
  const db::Engine engine_;
  int queries_ = 0;
  std::vector<std::string> plans_;
};

// A step that goes to a place in an index and reads on in its order: no scan of a table or of a whole index, nothing sorted.
MATCHER(SearchesAnIndex, "searches an index") {
  const std::string_view plan = arg;
  if (plan.starts_with("SEARCH ")) {
    return true;  // SQLite
  }
  if (plan.find("Impossible WHERE") != std::string_view::npos ||
      plan.find("after reading const tables") != std::string_view::npos) {
    return true;  // nothing, or one row by its key, and it does not match
  }
  for (const std::string_view type : {"const ", "eq_ref ", "ref ", "range "}) {
    if (plan.starts_with(type)) {
      return plan.find("filesort") == std::string_view::npos && plan.find("temporary") == std::string_view::npos;
    }
  }
  return false;
}

// What the optimiser of MySQL and MariaDB goes by; their plans of small tables depend on how much is stored. Ends the test program with a
// sentence when it fails.
void UpdateStatistics(db::Database& database, std::string_view table);

}  // namespace section55::testing
