// The filters of list methods: a small part of AIP-160.
//
//   state = "PENDING" AND inspection = "inspections/safe-to-share" AND due_date >= "2021-02-01"
//
//   const auto conditions = base::ParseFilter(
//       request.filter(),
//       {base::EnumField("state", v1::Deadline::State_descriptor()), base::NameField("inspection", "inspections/{inspection}")},
//       violations);
//   for (const base::Condition& condition : conditions) { ... }
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "libs/base/status.h"

namespace section55::base {

// How a field is compared with a value. They are bits, so that a field can say which of them it allows: kEqual | kNotEqual.
enum Comparison : unsigned {
  kEqual = 1,            // =
  kNotEqual = 2,         // !=
  kLess = 4,             // <
  kLessOrEqual = 8,      // <=
  kGreater = 16,         // >
  kGreaterOrEqual = 32,  // >=
  kHas = 64,             // : (a text contains it)
};
inline constexpr unsigned kInOrder = kEqual | kLess | kLessOrEqual | kGreater | kGreaterOrEqual;

// A field that a list can be filtered by. The texts that it points to are literals.
struct FilterField {
  enum class Type { kText, kEnum, kName, kDate, kNumber, kBool };
  std::string_view name;  // "state"
  Type type = Type::kText;
  unsigned comparisons = kEqual;
  const google::protobuf::EnumDescriptor* values = nullptr;  // of an enum
  std::string_view pattern = {};                             // of a resource name
};

// Any text.
FilterField TextField(std::string_view name, unsigned comparisons = kEqual);
// A value of an enum by its name, except the one numbered 0.
FilterField EnumField(std::string_view name, const google::protobuf::EnumDescriptor* values,
                      unsigned comparisons = kEqual);
// A resource name of a pattern with one variable, "inspections/{inspection}".
FilterField NameField(std::string_view name, std::string_view pattern, unsigned comparisons = kEqual);
// A day that exists, "2021-02-10".
FilterField DateField(std::string_view name, unsigned comparisons = kInOrder);
// A whole number.
FilterField NumberField(std::string_view name, unsigned comparisons = kInOrder);
// true or false.
FilterField BoolField(std::string_view name);

// One thing asked for.
struct Condition {
  std::string_view field;  // as its FilterField names it
  Comparison comparison = kEqual;
  std::string text;    // of a text, the name of an enum's value, the id in a resource name, a date "2021-02-10"
  int64_t number = 0;  // of an enum's value, of a whole number; 1 for true
};

// What a filter asks for, in its order; all of it holds. Conditions are FIELD OPERATOR VALUE, joined by AND. Values stand in double
// quotes (in which \" and \\ mean the character after the backslash); around [A-Za-z0-9_/-]+ they may be left out. A field may be asked
// for several times, but not with the same operator twice. Every mistake is a violation on `filter` that says what can be asked, and
// then nothing is returned. Thread-safe.
std::vector<Condition> ParseFilter(std::string_view filter, std::initializer_list<FilterField> fields,
                                   Violations& violations);

}  // namespace section55::base
