// What is kept of an error beside the thing that failed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace section55::base {

inline constexpr std::size_t kErrorTextLength = 1000;

// Printable ASCII of bounded length, because nothing in a message may hinder the keeping. Thread-safe.
inline std::string Printable(std::string_view message) {
  std::string text(message.substr(0, kErrorTextLength));
  for (char& c : text) {
    if (c < ' ' || c > '~') {
      c = '?';
    }
  }
  return text;
}

// "INTERNAL: what went wrong", printable and of bounded length. Thread-safe.
inline std::string ErrorText(const absl::Status& status) {
  return Printable(absl::StatusCodeToString(status.code()).append(": ").append(std::string(status.message())));
}

}  // namespace section55::base
