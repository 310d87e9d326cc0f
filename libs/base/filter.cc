#include "libs/base/filter.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "absl/time/civil_time.h"
#include "libs/base/resource_name.h"

namespace section55::base {
namespace {

// The longest operators first, as they begin with the shorter ones.
constexpr std::array<std::pair<std::string_view, Comparison>, 7> kOperators = {{
    {"!=", kNotEqual},
    {"<=", kLessOrEqual},
    {">=", kGreaterOrEqual},
    {"=", kEqual},
    {"<", kLess},
    {">", kGreater},
    {":", kHas},
}};

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '/' || c == '-';
}

// Reads a filter from left to right. Each Take takes what it is named after, and spaces before it, or nothing.
class Reader {
 public:
  explicit Reader(std::string_view filter) : rest_(filter) {}

  bool AtEnd() {
    SkipSpaces();
    return rest_.empty();
  }

  std::string_view TakeWord() {
    SkipSpaces();
    size_t size = 0;
    while (size < rest_.size() && IsWordCharacter(rest_[size])) {
      ++size;
    }
    const std::string_view word = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return word;
  }

  std::optional<Comparison> TakeOperator() {
    SkipSpaces();
    for (const auto& [sign, comparison] : kOperators) {
      if (rest_.starts_with(sign)) {
        rest_.remove_prefix(sign.size());
        return comparison;
      }
    }
    return std::nullopt;
  }

  // A value, in quotes or not. Empty values cannot be asked for.
  std::optional<std::string> TakeValue() {
    SkipSpaces();
    std::optional<std::string> value =
        rest_.starts_with('"') ? TakeQuoted() : std::optional<std::string>(std::string(TakeWord()));
    return value && !value->empty() ? value : std::nullopt;
  }

 private:
  void SkipSpaces() {
    while (rest_.starts_with(' ')) {
      rest_.remove_prefix(1);
    }
  }

  // Nothing when there is no end of it.
  std::optional<std::string> TakeQuoted() {
    std::string value;
    for (size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return value;
      }
      if (rest_[i] == '\\' && ++i == rest_.size()) {
        break;
      }
      value += rest_[i];
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

// "state = VALUE of PENDING, MET, MISSED".
std::string Describe(const FilterField& field) {
  std::string operators;
  for (const auto& [sign, comparison] : kOperators) {
    if (field.comparisons & comparison) {
      operators += fmt::format("{}{}", operators.empty() ? "" : " ", sign);
    }
  }
  switch (field.type) {
    case FilterField::Type::kEnum: {
      std::string names;
      for (int i = 0; i < field.values->value_count(); ++i) {
        if (field.values->value(i)->number() != 0) {
          names += fmt::format("{}{}", names.empty() ? "" : ", ", field.values->value(i)->name());
        }
      }
      return fmt::format("{} ({}) with one of {}", field.name, operators, names);
    }
    case FilterField::Type::kName:
      return fmt::format("{} ({}) with a name of the form {}", field.name, operators, field.pattern);
    case FilterField::Type::kDate:
      return fmt::format("{} ({}) with a day such as \"2021-02-10\"", field.name, operators);
    case FilterField::Type::kNumber:
      return fmt::format("{} ({}) with a whole number", field.name, operators);
    case FilterField::Type::kBool:
      return fmt::format("{} ({}) with true or false", field.name, operators);
    case FilterField::Type::kText:
      break;
  }
  return fmt::format("{} ({}) with a text", field.name, operators);
}

bool IsDay(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00";
  if (text.size() != kForm.size()) {
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
  const absl::CivilDay day(number(0, 4), number(5, 2), number(8, 2));
  return day.year() == number(0, 4) && day.month() == number(5, 2) && day.day() == number(8, 2) && day.year() > 0;
}

// Reads the value in `condition.text` as one of its field. False when it is none.
bool ReadValue(const FilterField& field, Condition& condition) {
  switch (field.type) {
    case FilterField::Type::kEnum: {
      const auto* value = field.values->FindValueByName(condition.text);
      condition.number = value == nullptr ? 0 : value->number();
      return condition.number != 0;
    }
    case FilterField::Type::kName: {
      auto parts = ParseName(condition.text, field.pattern);
      if (parts) {
        condition.text = std::move(parts->front());
      }
      return parts.has_value();
    }
    case FilterField::Type::kDate:
      return IsDay(condition.text);
    case FilterField::Type::kNumber: {
      const char* end = condition.text.data() + condition.text.size();
      const auto read = std::from_chars(condition.text.data(), end, condition.number);
      return read.ec == std::errc() && read.ptr == end;
    }
    case FilterField::Type::kBool:
      condition.number = condition.text == "true" ? 1 : 0;
      return condition.text == "true" || condition.text == "false";
    case FilterField::Type::kText:
      break;
  }
  return true;
}

const FilterField* FindField(std::initializer_list<FilterField> fields, std::string_view name) {
  for (const FilterField& field : fields) {
    if (field.name == name) {
      return &field;
    }
  }
  return nullptr;
}

// Adds the next condition, or returns what is wrong with it.
std::optional<std::string> TakeCondition(Reader& reader, std::initializer_list<FilterField> fields,
                                         std::vector<Condition>& conditions) {
  const std::string_view name = reader.TakeWord();
  const FilterField* field = FindField(fields, name);
  if (field == nullptr) {
    return name.empty() ? "expected the name of a field"
                        : fmt::format("\"{}\" cannot be filtered by", name.substr(0, 100));
  }
  const std::optional<Comparison> comparison = reader.TakeOperator();
  if (!comparison) {
    return fmt::format("expected an operator after {}", name);
  }
  if (!(field->comparisons & *comparison)) {
    return fmt::format("{} cannot be compared so", name);
  }
  std::optional<std::string> value = reader.TakeValue();
  if (!value) {
    return fmt::format("expected a value for {}, in double quotes", name);
  }
  for (const Condition& earlier : conditions) {
    if (earlier.field == name && earlier.comparison == *comparison) {
      return fmt::format("{} is asked for twice", name);
    }
  }
  Condition& condition = conditions.emplace_back(Condition{field->name, *comparison, *std::move(value)});
  if (!ReadValue(*field, condition)) {
    return fmt::format("\"{}\" is no value of {}", std::string_view(condition.text).substr(0, 100), name);
  }
  return std::nullopt;
}

std::optional<std::string> TakeConditions(Reader& reader, std::initializer_list<FilterField> fields,
                                          std::vector<Condition>& conditions) {
  while (!reader.AtEnd()) {
    if (!conditions.empty() && reader.TakeWord() != "AND") {
      return "conditions must be joined by AND";
    }
    if (auto problem = TakeCondition(reader, fields, conditions)) {
      return problem;
    }
  }
  return std::nullopt;
}

}  // namespace

FilterField TextField(std::string_view name, unsigned comparisons) {
  return {name, FilterField::Type::kText, comparisons};
}

FilterField EnumField(std::string_view name, const google::protobuf::EnumDescriptor* values, unsigned comparisons) {
  return {name, FilterField::Type::kEnum, comparisons, values};
}

FilterField NameField(std::string_view name, std::string_view pattern, unsigned comparisons) {
  return {name, FilterField::Type::kName, comparisons, nullptr, pattern};
}

FilterField DateField(std::string_view name, unsigned comparisons) {
  return {name, FilterField::Type::kDate, comparisons};
}

FilterField NumberField(std::string_view name, unsigned comparisons) {
  return {name, FilterField::Type::kNumber, comparisons};
}

FilterField BoolField(std::string_view name) { return {name, FilterField::Type::kBool, kEqual}; }

std::vector<Condition> ParseFilter(std::string_view filter, std::initializer_list<FilterField> fields,
                                   Violations& violations) {
  Reader reader(filter);
  std::vector<Condition> conditions;
  const std::optional<std::string> problem = TakeConditions(reader, fields, conditions);
  if (!problem) {
    return conditions;
  }
  std::string known;
  for (const FilterField& field : fields) {
    known += fmt::format("{}{}", known.empty() ? "" : "; ", Describe(field));
  }
  violations.Add("filter", fmt::format("{}. It can ask for, joined by AND: {}", *problem, known));
  return {};
}

}  // namespace section55::base
