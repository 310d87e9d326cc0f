#include "libs/http/target.h"

#include <algorithm>

namespace section55::http {
namespace {

int DigitOf(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Nothing when an escape is malformed.
std::optional<std::string> Decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += plus_is_space && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? DigitOf(text[i + 1]) : -1;
    const int low = high < 0 ? -1 : DigitOf(text[i + 2]);
    if (low < 0) {
      return std::nullopt;
    }
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

// Whether a segment is "." or "..": what a proxy may have resolved and we did not, or the other way round.
bool ClimbsOrStays(std::string_view path) {
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    if (segment == "." || segment == "..") {
      return true;
    }
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

bool ReadPath(std::string_view text, std::string& path) {
  // A slash that was encoded would be a separator after decoding and none before.
  for (size_t i = 0; i + 2 < text.size(); ++i) {
    if (text[i] == '%' && text[i + 1] == '2' && (text[i + 2] | 0x20) == 'f') {
      return false;
    }
  }
  std::optional<std::string> decoded = Decode(text, /*plus_is_space=*/false);
  if (!decoded || decoded->empty() || decoded->front() != '/' || ClimbsOrStays(*decoded) ||
      decoded->find('\\') != std::string::npos || std::any_of(decoded->begin(), decoded->end(), IsControl)) {
    return false;
  }
  path = *std::move(decoded);
  return true;
}

bool ReadQuery(std::string_view query, Fields& parameters) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (part.empty()) {
      continue;
    }
    const size_t equals = std::min(part.find('='), part.size());
    std::optional<std::string> name = Decode(part.substr(0, equals), /*plus_is_space=*/true);
    std::optional<std::string> value = Decode(part.substr(std::min(equals + 1, part.size())), /*plus_is_space=*/true);
    if (!name || !value) {
      return false;
    }
    parameters.emplace_back(*std::move(name), *std::move(value));
  }
  return true;
}

}  // namespace

bool ReadTarget(std::string_view target, Request& request) {
  if (std::any_of(target.begin(), target.end(), [](char c) { return c <= 0x20 || c >= 0x7f; })) {
    return false;
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.starts_with(scheme)) {
      target.remove_prefix(std::min(target.find('/', scheme.size()), target.size()));
      if (target.empty()) {
        target = "/";
      }
      break;
    }
  }
  const size_t question = std::min(target.find('?'), target.size());
  return ReadPath(target.substr(0, question), request.path) &&
         ReadQuery(target.substr(std::min(question + 1, target.size())), request.parameters);
}

}  // namespace section55::http
