#include "libs/http/answer.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "libs/http/fields.h"

namespace section55::http {
namespace {

enum class Comparison { kWeak, kStrong };

// Whether a list of entity tags names `etag` (in quotes). "*" names any.
bool NamesTag(std::string_view list, std::string_view etag, Comparison comparison) {
  if (Trim(list) == "*") {
    return true;
  }
  for (std::string_view tag : SplitList(list, ',')) {
    if (tag.starts_with("W/")) {
      if (comparison == Comparison::kStrong) {
        continue;
      }
      tag.remove_prefix(2);
    }
    if (tag == etag && !etag.empty()) {
      return true;
    }
  }
  return false;
}

absl::Time WholeSeconds(absl::Time time) { return absl::FromUnixSeconds(absl::ToUnixSeconds(time)); }

// 304 or 412 when the request's conditions say so, in the order of RFC 9110, section 13.2.2.
std::optional<int> FailedCondition(const Request& request, std::string_view etag, std::optional<absl::Time> modified) {
  if (const std::string match = request.Header("if-match"); !match.empty()) {
    if (!NamesTag(match, etag, Comparison::kStrong)) {
      return 412;
    }
  } else if (const auto since = ParseHttpDate(request.Header("if-unmodified-since")); since && modified) {
    if (*modified > *since) {
      return 412;
    }
  }
  if (const std::string none = request.Header("if-none-match"); !none.empty()) {
    return NamesTag(none, etag, Comparison::kWeak) ? std::optional(304) : std::nullopt;
  }
  if (const auto since = ParseHttpDate(request.Header("if-modified-since")); since && modified && *modified <= *since) {
    return 304;
  }
  return std::nullopt;
}

// If-Range: whether the part that is asked for belongs to what the client has.
bool RangeApplies(const Request& request, std::string_view etag, std::optional<absl::Time> modified) {
  const std::string condition = request.Header("if-range");
  if (condition.empty()) {
    return true;
  }
  if (condition.front() == '"' || condition.starts_with("W/")) {
    return condition == etag;  // a weak one never is
  }
  const auto date = ParseHttpDate(condition);
  return date && modified && *date == *modified;
}

struct Range {
  size_t first = 0;
  size_t length = 0;
};

std::optional<size_t> ReadNumber(std::string_view digits) {
  size_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() && end == digits.data() + digits.size() ? std::optional(number) : std::nullopt;
}

// The one range that is asked for; nothing when none is, or several, or it cannot be read: then the whole is sent. A length of 0: no
// byte of the body lies in it.
std::optional<Range> ReadRange(std::string_view header, size_t size) {
  constexpr std::string_view kUnit = "bytes=";
  if (!ToLower(header.substr(0, kUnit.size())).starts_with(kUnit)) {
    return std::nullopt;
  }
  const std::string_view range = Trim(header.substr(kUnit.size()));
  const size_t dash = range.find('-');
  if (dash == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view from = range.substr(0, dash), to = range.substr(dash + 1);
  const std::optional<size_t> first = ReadNumber(from), last = ReadNumber(to);
  if (from.empty() && last) {  // the last so many bytes
    const size_t length = std::min(*last, size);
    return Range{size - length, length};
  }
  if (!first || (!to.empty() && (!last || *last < *first))) {
    return std::nullopt;
  }
  if (*first >= size) {
    return Range{};
  }
  return Range{*first, std::min(last.value_or(size - 1), size - 1) - *first + 1};
}

std::string Quoted(std::string_view etag, Coding coding) {
  if (etag.empty()) {
    return "";
  }
  return "\"" + std::string(etag) + (coding == Coding::kGzip ? "-gzip\"" : "\"");
}

}  // namespace

Answer AnswerTo(const Request& request, Response response, SharedBodies& bodies, CompressedForms& forms) {
  static const auto kNothing = std::make_shared<const std::string>();
  // Below one path, the etag names the bytes.
  const std::string key = response.etag.empty() ? "" : request.path + "\n" + response.etag;
  const std::shared_ptr<const std::string> whole =
      response.body ? bodies.Share(key, std::move(response.body)) : kNothing;
  Answer answer{.status = response.status, .headers = std::move(response.headers)};
  const auto add = [&](std::string name, std::string value) {
    answer.headers.emplace_back(std::move(name), std::move(value));
  };

  const bool found = response.status == 200;
  // A range is one of the plain bytes: who resumes what was broken off shall not get a mixture. HEAD knows no ranges.
  const bool ranged = found && request.method == "GET" && !request.Header("range").empty();
  Coding coding = Coding::kIdentity;
  if (response.compressible && !ranged) {
    coding = ChooseCoding(request.Header("accept-encoding"), whole->size() >= kSmallestCompressed);
  }
  const std::string etag = Quoted(response.etag, coding);
  const auto modified = response.last_modified ? std::optional(WholeSeconds(*response.last_modified)) : std::nullopt;

  if (response.compressible) {
    add("Vary", "Accept-Encoding");
  }
  if (!etag.empty()) {
    add("ETag", etag);
  }
  if (modified) {
    add("Last-Modified", FormatHttpDate(*modified));
  }
  if (found) {
    if (const auto failed = FailedCondition(request, etag, modified)) {
      answer.status = *failed;
      answer.body = kNothing;
      return answer;
    }
    add("Accept-Ranges", "bytes");
  }
  add("Content-Type", response.content_type);
  if (ranged && RangeApplies(request, etag, modified)) {
    if (const auto range = ReadRange(request.Header("range"), whole->size())) {
      const std::string size = std::to_string(whole->size());
      if (range->length == 0) {
        answer.status = 416;
        add("Content-Range", "bytes */" + size);
        answer.body = kNothing;
        return answer;
      }
      answer.status = 206;
      add("Content-Range", "bytes " + std::to_string(range->first) + "-" +
                               std::to_string(range->first + range->length - 1) + "/" + size);
      answer.body = whole;
      answer.offset = range->first;
      answer.length = range->length;
      return answer;
    }
  }
  if (coding == Coding::kGzip) {
    add("Content-Encoding", "gzip");
    answer.body = forms.Get(key, *whole);
  } else {
    answer.body = whole;
  }
  answer.length = answer.body->size();
  return answer;
}

}  // namespace section55::http
