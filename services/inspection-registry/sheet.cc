#include "services/inspection-registry/sheet.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <charconv>

#include "google/type/date.pb.h"
#include "services/inspection-registry/rules.h"

namespace section55::registry::sheet {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::string_view kFindings = "findings";

bool IsDate(const FieldDescriptor& field) {
  return field.type() == FieldDescriptor::TYPE_MESSAGE && field.message_type() == google::type::Date::descriptor();
}

// A kind and a name: "FORCE forces/norfolk".
bool IsPair(const Descriptor& type) {
  return type.field_count() == 2 && type.field(0)->type() == FieldDescriptor::TYPE_ENUM &&
         type.field(1)->type() == FieldDescriptor::TYPE_STRING && !type.field(1)->is_repeated();
}

// What only the service says of a finding.
bool IsOutputOnly(const FieldDescriptor& field) {
  static const v1::Finding* const none = new v1::Finding;
  const Descriptor* finding = none->GetDescriptor();
  return field.containing_type() == finding && (field.number() == v1::Finding::kNameFieldNumber ||
                                                field.number() == v1::Finding::kInspectionTitleFieldNumber ||
                                                field.number() == v1::Finding::kPublicationDateFieldNumber ||
                                                field.number() == v1::Finding::kInspectionStateFieldNumber);
}

void AddColumns(const FieldDescriptor& field, const std::string& prefix, std::vector<const FieldDescriptor*> path,
                bool of_finding, std::vector<Column>& columns) {
  if (IsOutputOnly(field)) {
    return;
  }
  path.push_back(&field);
  const std::string name = prefix + field.name();
  if (field.type() != FieldDescriptor::TYPE_MESSAGE || field.is_repeated() || IsDate(field)) {
    columns.push_back({name, std::move(path), of_finding});
    return;
  }
  for (int i = 0; i < field.message_type()->field_count(); ++i) {
    AddColumns(*field.message_type()->field(i), name + ".", path, of_finding, columns);
  }
}

std::string DateText(const google::type::Date& date) {
  return date.day() == 0 ? fmt::format("{:04}-{:02}", date.year(), date.month())
                         : fmt::format("{:04}-{:02}-{:02}", date.year(), date.month(), date.day());
}

// Whether the text has the form; whether there is such a day is asked with the rest of the report.
bool ReadDate(std::string_view text, google::type::Date& date) {
  constexpr std::string_view kForm = "0000-00-00";
  if (text.size() != 7 && text.size() != kForm.size()) {
    return false;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    if (kForm[i] == '-' ? text[i] != '-' : (text[i] < '0' || text[i] > '9')) {
      return false;
    }
  }
  const auto number = [&](size_t from, size_t size) {
    int value = 0;
    std::from_chars(text.data() + from, text.data() + from + size, value);
    return value;
  };
  date.set_year(number(0, 4));
  date.set_month(number(5, 2));
  date.set_day(text.size() > 7 ? number(8, 2) : 0);
  return true;
}

std::string ValuesOf(const google::protobuf::EnumDescriptor& type) {
  std::string names;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() != 0) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", type.value(i)->name());
    }
  }
  return names;
}

std::string NoSuchValue(std::string_view text, const google::protobuf::EnumDescriptor& type) {
  return fmt::format("\"{}\" is none of {}", text.substr(0, 100), ValuesOf(type));
}

bool EqualsIgnoringCase(std::string_view text, std::string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

std::optional<std::string> ReadEnum(std::string_view text, const FieldDescriptor& field, Message& message) {
  const EnumValueDescriptor* value = field.enum_type()->FindValueByName(std::string(text));
  if (value == nullptr) {
    return NoSuchValue(text, *field.enum_type());
  }
  if (field.is_repeated()) {
    message.GetReflection()->AddEnum(&message, &field, value);
  } else {
    message.GetReflection()->SetEnum(&message, &field, value);
  }
  return std::nullopt;
}

std::optional<std::string> ReadMessage(std::string_view text, Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  if (IsPair(type)) {
    const size_t space = text.find(' ');
    if (auto problem = ReadEnum(text.substr(0, space), *type.field(0), message)) {
      return problem;
    }
    if (space != std::string_view::npos) {
      message.GetReflection()->SetString(&message, type.field(1), std::string(text.substr(space + 1)));
    }
    return std::nullopt;
  }
  const auto status = google::protobuf::util::JsonStringToMessage(std::string(text), &message);
  return status.ok() ? std::nullopt
                     : std::optional(fmt::format("is no JSON of a {}: {}", type.name(), status.message().ToString()));
}

// One value: a cell, or a line of a cell with several.
std::optional<std::string> ReadValue(std::string_view text, const FieldDescriptor& field, Message& message) {
  const auto* reflection = message.GetReflection();
  switch (field.type()) {
    case FieldDescriptor::TYPE_STRING:
      field.is_repeated() ? reflection->AddString(&message, &field, std::string(text))
                          : reflection->SetString(&message, &field, std::string(text));
      return std::nullopt;
    case FieldDescriptor::TYPE_ENUM:
      return ReadEnum(text, field, message);
    case FieldDescriptor::TYPE_BOOL:
      if (!EqualsIgnoringCase(text, "true") && !EqualsIgnoringCase(text, "false")) {
        return "must be true or false";
      }
      reflection->SetBool(&message, &field, EqualsIgnoringCase(text, "true"));
      return std::nullopt;
    case FieldDescriptor::TYPE_MESSAGE:
      if (field.is_repeated()) {
        return ReadMessage(text, *reflection->AddMessage(&message, &field));
      }
      // Not touched unless it is read: an empty date would be told a second time.
      if (google::type::Date date; ReadDate(text, date)) {
        reflection->MutableMessage(&message, &field)->CopyFrom(date);
        return std::nullopt;
      }
      return "must be a date such as 2020-12-17, or 2020-12";
    default:
      return fmt::format("{} cannot be read from a cell", field.full_name());
  }
}

std::string WriteMessage(const Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  const auto* reflection = message.GetReflection();
  if (IsPair(type)) {
    const std::string& text = reflection->GetString(message, type.field(1));
    return fmt::format("{}{}{}", reflection->GetEnum(message, type.field(0))->name(), text.empty() ? "" : " ", text);
  }
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  (void)google::protobuf::util::MessageToJsonString(message, &json, options);
  return json;
}

std::string WriteRepeated(const FieldDescriptor& field, const Message& message) {
  const auto* reflection = message.GetReflection();
  std::string cell;
  for (int i = 0; i < reflection->FieldSize(message, &field); ++i) {
    cell += i == 0 ? "" : "\n";
    if (field.type() == FieldDescriptor::TYPE_STRING) {
      cell += reflection->GetRepeatedString(message, &field, i);
    } else if (field.type() == FieldDescriptor::TYPE_ENUM) {
      cell += reflection->GetRepeatedEnum(message, &field, i)->name();
    } else {
      cell += WriteMessage(reflection->GetRepeatedMessage(message, &field, i));
    }
  }
  return cell;
}

std::string WriteCell(const Column& column, const Message& root) {
  const Message* message = &root;
  for (size_t i = 0; i + 1 < column.path.size(); ++i) {
    message = &message->GetReflection()->GetMessage(*message, column.path[i]);
  }
  const FieldDescriptor& field = *column.path.back();
  const auto* reflection = message->GetReflection();
  if (field.is_repeated()) {
    return WriteRepeated(field, *message);
  }
  if (!reflection->HasField(*message, &field)) {
    return "";
  }
  switch (field.type()) {
    case FieldDescriptor::TYPE_STRING:
      return reflection->GetString(*message, &field);
    case FieldDescriptor::TYPE_ENUM:
      return reflection->GetEnum(*message, &field)->name();
    case FieldDescriptor::TYPE_BOOL:
      return "true";
    default:
      return DateText(static_cast<const google::type::Date&>(reflection->GetMessage(*message, &field)));
  }
}

// Whether a spreadsheet would take the cell for a formula, apart from apostrophes before it.
bool IsFormula(std::string_view cell) {
  const size_t begin = cell.find_first_not_of('\'');
  return begin != std::string_view::npos && std::string_view("=+-@\t\r").find(cell[begin]) != std::string_view::npos;
}

// With an apostrophe before it, a spreadsheet takes it for text. Those that stand there already stay beside it, so that all come back.
std::string Guarded(std::string cell) { return IsFormula(cell) ? "'" + std::move(cell) : std::move(cell); }

std::string_view Unguarded(std::string_view cell) {
  return cell.starts_with('\'') && IsFormula(cell) ? cell.substr(1) : cell;
}

std::vector<std::string> RowOf(std::string_view record, const std::string& name, const Message& message, bool finding) {
  std::vector<std::string> row = {std::string(record), name};
  for (const Column& column : Columns()) {
    row.push_back(column.of_finding == finding ? Guarded(WriteCell(column, message)) : "");
  }
  return row;
}

}  // namespace

const std::vector<Column>& Columns() {
  static const auto* const columns = [] {
    auto* all = new std::vector<Column>;
    std::vector<const FieldDescriptor*> settable;
    for (const std::string& path : rules::SettableFields().paths()) {
      settable.push_back(v1::Inspection::descriptor()->FindFieldByName(path));
    }
    std::sort(settable.begin(), settable.end(), [](const auto* a, const auto* b) { return a->number() < b->number(); });
    for (const FieldDescriptor* field : settable) {
      if (field->name() != kFindings) {
        AddColumns(*field, "", {}, /*of_finding=*/false, *all);
      }
    }
    for (int i = 0; i < v1::Finding::descriptor()->field_count(); ++i) {
      AddColumns(*v1::Finding::descriptor()->field(i), "finding.", {}, /*of_finding=*/true, *all);
    }
    return all;
  }();
  return *columns;
}

std::vector<std::string> HeaderRow() {
  std::vector<std::string> row = {std::string(kRecord), std::string(kName)};
  for (const Column& column : Columns()) {
    row.push_back(column.name);
  }
  return row;
}

std::vector<std::vector<std::string>> RowsOf(const v1::Inspection& inspection) {
  std::vector<std::vector<std::string>> rows = {RowOf(kInspectionRecord, inspection.name(), inspection, false)};
  for (const v1::Finding& finding : inspection.findings()) {
    rows.push_back(RowOf(kFindingRecord, inspection.name(), finding, true));
  }
  return rows;
}

std::optional<std::string> ReadCell(const Column& column, std::string_view cell, Message& root) {
  cell = Unguarded(cell);
  if (cell.empty()) {
    return std::nullopt;
  }
  Message* message = &root;
  for (size_t i = 0; i + 1 < column.path.size(); ++i) {
    message = message->GetReflection()->MutableMessage(message, column.path[i]);
  }
  const FieldDescriptor& field = *column.path.back();
  if (!field.is_repeated()) {
    return ReadValue(cell, field, *message);
  }
  for (size_t begin = 0, end = 0; begin <= cell.size(); begin = end + 1) {
    end = std::min(cell.find('\n', begin), cell.size());
    std::string_view line = cell.substr(begin, end - begin);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (line.empty()) {
      return "has an empty line: each value stands on a line of its own";
    }
    if (auto problem = ReadValue(line, field, *message)) {
      return problem;
    }
  }
  return std::nullopt;
}

std::string ColumnOf(std::string_view field_path) {
  constexpr std::string_view kRoot = "inspection.";
  if (field_path.starts_with(kRoot)) {
    field_path.remove_prefix(kRoot.size());
  }
  std::string path;
  bool within = false;
  for (const char c : field_path) {
    within = c == '[' || (within && c != ']');
    if (!within && c != ']') {
      path += c;
    }
  }
  constexpr std::string_view kFindingsField = "findings.";
  if (path.starts_with(kFindingsField)) {
    path = "finding." + path.substr(kFindingsField.size());
  }
  for (const Column& column : Columns()) {
    if (path == column.name || path.starts_with(column.name + ".")) {
      return column.name;
    }
  }
  return path;
}

v1::Inspection Settable(const v1::Inspection& inspection) {
  v1::Inspection settable;
  rules::CopyFields(inspection, rules::SettableFields(), settable);
  settable.set_name(inspection.name());
  return settable;
}

}  // namespace section55::registry::sheet
