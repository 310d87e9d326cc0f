// The script of calls that makes the sample data: a file of JSON objects, each beginning with `{` and ending with `}`
// in the first column, with `#` comments between them. What an entry may say is told in README.md.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"

namespace section55::sample {

// One call of the script.
struct Entry {
  int line = 0;            // where the entry begins in the file, from 1
  absl::Time at;           // what the services' clocks read meanwhile
  std::string as;          // whose token: "registrar"
  std::string service;     // "InspectionRegistry"
  std::string method;      // "CreateForce"
  nlohmann::json request;  // of the method's request type
  nlohmann::json until;    // what the answer must contain; the call is repeated until it does. Null: anything
  std::string note;        // a sentence for whoever watches; may be empty
};

// Reads the script and expands its rows. The error is one sentence that names file and line.
absl::StatusOr<std::vector<Entry>> ReadScript(const std::string& path);

}  // namespace section55::sample
