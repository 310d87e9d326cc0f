#include "libs/base/json_line.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace section55::base {
namespace {

// How many bytes the UTF-8 character at the front of `text` has; 0 when it is none.
size_t CharacterSize(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size == 0 || size > text.size()) {
    return 0;
  }
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) {
      return 0;
    }
  }
  // Overlong forms, surrogates and what lies beyond the last character.
  const bool wrong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) >= 0xa0) ||
                     (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) >= 0x90);
  return wrong ? 0 : size;
}

void AppendJsonString(fmt::memory_buffer& out, std::string_view text) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  out.push_back('"');
  while (!text.empty()) {
    // Nearly every text is plain from end to end.
    const auto plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
    const size_t run = std::find_if_not(text.begin(), text.end(), plain) - text.begin();
    out.append(text.data(), text.data() + run);
    text.remove_prefix(run);
    if (text.empty()) {
      break;
    }
    const char c = text.front();
    size_t size = 1;
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
    } else if (size = CharacterSize(text); size > 0) {
      out.append(text.data(), text.data() + size);
    } else {
      out.append(kReplacement.data(), kReplacement.data() + kReplacement.size());
      size = 1;
    }
    text.remove_prefix(size);
  }
  out.push_back('"');
}

void AppendField(fmt::memory_buffer& out, const LogField& field) {
  const auto& [key, value] = field;
  out.push_back(',');
  AppendJsonString(out, key);
  out.push_back(':');
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    AppendJsonString(out, *text);
  } else if (const auto* number = std::get_if<int64_t>(&value)) {
    fmt::format_to(std::back_inserter(out), "{}", *number);
  } else if (const double real = std::get<double>(value); std::isfinite(real)) {
    fmt::format_to(std::back_inserter(out), "{}", real);
  } else {
    fmt::format_to(std::back_inserter(out), "null");  // JSON has no word for it
  }
}

}  // namespace

void AppendJsonLine(fmt::memory_buffer& out, std::initializer_list<LogField> head,
                    std::initializer_list<LogField> fields) {
  const int64_t micros = absl::ToUnixMicros(absl::Now());
  // Formatting a civil time costs more than the rest of the line; the second's text is kept for as long as it lasts.
  thread_local int64_t second = -1;
  thread_local std::string second_text;
  if (micros / 1000000 != second) {
    second = micros / 1000000;
    second_text = absl::FormatTime("%Y-%m-%dT%H:%M:%S", absl::FromUnixSeconds(second), absl::UTCTimeZone());
  }
  fmt::format_to(std::back_inserter(out), R"({{"time":"{}.{:06}Z")", second_text, micros % 1000000);
  for (const LogField& field : head) {
    AppendField(out, field);
  }
  for (const LogField& field : fields) {
    AppendField(out, field);
  }
  out.push_back('}');
  out.push_back('\n');
}

}  // namespace section55::base
