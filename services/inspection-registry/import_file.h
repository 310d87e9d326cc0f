// A file of reports, read as it comes: CSV or JSON lines. No gRPC, no SQL.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "google/rpc/error_details.pb.h"
#include "section55/registry/v1/inspection_registry.pb.h"

namespace section55::registry {

// Most of what one file may hold: bytes, and reports and findings in all. They are written in one transaction, which takes about a
// second then; after five in which the database takes no other change a service calls itself not ready.
inline constexpr int64_t kLargestImport = 64 << 20;
inline constexpr int64_t kMostImported = 20'000;

// A report as the file has it, and where it stands there.
struct Candidate {
  v1::Inspection inspection;  // its name and what can be set
  int64_t line = 0;
  std::vector<int64_t> finding_lines;  // CSV: of each finding's row
  bool is_csv = false;
  bool bad = false;  // a problem was found with it
};

using Problem = v1::ImportInspectionsResponse::Problem;

// Not thread-safe.
class ImportFile {
 public:
  // `format` is one of those there are.
  explicit ImportFile(v1::FileFormat format);
  ~ImportFile();
  ImportFile(const ImportFile&) = delete;

  // The next bytes; where they are cut does not matter.
  void Read(std::string_view bytes);
  // The end of the file.
  void Finish();

  // The reports in the order of the file, bad ones too.
  std::vector<Candidate>& candidates();
  // What is wrong with the file by itself, in its order: with cells, JSON, names, records.
  const std::vector<Problem>& problems() const;
  int64_t rows() const;
  // Reports and findings, those that cannot be read too.
  int64_t items() const;
  // It could not be read to its end, so that nothing of it is to be relied on.
  bool broken() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What is wrong with a report of a file, where it stands in the file.
std::vector<Problem> ProblemsOf(const Candidate& candidate, const google::rpc::BadRequest& violations);

}  // namespace section55::registry
