#include "services/inspection-registry/import_file.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "libs/base/resource_name.h"
#include "libs/base/unicode.h"
#include "libs/csv/csv.h"
#include "services/inspection-registry/findings.h"
#include "services/inspection-registry/sheet.h"

namespace section55::registry {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// JSON spells a character with six at most, so that this is longer than any report.
constexpr size_t kLongestLine = 8 << 20;

bool IsUtf8(std::string_view text) {
  constexpr char32_t kReplacement = 0xFFFD;
  while (!text.empty()) {
    const size_t before = text.size();
    // A replacement character that is really there has three bytes.
    if (base::TakeCharacter(text) == kReplacement && before - text.size() == 1) {
      return false;
    }
  }
  return true;
}

// "(findings[0].kind): invalid value" -> the path, and what is left of the text.
std::string TakePath(std::string& text) {
  const size_t end = text.find(')');
  if (!text.starts_with('(') || end == std::string::npos) {
    return "";
  }
  std::string path = text.substr(1, end - 1);
  text.erase(0, text.find_first_not_of(": ", end + 1));
  return path;
}

// What is wrong with a line that protobuf could not read, and where.
std::pair<std::string, std::string> WhyNoReport(const std::string& line, std::string message) {
  try {
    [[maybe_unused]] const nlohmann::json sound = nlohmann::json::parse(line);
  } catch (const nlohmann::json::parse_error& error) {
    return {fmt::format("character {}", error.byte),
            "is no JSON: a value, comma, colon or bracket is missing or too much"};
  } catch (const nlohmann::json::exception&) {
    return {"", "is no report: a number in it is too large"};
  }
  std::string path = TakePath(message);
  constexpr std::string_view kUnknown = ": Cannot find field.";
  if (message.ends_with(kUnknown)) {
    message.resize(message.size() - kUnknown.size());
    return {path + (path.empty() ? "" : ".") + message, "is not the name of a field"};
  }
  return {std::move(path), fmt::format("is no report: {}", message)};
}

}  // namespace

struct ImportFile::State {
  explicit State(v1::FileFormat format) : format(format) {}

  void AddProblem(int64_t line, std::string_view column, std::string reason, Candidate* candidate) {
    Problem& problem = problems.emplace_back();
    problem.set_line(line);
    problem.set_column(std::string(column));
    problem.set_reason(std::move(reason));
    if (candidate != nullptr) {
      candidate->bad = true;
      problem.set_inspection(candidate->inspection.name());
    }
  }

  // The report that a row may belong to of which that cannot be read: without it the report would not be what was meant.
  Candidate* Above() { return candidates.empty() ? nullptr : &candidates.back(); }

  // A new report, whose name is looked at.
  Candidate& Begin(v1::Inspection inspection, int64_t line) {
    Candidate& candidate = candidates.emplace_back();
    candidate.inspection = std::move(inspection);
    candidate.is_csv = format == v1::FILE_FORMAT_CSV;
    candidate.line = line;
    const std::string& name = candidate.inspection.name();
    if (!base::ParseName(name, base::kInspectionName)) {
      AddProblem(line, sheet::kName, "must be inspections/ID: lower-case letters, digits and hyphens, at most 63",
                 &candidate);
      candidate.inspection.clear_name();
    } else if (const auto [earlier, is_new] = lines.emplace(name, line); !is_new) {
      AddProblem(line, sheet::kName, fmt::format("{} stands on line {} already", name, earlier->second), &candidate);
    }
    return candidate;
  }

  void ReadJson(std::string_view bytes);
  void EndJsonLine();
  void ReadJsonLine(std::string_view line);
  void ReadHeader(const csv::Row& row);
  void ReadRow(csv::Row row);
  void CheckCsv(bool sound) {
    if (!sound && !broken) {
      broken = true;
      AddProblem(reader.problem_line(), "", reader.problem(), nullptr);
    }
  }

  const v1::FileFormat format;
  std::vector<Candidate> candidates;
  std::vector<Problem> problems;
  absl::flat_hash_map<std::string, int64_t> lines;  // on which each name stands
  int64_t rows = 0;
  int64_t items = 0;
  bool broken = false;

  // JSON lines
  std::string rest;  // the beginning of a line whose end has not come
  bool too_long = false;
  int64_t line = 0;

  // CSV
  csv::Reader reader;
  bool has_header = false;
  std::vector<const sheet::Column*> columns;  // by place; null for record, name and what is not known
  std::optional<size_t> record_at, name_at;
  bool orphaned = false;  // the rows of findings that follow belong to a row that could not be read
};

void ImportFile::State::ReadJson(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    too_long = too_long || rest.size() + std::min(end, bytes.size()) > kLongestLine;
    rest += too_long ? std::string_view() : bytes.substr(0, end);
    if (end == std::string_view::npos) {
      return;
    }
    bytes.remove_prefix(end + 1);
    EndJsonLine();
  }
}

void ImportFile::State::EndJsonLine() {
  if (std::exchange(too_long, false)) {
    ++rows;
    ++items;
    AddProblem(++line, "", fmt::format("is longer than {} bytes", kLongestLine), nullptr);
  } else {
    ReadJsonLine(rest);
  }
  rest.clear();
}

void ImportFile::State::ReadJsonLine(std::string_view text) {
  if (++line == 1 && text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  if (text.find_first_not_of(" \t\r") == std::string_view::npos) {
    return;
  }
  ++rows;
  ++items;
  if (!IsUtf8(text)) {
    AddProblem(line, "", "is not UTF-8", nullptr);
    return;
  }
  v1::Inspection inspection;
  const std::string json(text);
  const auto status = google::protobuf::util::JsonStringToMessage(json, &inspection);
  if (!status.ok()) {
    const auto [column, reason] = WhyNoReport(json, status.message().ToString());
    AddProblem(line, column, reason, nullptr);
    return;
  }
  items += inspection.findings_size();
  Begin(sheet::Settable(inspection), line);
}

void ImportFile::State::ReadHeader(const csv::Row& row) {
  has_header = true;
  absl::flat_hash_map<std::string, const sheet::Column*> known;
  for (const sheet::Column& column : sheet::Columns()) {
    known.emplace(column.name, &column);
  }
  absl::flat_hash_map<std::string, size_t> seen;
  for (size_t i = 0; i < row.cells.size(); ++i) {
    const std::string& name = row.cells[i];
    const auto found = known.find(name);
    columns.push_back(found == known.end() ? nullptr : found->second);
    if (!IsUtf8(name)) {
      AddProblem(row.line, "", "is not UTF-8", nullptr);
    } else if (!seen.emplace(name, i).second) {
      AddProblem(row.line, name, "is a column twice", nullptr);
    } else if (name == sheet::kRecord) {
      record_at = i;
    } else if (name == sheet::kName) {
      name_at = i;
    } else if (found == known.end()) {
      AddProblem(row.line, name, "is not the name of a column", nullptr);
    }
  }
  for (const auto& [at, name] : {std::pair(record_at, sheet::kRecord), std::pair(name_at, sheet::kName)}) {
    if (!at) {
      AddProblem(row.line, name, "is missing: the first line names the columns", nullptr);
    }
  }
  // What stands in which column is not known: every row would be wrong for the same reason.
  broken = !problems.empty();
}

void ImportFile::State::ReadRow(csv::Row row) {
  if (broken) {
    return;
  }
  if (!has_header) {
    ReadHeader(row);
    return;
  }
  ++rows;
  ++items;
  const bool is_text = std::all_of(row.cells.begin(), row.cells.end(), IsUtf8);
  const bool is_finding = row.cells.size() > *record_at && row.cells[*record_at] == sheet::kFindingRecord;
  if (!is_text || row.cells.size() != columns.size()) {
    AddProblem(row.line, "",
               is_text ? fmt::format("has {} cells; the first line has {}", row.cells.size(), columns.size())
                       : std::string("is not UTF-8"),
               Above());
    orphaned = orphaned || !is_finding;
    return;
  }
  const std::string& name = row.cells[*name_at];
  google::protobuf::Message* message = nullptr;
  if (is_finding) {
    if (orphaned) {
      return;
    }
    if (candidates.empty() || candidates.back().inspection.name() != name) {
      AddProblem(row.line, sheet::kName, "a finding must stand below its report's row, and have its name", Above());
      return;
    }
    candidates.back().finding_lines.push_back(row.line);
    message = candidates.back().inspection.add_findings();
  } else if (row.cells[*record_at] == sheet::kInspectionRecord) {
    v1::Inspection inspection;
    inspection.set_name(name);
    Candidate& candidate = Begin(std::move(inspection), row.line);
    orphaned = candidate.inspection.name().empty();
    message = &candidate.inspection;
  } else {
    AddProblem(row.line, sheet::kRecord, "must be inspection or finding", Above());
    orphaned = true;
    return;
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] == nullptr || row.cells[i].empty()) {
      continue;
    }
    if (columns[i]->of_finding != is_finding) {
      AddProblem(row.line, columns[i]->name,
                 is_finding ? "must be empty in the row of a finding" : "must be empty in the row of a report",
                 &candidates.back());
    } else if (auto problem = sheet::ReadCell(*columns[i], row.cells[i], *message)) {
      AddProblem(row.line, columns[i]->name, *std::move(problem), &candidates.back());
    }
  }
}

ImportFile::ImportFile(v1::FileFormat format) : state_(std::make_unique<State>(format)) {}
ImportFile::~ImportFile() = default;

void ImportFile::Read(std::string_view bytes) {
  if (state_->format == v1::FILE_FORMAT_JSON_LINES) {
    state_->ReadJson(bytes);
  } else {
    state_->CheckCsv(state_->reader.Read(bytes, [&](csv::Row row) { state_->ReadRow(std::move(row)); }));
  }
}

void ImportFile::Finish() {
  if (state_->format == v1::FILE_FORMAT_JSON_LINES) {
    state_->EndJsonLine();
  } else {
    state_->CheckCsv(state_->reader.Finish([&](csv::Row row) { state_->ReadRow(std::move(row)); }));
  }
  for (Candidate& candidate : state_->candidates) {
    rules::FillFindingIds(*candidate.inspection.mutable_findings());
  }
  if (state_->candidates.empty() && state_->problems.empty()) {
    state_->AddProblem(1, "", "there is no report in the file", nullptr);
  }
}

std::vector<Candidate>& ImportFile::candidates() { return state_->candidates; }
const std::vector<Problem>& ImportFile::problems() const { return state_->problems; }
int64_t ImportFile::rows() const { return state_->rows; }
int64_t ImportFile::items() const { return state_->items; }
bool ImportFile::broken() const { return state_->broken; }

std::vector<Problem> ProblemsOf(const Candidate& candidate, const google::rpc::BadRequest& violations) {
  constexpr std::string_view kFindings = "inspection.findings[";
  constexpr std::string_view kRoot = "inspection.";
  std::vector<Problem> problems;
  for (const auto& violation : violations.field_violations()) {
    std::string_view field = violation.field();
    Problem& problem = problems.emplace_back();
    problem.set_line(candidate.line);
    problem.set_inspection(candidate.inspection.name());
    problem.set_reason(violation.description());
    if (!candidate.finding_lines.empty() && field.starts_with(kFindings)) {
      size_t index = 0;
      std::from_chars(field.data() + kFindings.size(), field.data() + field.size(), index);
      if (index < candidate.finding_lines.size()) {
        problem.set_line(candidate.finding_lines[index]);
      }
    }
    if (candidate.is_csv) {
      problem.set_column(sheet::ColumnOf(field));
    } else {
      problem.set_column(std::string(field.starts_with(kRoot) ? field.substr(kRoot.size()) : field));
    }
  }
  return problems;
}

}  // namespace section55::registry
