#include "libs/base/resource_name.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/base/ids.h"

namespace section55::base {
namespace {

// Takes the part before the next slash off the front of `rest`.
std::string_view TakePart(std::string_view& rest, bool& more) {
  const size_t slash = rest.find('/');
  const std::string_view part = rest.substr(0, slash);
  more = slash != std::string_view::npos;
  rest = more ? rest.substr(slash + 1) : std::string_view();
  return part;
}

}  // namespace

std::string MakeName(std::string_view pattern, std::initializer_list<std::string_view> ids) {
  std::string name;
  auto id = ids.begin();
  for (bool more = true; more;) {
    const std::string_view part = TakePart(pattern, more);
    name += name.empty() ? "" : "/";
    name += part.starts_with('{') ? *id++ : part;
  }
  return name;
}

std::optional<std::vector<std::string>> ParseName(std::string_view name, std::string_view pattern, bool wildcard) {
  std::vector<std::string> variables;
  bool more_name = true;
  bool more_pattern = true;
  while (more_name && more_pattern) {
    const std::string_view part = TakePart(name, more_name);
    const std::string_view expected = TakePart(pattern, more_pattern);
    if (expected.size() > 2 && expected.front() == '{') {
      if (!IsResourceId(part) && !(wildcard && part == "-")) {
        return std::nullopt;
      }
      variables.emplace_back(part);
    } else if (part != expected) {
      return std::nullopt;
    }
  }
  if (more_name || more_pattern) {
    return std::nullopt;
  }
  return variables;
}

std::vector<std::string> IdsIn(std::string_view field, std::string_view name, std::string_view pattern,
                               Violations& violations) {
  if (auto parts = ParseName(name, pattern)) {
    return *std::move(parts);
  }
  violations.Add(field, fmt::format("must have the form {}", pattern));
  return std::vector<std::string>(std::count(pattern.begin(), pattern.end(), '{'));
}

std::string IdIn(std::string_view field, std::string_view name, std::string_view pattern, Violations& violations) {
  return IdsIn(field, name, pattern, violations).front();
}

}  // namespace section55::base
