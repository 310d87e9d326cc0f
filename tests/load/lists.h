// Lists over few and over many: what a page costs must not depend on how much there is.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/db/database.h"
#include "tests/load/report.h"

namespace section55::load {

// Pages a second of ListResponses and ListDeadlines, from 100,000 rows beside 1,000, in process and by one thread: everybody's filtered
// by state, as for an auditor; those of somebody with roles on several bodies; those of a force. `new_database` gives an empty database
// each time it is called.
std::vector<Comparison> CompareLists(const std::string& engine, const std::function<db::Options()>& new_database,
                                     int rounds, absl::Duration length);

}  // namespace section55::load
