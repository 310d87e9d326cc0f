// What a handler is asked and what it answers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace section55::http {

// Names and values, in the order in which they were sent.
using Fields = std::vector<std::pair<std::string, std::string>>;

// A request without a body. Its path and parameters are decoded, once.
struct Request {
  std::string method = {};  // "GET" or "HEAD"
  // Begins with "/"; no control characters, no "." or ".." between slashes, no slash that was encoded.
  std::string path = {};
  Fields parameters = {};  // of the query
  Fields headers = {};     // names in lower case
  std::string peer = {};   // the numeric address of whoever is connected, which may be a proxy: "192.0.2.7"

  // The first parameter of this name.
  std::optional<std::string> Parameter(std::string_view name) const;
  // The header's value, of several the values with ", " between them; empty: there is none. `name` in lower case.
  std::string Header(std::string_view name) const;
};

// What a handler says. Everything that HTTP makes of it (codings, ranges, conditions, HEAD) is the server's work.
struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  // The whole of it, uncoded; null: nothing. Shared, so that what is cached is not copied.
  std::shared_ptr<const std::string> body = nullptr;
  // Names exactly these bytes under this path: [A-Za-z0-9._:+/=-], without quotes; empty: none.
  std::string etag = {};
  // Whole seconds count.
  std::optional<absl::Time> last_modified = {};
  Fields headers = {};
  // Whether it gets smaller when it is compressed; what is compressed already does not.
  bool compressible = true;
};

}  // namespace section55::http
