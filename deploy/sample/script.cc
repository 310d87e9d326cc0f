#include "deploy/sample/script.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string_view>

#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "libs/base/base64.h"
#include "libs/base/status.h"

namespace section55::sample {
namespace {

using Row = std::map<std::string, std::string>;  // "${column}" -> value
using nlohmann::json;

absl::Status Wrong(const std::string& path, int line, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}:{}: {}", path, line, what));
}

// A table of tab-separated values whose first line names the columns.
absl::StatusOr<std::vector<Row>> ReadTable(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> columns;
  std::vector<Row> rows;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    std::vector<std::string> values = absl::StrSplit(line, '\t');
    if (columns.empty()) {
      columns = std::move(values);
      continue;
    }
    if (values.size() != columns.size()) {
      return Wrong(path, number, fmt::format("has {} columns instead of {}", values.size(), columns.size()));
    }
    Row& row = rows.emplace_back();
    for (size_t i = 0; i < columns.size(); ++i) {
      row[fmt::format("${{{}}}", columns[i])] = values[i];
    }
  }
  if (rows.empty()) {
    return absl::NotFoundError(fmt::format("{} is missing or has no rows", path));
  }
  return rows;
}

// A file's bytes as proto JSON has them.
absl::StatusOr<std::string> ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return absl::NotFoundError(fmt::format("{} cannot be read", path));
  }
  return base::Base64UrlEncode(std::string(std::istreambuf_iterator<char>(file), {}));
}

// Puts the bytes of files in the place of {"file": "NAME"} where a field of the request is one.
absl::Status PutFiles(const std::filesystem::path& folder, json& request) {
  for (auto it = request.begin(); it != request.end(); ++it) {
    if (it->is_object() && it->size() == 1 && it->contains("file")) {
      ASSIGN_OR_RETURN(*it, ReadBytes(folder / (*it)["file"].get<std::string>()));
    }
  }
  return absl::OkStatus();
}

// Puts a row's values in, and joins the lines of {"lines": ["One", "two"]} into one string.
json Expand(const json& value, const Row& row) {
  if (value.is_string()) {
    return absl::StrReplaceAll(value.get<std::string>(), row);
  }
  if (value.is_object() && value.size() == 1 && value.contains("lines")) {
    std::string text;
    for (const json& line : value["lines"]) {
      text += (text.empty() ? "" : "\n") + Expand(line, row).get<std::string>();
    }
    return text;
  }
  json expanded = value;
  if (value.is_structured()) {
    for (auto it = expanded.begin(); it != expanded.end(); ++it) {
      *it = Expand(*it, row);
    }
  }
  return expanded;
}

// Reads one object of the file and appends its calls: one, or one for each row. `at` is handed on from entry to entry.
absl::Status Append(const std::string& path, int line, const std::string& text, absl::Time& at,
                    std::vector<Entry>& entries) {
  json object;
  Entry entry;
  std::string table;
  try {
    object = json::parse(text);
    if (const std::string time = object.value("at", ""); !time.empty()) {
      std::string error;
      if (!absl::ParseTime(absl::RFC3339_full, time, &at, &error)) {
        return Wrong(path, line, fmt::format("\"{}\" is not a time such as 2020-12-17T09:30:00Z", time));
      }
    }
    const std::pair<std::string, std::string> call = absl::StrSplit(object.at("call").get<std::string>(), '/');
    entry = {line,
             at,
             object.at("as"),
             call.first,
             call.second,
             {},
             object.value("until", json()),
             object.value("note", "")};
    table = object.value("for_each", "");
    std::vector<Row> rows(1);
    if (!table.empty()) {
      ASSIGN_OR_RETURN(rows, ReadTable(std::filesystem::path(path).parent_path() / table));
    }
    for (const Row& row : rows) {
      entry.request = Expand(object.at("request"), row);
      RETURN_IF_ERROR(PutFiles(std::filesystem::path(path).parent_path(), entry.request));
      entries.push_back(entry);
      entry.note.clear();  // said once
    }
  } catch (const json::exception& error) {
    return Wrong(path, line, error.what());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Entry>> ReadScript(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return absl::NotFoundError(fmt::format("{} cannot be read", path));
  }
  std::vector<Entry> entries;
  absl::Time at = absl::UnixEpoch();
  std::string object;
  int begin = 0;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.starts_with('{')) {
      if (!object.empty()) {
        return Wrong(path, begin, "the entry has no `}` in the first column");
      }
      begin = number;
    } else if (object.empty()) {
      if (!line.empty() && !line.starts_with('#')) {
        return Wrong(path, number, "stands outside the entries and is no comment");
      }
      continue;
    }
    object += line + "\n";
    if (line.starts_with('}') || (line.starts_with('{') && line.ends_with('}'))) {
      RETURN_IF_ERROR(Append(path, begin, object, at, entries));
      object.clear();
    }
  }
  if (!object.empty()) {
    return Wrong(path, begin, "the entry has no `}` in the first column");
  }
  return entries;
}

}  // namespace section55::sample
