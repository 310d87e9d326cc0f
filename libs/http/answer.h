// From what a handler says to what is sent: conditions, ranges and codings (RFC 9110, sections 8.8 and 12 to 14).
#pragma once

#include <memory>
#include <string>

#include "libs/http/coding.h"
#include "libs/http/message.h"

namespace section55::http {

// What is sent: `length` bytes of `body` from `offset` (to a HEAD their number only).
struct Answer {
  int status = 200;
  Fields headers = {};
  std::shared_ptr<const std::string> body = nullptr;
  size_t offset = 0;
  size_t length = 0;
};

// A body shorter than this gains nothing by being compressed.
inline constexpr size_t kSmallestCompressed = 1024;

// Thread-safe.
Answer AnswerTo(const Request& request, Response response, SharedBodies& bodies, CompressedForms& forms);

}  // namespace section55::http
