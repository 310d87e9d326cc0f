// Which links may stand in a published document.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace section55::document {

// `url` made fit for an href: the scheme in lower case, and every byte that RFC 3986 does not allow percent-encoded, so
// that the result is ASCII. Nullopt unless it is https://host..., http://host..., mailto:address or #fragment, or if it
// contains a control character: an allow-list, so that javascript:, data: and relative addresses fall, in whatever
// disguise. Idempotent: SafeHref(*SafeHref(url)) == SafeHref(url). Pure and thread-safe.
std::optional<std::string> SafeHref(std::string_view url);

// Whether a safe href leads to another site (http or https).
bool IsExternal(std::string_view href);

}  // namespace section55::document
