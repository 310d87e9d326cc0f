// Identifiers and digests. All functions are thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace section55::base {

// A random version 4 UUID in lower case: for events, requests and errors.
std::string NewUuid();

// A number that nobody else has, above 0: for rows of which a table only ever gets more, as each belongs behind those that are there already.
// Larger than all that this process had before, and than those of others a moment ago as far as the clocks agree. Two processes get the
// same once in thousands of times when they ask in the same microsecond, so the table's key has to refuse the second.
int64_t NewOrderedId();

// The SHA-256 of what comes piece by piece. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Add(std::string_view bytes);
  // Of all that was added, as 64 lower-case hexadecimal digits. Once, as the last.
  std::string Hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::string_view bytes);

// Whether `id` can be the last part of a resource name: lower-case [a-z0-9-], 1 to 63 characters, no hyphen at either end.
bool IsResourceId(std::string_view id);

// The etag of version `version` of a resource, as clients see it. Opaque to them.
std::string EtagOf(int64_t version);

}  // namespace section55::base
