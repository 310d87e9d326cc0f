// CSV as RFC 4180 has it. libcsv reads; this adds on which line a row begins, and what is wrong in words.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"

namespace section55::csv {

// Most of what the cells of a row may hold together. A quote that is not closed makes one row of the rest of a file.
inline constexpr size_t kLargestRow = 2 << 20;

struct Row {
  int64_t line = 0;  // on which it begins, from 1; a line end within quotes counts as well
  std::vector<std::string> cells;
};

// Reads a file piece by piece. UTF-8, with or without a byte order mark; rows end in CRLF or LF, the last one need not; rows without
// anything in them are passed over. Spaces belong to the cells. Not thread-safe.
class Reader {
 public:
  Reader();
  ~Reader();
  Reader(const Reader&) = delete;

  // The next bytes; `each` is given the rows that end in them. False: what is there is not CSV, or a row is larger than
  // kLargestRow, and the rest cannot be read either; problem() says why.
  bool Read(std::string_view bytes, absl::FunctionRef<void(Row)> each);
  // The end of the file.
  bool Finish(absl::FunctionRef<void(Row)> each);

  // What is wrong, in a sentence, and on which line.
  const std::string& problem() const;
  int64_t problem_line() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Adds a row in the one form that it has: cells in quotes where they need them, CRLF at the end.
void AppendRow(const std::vector<std::string>& cells, std::string& file);

}  // namespace section55::csv
