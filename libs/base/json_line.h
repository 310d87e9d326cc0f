// What a line of the log and of the audit is made of: a JSON object, valid whatever bytes it is given.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <variant>

namespace section55::base {

using LogField = std::pair<std::string_view, std::variant<std::string_view, int64_t, double>>;

// Appends {"time":"2026-11-22T10:00:00.123456Z", the head, the fields} and a line end. Bytes that are no UTF-8 become U+FFFD, numbers
// that JSON has no word for null. Thread-safe.
void AppendJsonLine(fmt::memory_buffer& out, std::initializer_list<LogField> head,
                    std::initializer_list<LogField> fields);

}  // namespace section55::base
