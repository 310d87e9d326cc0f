#include "services/inspection-registry/web_address.h"

#include <algorithm>

namespace section55::registry::rules {
namespace {

bool StartsWith(std::string_view text, std::string_view lower_case_prefix) {
  return text.size() >= lower_case_prefix.size() &&
         std::equal(lower_case_prefix.begin(), lower_case_prefix.end(), text.begin(),
                    [](char prefix, char c) { return prefix == (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
}

}  // namespace

bool IsWebAddress(std::string_view url) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (StartsWith(url, scheme)) {
      const std::string_view host = url.substr(scheme.size(), url.find_first_of("/?#", scheme.size()) - scheme.size());
      return !host.empty() && host.front() != ':' && url.find_first_of(" \t\n\"<>\\^`{|}") == std::string_view::npos;
    }
  }
  return false;
}

}  // namespace section55::registry::rules
