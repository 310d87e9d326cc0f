#include "libs/document/links.h"

#include <algorithm>

namespace section55::document {
namespace {

// None of these depends on the locale, unlike <cctype>.
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

bool StartsWithIgnoringCase(std::string_view text, std::string_view lower_prefix) {
  return text.size() >= lower_prefix.size() && std::equal(lower_prefix.begin(), lower_prefix.end(), text.begin(),
                                                          [](char p, char c) { return p == Lower(c); });
}

// RFC 3986, unreserved and reserved, but for the brackets, which are valid only around an IPv6 address.
bool IsUrlCharacter(char c) {
  return IsAlpha(c) || IsDigit(c) || std::string_view("-._~:/?#@!$&'()*+,;=").find(c) != std::string_view::npos;
}

std::string PercentEncode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool escape = c == '%' && i + 2 < text.size() && IsHex(text[i + 1]) && IsHex(text[i + 2]);
    if (escape || IsUrlCharacter(c)) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return encoded;
}

}  // namespace

std::optional<std::string> SafeHref(std::string_view url) {
  if (std::any_of(url.begin(), url.end(), IsControl)) {
    return std::nullopt;
  }
  for (const std::string_view prefix : {"https://", "http://", "mailto:", "#"}) {
    if (!StartsWithIgnoringCase(url, prefix)) {
      continue;
    }
    const std::string_view rest = url.substr(prefix.size());
    // A browser skips surplus slashes and takes what follows for the host: such an address is not what it seems.
    if (rest.empty() || (IsExternal(prefix) && std::string_view("/\\?#").find(rest[0]) != std::string_view::npos)) {
      break;
    }
    return std::string(prefix) + PercentEncode(rest);
  }
  return std::nullopt;
}

bool IsExternal(std::string_view href) { return href.starts_with("https://") || href.starts_with("http://"); }

}  // namespace section55::document
