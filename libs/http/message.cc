#include "libs/http/message.h"

namespace section55::http {

std::optional<std::string> Request::Parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) {
      return value;
    }
  }
  return std::nullopt;
}

std::string Request::Header(std::string_view name) const {
  std::string joined;
  for (const auto& [key, value] : headers) {
    if (key == name && !value.empty()) {
      joined += (joined.empty() ? "" : ", ") + value;
    }
  }
  return joined;
}

}  // namespace section55::http
