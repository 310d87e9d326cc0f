// Searches over few and over many: what a page costs must not depend on how much there is.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/db/database.h"
#include "tests/load/report.h"

namespace section55::load {

// Pages a second of the full-text index of libs/search, from `rows` generated findings beside 10,000, in process and by one thread.
// `new_database` gives an empty database each time it is called.
std::vector<Comparison> CompareSearches(const std::string& engine, const std::function<db::Options()>& new_database,
                                        int rows, int rounds, absl::Duration length);

}  // namespace section55::load
