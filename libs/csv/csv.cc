#include "libs/csv/csv.h"

#include <csv.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace section55::csv {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

struct Reader::State {
  State() {
    csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI);
    // The library would cut spaces off cells that are not quoted.
    csv_set_space_func(&parser, [](unsigned char) { return 0; });
  }
  ~State() { csv_free(&parser); }

  static void OnCell(void* text, size_t size, void* self) {
    State& state = *static_cast<State*>(self);
    state.row.cells.emplace_back(static_cast<const char*>(text), size);
    state.row_bytes += size;
  }

  static void OnRow(int, void* self) {
    State& state = *static_cast<State*>(self);
    Row row = std::exchange(state.row, Row());
    row.line = state.row_line;
    if (std::exchange(state.row_bytes, 0) <= kLargestRow) {
      (*state.each)(std::move(row));
    } else {
      state.TooLarge();
    }
  }

  void TooLarge() {
    problem = fmt::format(
        "cannot be read: the row that begins on line {} is larger than {} bytes; perhaps a closing quote is missing",
        row_line, kLargestRow);
    problem_line = row_line;
  }

  bool Parse(std::string_view bytes) {
    // One line at a time, so that a row is known to begin where the one before it has ended.
    while (problem.empty() && !bytes.empty()) {
      const size_t end = std::min(bytes.find('\n'), bytes.size() - 1) + 1;
      const std::string_view piece = bytes.substr(0, end);
      bytes.remove_prefix(end);
      if (row.cells.empty() && parser.pstate <= 1 && parser.entry_pos == 0) {
        row_line = line;
      }
      if (csv_parse(&parser, piece.data(), piece.size(), OnCell, OnRow, this) != piece.size()) {
        problem =
            csv_error(&parser) == CSV_EPARSE
                ? "is no CSV: a quote stands in a cell that does not begin with one, or text behind a closing quote"
                : "cannot be read: it is too large";
        problem_line = line;
        return false;
      }
      line += piece.back() == '\n' ? 1 : 0;
      if (problem.empty() && row_bytes + parser.entry_pos > kLargestRow) {
        TooLarge();
      }
    }
    return problem.empty();
  }

  csv_parser parser;
  std::optional<absl::FunctionRef<void(Row)>> each;  // of the call that is running
  Row row;
  size_t row_bytes = 0;  // of its cells so far
  int64_t line = 1;
  int64_t row_line = 1;
  std::string start;  // the first bytes, until it is known whether they are a byte order mark
  bool started = false;
  std::string problem;
  int64_t problem_line = 0;
};

Reader::Reader() : state_(std::make_unique<State>()) {}
Reader::~Reader() = default;

bool Reader::Read(std::string_view bytes, absl::FunctionRef<void(Row)> each) {
  state_->each.emplace(each);
  if (state_->started) {
    return state_->Parse(bytes);
  }
  state_->start += bytes;
  if (state_->start.size() < kByteOrderMark.size() && kByteOrderMark.starts_with(state_->start)) {
    return true;
  }
  state_->started = true;
  std::string_view start = state_->start;
  if (start.starts_with(kByteOrderMark)) {
    start.remove_prefix(kByteOrderMark.size());
  }
  return state_->Parse(start);
}

bool Reader::Finish(absl::FunctionRef<void(Row)> each) {
  state_->each.emplace(each);
  if (!state_->problem.empty()) {
    return false;
  }
  if (!state_->started && !state_->Parse(state_->start)) {
    return false;
  }
  if (csv_fini(&state_->parser, State::OnCell, State::OnRow, state_.get()) != 0) {
    state_->problem =
        fmt::format("is no CSV: the quote that is opened in the row of line {} is not closed", state_->row_line);
    state_->problem_line = state_->row_line;
    return false;
  }
  return state_->problem.empty();
}

const std::string& Reader::problem() const { return state_->problem; }
int64_t Reader::problem_line() const { return state_->problem_line; }

void AppendRow(const std::vector<std::string>& cells, std::string& file) {
  bool first = true;
  for (const std::string& cell : cells) {
    file += first ? "" : ",";
    first = false;
    // A space at either end is quoted as well: some readers would take it off.
    if (cell.find_first_of(",\"\r\n") == std::string::npos && !cell.starts_with(' ') && !cell.ends_with(' ')) {
      file += cell;
      continue;
    }
    file += '"';
    for (const char c : cell) {
      file += c == '"' ? "\"\"" : std::string_view(&c, 1);
    }
    file += '"';
  }
  file += "\r\n";
}

}  // namespace section55::csv
