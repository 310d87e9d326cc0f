// Reports as rows of a CSV file: the one shape that ExportInspections writes and ImportInspections reads. Pure functions.
//
// The columns are made from the protos: a field that a caller may set has one, called by its path ("scope.forces", "finding.due.date").
// README.md shows a file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "section55/registry/v1/inspection.pb.h"

namespace section55::registry::sheet {

// What a row tells of, in the column of this name.
inline constexpr std::string_view kRecord = "record";
inline constexpr std::string_view kInspectionRecord = "inspection";
inline constexpr std::string_view kFindingRecord = "finding";
// The report's name stands in every row.
inline constexpr std::string_view kName = "name";

struct Column {
  std::string name;
  std::vector<const google::protobuf::FieldDescriptor*> path;  // in the report, or in the finding
  bool of_finding = false;
};

// All columns but record and name, in the order in which they are written.
const std::vector<Column>& Columns();

// The first row of a file.
std::vector<std::string> HeaderRow();

// A report: its own row, and one for each finding.
std::vector<std::vector<std::string>> RowsOf(const v1::Inspection& inspection);

// Sets the field of a column; an empty cell leaves it. `message` is the report or the finding. What is wrong with the cell, if anything.
std::optional<std::string> ReadCell(const Column& column, std::string_view cell, google::protobuf::Message& message);

// The column in which a field of a report stands: "inspection.findings[2].due.date" -> "finding.due.date". The path without its
// beginning where no column has it.
std::string ColumnOf(std::string_view field_path);

// The report with nothing but what an import sets: its name and the settable fields.
v1::Inspection Settable(const v1::Inspection& inspection);

}  // namespace section55::registry::sheet
