// How large a rendition may become, counted while it is made: it is never made larger than that, whatever its texts ask for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace section55::publication {

// Not thread-safe; lives while one rendition is made.
class Budget {
 public:
  explicit Budget(size_t limit) : limit_(limit) {}

  // Counts `bytes` that the text in `field` of the request ("response.answers[3].explanation") takes. False: leave it out, there is no
  // room for it any more; the counting goes on, so that the largest text is known in the end.
  bool Take(std::string_view field, size_t bytes);

  // Counts what is no text: frame, names, facts.
  bool Take(size_t bytes) { return Take("", bytes); }

  // INVALID_ARGUMENT that names the text which takes the most, of a form that is too long whatever was counted. `form`: "the PDF".
  absl::Status TooLong(std::string_view form) const;

  // OK, or INVALID_ARGUMENT that names the text which takes the most. `form`: "the web page".
  absl::Status ToStatus(std::string_view form) const;

 private:
  const size_t limit_;
  size_t taken_ = 0;
  size_t largest_ = 0;
  std::string largest_field_;
};

}  // namespace section55::publication
