#include "libs/base/filter.h"

#include <fmt/format.h>

#include <cctype>

namespace section55::base {
namespace {

bool IsWordCharacter(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '/' || c == '-'; }

// The next token of `rest`: a word, a quoted string (without its quotes), or "=". Empty at the end; "?" for anything else.
std::string TakeToken(std::string_view& rest) {
  while (!rest.empty() && rest.front() == ' ') {
    rest.remove_prefix(1);
  }
  if (rest.empty()) {
    return "";
  }
  size_t size = 1;
  size_t skip = 0;
  if (rest.front() == '"') {
    const size_t end = rest.find('"', 1);
    if (end == std::string_view::npos || end == 1) {
      rest = {};
      return "?";
    }
    skip = 1;
    size = end - 1;
  } else if (IsWordCharacter(rest.front())) {
    while (size < rest.size() && IsWordCharacter(rest[size])) {
      ++size;
    }
  } else if (rest.front() != '=') {
    rest = {};
    return "?";
  }
  std::string token(rest.substr(skip, size));
  rest.remove_prefix(size + 2 * skip);
  return token;
}

}  // namespace

std::map<std::string, std::string> ParseFilter(std::string_view filter, std::initializer_list<std::string_view> fields,
                                               Violations& violations) {
  std::map<std::string, std::string> wanted;
  std::string known;
  for (const std::string_view field : fields) {
    known += fmt::format("{}{} = \"...\"", known.empty() ? "" : ", ", field);
  }
  const auto refuse = [&](std::string_view what) {
    violations.Add("filter", fmt::format("{}; it can ask for {}, joined by AND", what, known));
    return std::map<std::string, std::string>();
  };
  std::string_view rest = filter;
  for (std::string field = TakeToken(rest); !field.empty(); field = TakeToken(rest)) {
    if (!wanted.empty()) {
      if (field != "AND") {
        return refuse("conditions must be joined by AND");
      }
      field = TakeToken(rest);
    }
    bool is_known = false;
    for (const std::string_view name : fields) {
      is_known = is_known || name == field;
    }
    if (!is_known) {
      return refuse(fmt::format("\"{}\" cannot be filtered by", field));
    }
    const std::string equals = TakeToken(rest);
    const std::string value = TakeToken(rest);
    if (equals != "=" || value.empty() || value == "?" || value == "=") {
      return refuse(fmt::format("expected {} = \"...\"", field));
    }
    if (!wanted.emplace(field, value).second) {
      return refuse(fmt::format("{} is asked for twice", field));
    }
  }
  return wanted;
}

}  // namespace section55::base
